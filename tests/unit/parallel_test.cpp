#include "cpu/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

namespace {

using arloss::cpu::parallel_for;
using arloss::cpu::TaskShares;

TEST(ParallelFor, RunsEveryTaskOnceOnAThreadThatItWasGiven) {
  for (const int num_threads : {1, 2, 3, 8, 70}) {  // 70: more than there are shares
    for (const std::int64_t num_tasks : {0, 1, 2, 7, 63, 64, 65, 1000}) {
      std::vector<std::atomic<int>> runs(num_tasks);
      std::atomic<bool> foreign_thread{false};
      parallel_for(num_threads, num_tasks, [&](std::int64_t task, int thread) {
        runs.at(task).fetch_add(1);
        if (thread < 0 || thread >= num_threads) foreign_thread = true;
      });
      EXPECT_TRUE(std::all_of(runs.begin(), runs.end(), [](const std::atomic<int>& n) { return n == 1; }))
          << num_tasks << " tasks on " << num_threads << " threads";
      EXPECT_FALSE(foreign_thread);
    }
  }
}

TEST(TaskShares, AThreadBeginsWithItsOwnShareAndTakesWhatOthersLeave) {
  TaskShares shares(10, 3);  // 0 1 2 | 3 4 5 | 6 7 8 9
  std::vector<std::int64_t> taken;
  shares.run(1, [&](std::int64_t task) { taken.push_back(task); });
  EXPECT_EQ(taken, (std::vector<std::int64_t>{3, 4, 5, 6, 7, 8, 9, 0, 1, 2}));
  taken.clear();
  shares.run(0, [&](std::int64_t task) { taken.push_back(task); });
  EXPECT_TRUE(taken.empty());
}

}  // namespace

#ifndef ARLOSS_CPU_PARALLEL_H
#define ARLOSS_CPU_PARALLEL_H

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace arloss::cpu {

/// Tasks 0 .. count in contiguous shares, one for each thread, whose rest any thread may take once its own share is
/// done. The same cores meet the same cells call after call, so what one wrote is still in its cache: where two cores
/// share no L3 cache, one queue for both takes 1.3 times as long (pooling of 769 x 769 labels).
class TaskShares {
 public:
  TaskShares(std::int64_t count, int num_shares) : count_(count), num_shares_(std::min(num_shares, kMaxShares)) {
    for (int share = 0; share < num_shares_; ++share) next_[share].task.store(first(share), std::memory_order_relaxed);
  }

  /// Runs body(task) until no task is left, the share of `thread` first.
  template <class Body>
  void run(int thread, const Body& body) {
    for (int turn = 0; turn < num_shares_; ++turn) {
      const int share = (thread + turn) % num_shares_;
      for (std::int64_t task = take(share); task < first(share + 1); task = take(share)) body(task);
    }
  }

 private:
  static constexpr int kMaxShares = 64;  // on the stack: 4 KiB

  struct alignas(64) Next {
    std::atomic<std::int64_t> task;
  };

  std::int64_t first(int share) const { return count_ * share / num_shares_; }
  std::int64_t take(int share) { return next_[share].task.fetch_add(1, std::memory_order_relaxed); }

  std::int64_t count_;
  int num_shares_;
  Next next_[kMaxShares];
};

/// Runs body(task, thread) for every task; thread < num_threads names the scratch a task may use. Which thread runs a
/// task, and how many there are, changes no bit: tasks are fixed by the plan and write only what is theirs.
template <class Body>
void parallel_for(int num_threads, std::int64_t num_tasks, const Body& body) {
  if (num_threads == 1 || num_tasks == 1) {
    for (std::int64_t task = 0; task < num_tasks; ++task) body(task, 0);
    return;
  }
  TaskShares shares(num_tasks, num_threads);
#pragma omp parallel num_threads(num_threads)
  {
    const int thread = omp_get_thread_num();
    shares.run(thread, [&](std::int64_t task) { body(task, thread); });
  }
}

/// Lowers `lowest` to `value` if that is smaller; the result does not depend on the order of calls.
inline void lower(std::atomic<std::int64_t>& lowest, std::int64_t value) {
  std::int64_t seen = lowest.load(std::memory_order_relaxed);
  while (value < seen && !lowest.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

}  // namespace arloss::cpu

#endif

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/streams.h"

namespace emulator::runtime {
namespace {

using Index = Streams::Index;

/// Streams whose operations write their names and keep the order they were given.
class StreamOrderTest : public testing::Test {
 protected:
  void submit(Index stream, const std::string& name) {
    auto task = std::make_shared<Task>();
    task->steps.push_back({[this, name](const Execution& execution) {
                             log_ += name;
                             executions_.push_back(execution);
                           },
                           {},
                           0});
    streams_.submit(stream, std::move(task));
  }

  void submit_kernel(Index stream, const std::string& name, bool may_overlap) {
    auto task = std::make_shared<Task>();
    task->steps.push_back({[this, name](const Execution& execution) {
                             log_ += name;
                             executions_.push_back(execution);
                           },
                           {},
                           0});
    task->is_kernel = true;
    task->may_overlap = may_overlap;
    streams_.submit(stream, std::move(task));
  }

  /// Whether the b-th, before its griddepcontrol.wait, knows that the a-th ended.
  bool is_ordered_before_wait(std::size_t a, std::size_t b) const {
    const OperationOrder& earlier = executions_[a].order;
    return executions_[b].before_wait.value_or(executions_[b].order).is_after(earlier.operation, earlier.stream);
  }

  /// Whether the b-th executed operation knows that the a-th ended.
  bool is_ordered(std::size_t a, std::size_t b) const {
    const OperationOrder& earlier = executions_[a].order;
    return executions_[b].order.is_after(earlier.operation, earlier.stream);
  }

  Streams streams_;
  std::string log_;
  std::vector<Execution> executions_;
};

TEST_F(StreamOrderTest, WorkWaitsForTheHost) {
  const Index a = streams_.open(true);
  submit(a, "a");
  EXPECT_EQ(log_, "");
  streams_.finish(a);
  EXPECT_EQ(log_, "a");
}

TEST_F(StreamOrderTest, EagerWorkDoesNotWait) {
  streams_.set_lazy(false);
  submit(streams_.open(true), "a");
  EXPECT_EQ(log_, "a");
}

TEST_F(StreamOrderTest, OnlyWhatTheHostWaitsForRunsWithSeedZero) {
  const Index a = streams_.open(false);
  const Index b = streams_.open(false);
  submit(b, "b");
  submit(a, "a");
  streams_.finish(a);
  EXPECT_EQ(log_, "a");
}

TEST_F(StreamOrderTest, SeedZeroFollowsTheCallsAndSeedOneTheirReverse) {
  for (const std::uint64_t seed : {0, 1}) {
    streams_.set_seed(seed);
    log_.clear();
    const Index a = streams_.open(false);
    const Index b = streams_.open(false);
    submit(a, "1");
    submit(b, "2");
    submit(a, "3");
    submit(b, "4");
    streams_.finish_all();
    EXPECT_EQ(log_, seed == 0 ? "1234" : "2413");
  }
}

TEST_F(StreamOrderTest, OtherSeedsGiveEveryOrderOfUnorderedWork) {
  std::vector<std::string> seen;
  for (std::uint64_t seed = 2; seed < 66; ++seed) {
    streams_.set_seed(seed);
    log_.clear();
    const Index a = streams_.open(false);
    const Index b = streams_.open(false);
    submit(a, "1");
    submit(b, "2");
    submit(a, "3");
    streams_.finish_all();
    if (std::find(seen.begin(), seen.end(), log_) == seen.end()) seen.push_back(log_);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (std::vector<std::string>{"123", "132", "213"}));
}

TEST_F(StreamOrderTest, ASeedGivesOneOrder) {
  const auto run = [&] {
    streams_.set_seed(7);
    log_.clear();
    for (int s = 0; s < 6; ++s) submit(streams_.open(false), std::to_string(s));
    streams_.finish_all();
    return log_;
  };
  const std::string first = run();
  EXPECT_EQ(run(), first);
}

TEST_F(StreamOrderTest, AnEventOrdersStreams) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    streams_.set_seed(seed);
    log_.clear();
    executions_.clear();
    const Index a = streams_.open(false);
    const Index b = streams_.open(false);
    submit(a, "a");
    streams_.wait(b, streams_.mark(a));
    submit(b, "b");
    streams_.finish(b);
    ASSERT_EQ(log_, "ab");
    EXPECT_TRUE(is_ordered(0, 1));
  }
}

TEST_F(StreamOrderTest, WorkBehindAMarkerIsNotOrderedByIt) {
  const Index a = streams_.open(false);
  const Index b = streams_.open(false);
  const auto marker = streams_.mark(a);
  submit(a, "a");
  streams_.wait(b, marker);
  submit(b, "b");
  streams_.finish_all();
  ASSERT_EQ(log_, "ab");
  EXPECT_FALSE(is_ordered(0, 1));
}

TEST_F(StreamOrderTest, UnrelatedStreamsAreNotOrdered) {
  const Index a = streams_.open(true);
  const Index b = streams_.open(true);
  submit(a, "a");
  submit(b, "b");
  submit(a, "c");
  streams_.finish_all();
  EXPECT_FALSE(is_ordered(0, 1));
  EXPECT_FALSE(is_ordered(1, 2));
  EXPECT_TRUE(is_ordered(0, 2));
}

TEST_F(StreamOrderTest, OrderIsTransitive) {
  const Index a = streams_.open(false);
  const Index b = streams_.open(false);
  const Index c = streams_.open(false);
  submit(a, "a");
  streams_.wait(b, streams_.mark(a));
  streams_.wait(c, streams_.mark(b));
  submit(c, "c");
  streams_.finish(c);
  ASSERT_EQ(log_, "ac");
  EXPECT_TRUE(is_ordered(0, 1));
}

TEST_F(StreamOrderTest, TheDefaultStreamSynchronisesWithBlockingStreams) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    streams_.set_seed(seed);
    log_.clear();
    executions_.clear();
    const Index a = streams_.open(true);
    const Index b = streams_.open(true);
    submit(a, "1");
    submit(Streams::kLegacy, "2");
    submit(b, "3");
    streams_.finish(b);
    ASSERT_EQ(log_, "123");
    EXPECT_TRUE(is_ordered(0, 1));
    EXPECT_TRUE(is_ordered(1, 2));
    EXPECT_TRUE(is_ordered(0, 2));
  }
}

TEST_F(StreamOrderTest, NonBlockingStreamsIgnoreTheDefaultStream) {
  const Index a = streams_.open(false);
  submit(a, "1");
  submit(Streams::kLegacy, "2");
  submit(a, "3");
  streams_.finish(Streams::kLegacy);
  EXPECT_EQ(log_, "2");
  streams_.finish_all();
  EXPECT_EQ(log_, "213");
  EXPECT_FALSE(is_ordered(0, 1));
  EXPECT_FALSE(is_ordered(0, 2));
}

TEST_F(StreamOrderTest, WaitingForTheDefaultStreamWaitsForNoLaterWorkOfOthers) {
  const Index a = streams_.open(true);
  submit(Streams::kLegacy, "1");
  submit(a, "2");
  streams_.finish(Streams::kLegacy);
  EXPECT_EQ(log_, "1");
}

TEST_F(StreamOrderTest, TheDefaultStreamKnowsWhatADestroyedStreamDid) {
  const Index a = streams_.open(true);
  submit(a, "a");
  streams_.close(a);
  submit(Streams::kLegacy, "b");
  streams_.finish(Streams::kLegacy);
  ASSERT_EQ(log_, "ab");
  EXPECT_TRUE(is_ordered(0, 1));
}

TEST_F(StreamOrderTest, TheHostOrdersWhatItIssuesAfterItsWait) {
  const Index a = streams_.open(false);
  const Index b = streams_.open(false);
  submit(a, "1");
  submit(b, "2");
  streams_.finish(a);
  submit(b, "3");
  streams_.finish_all();
  ASSERT_EQ(log_, "123");
  EXPECT_FALSE(is_ordered(0, 1));  // issued before the host waited, though executed after
  EXPECT_TRUE(is_ordered(0, 2));
}

TEST_F(StreamOrderTest, WaitingForAllOrdersAll) {
  const Index a = streams_.open(false);
  const Index b = streams_.open(false);
  submit(a, "1");
  streams_.finish_all();
  submit(b, "2");
  streams_.finish_all();
  EXPECT_TRUE(is_ordered(0, 1));
}

TEST_F(StreamOrderTest, AQueryIsFalseOnceAndEndsALoop) {
  const Index a = streams_.open(false);
  submit(a, "1");
  submit(a, "2");
  const auto marker = streams_.mark(a);
  int num_queries = 0;
  while (!streams_.poll(*marker)) ++num_queries;
  EXPECT_EQ(num_queries, 3);
  EXPECT_EQ(log_, "12");
  EXPECT_TRUE(streams_.poll(a));
}

TEST_F(StreamOrderTest, ASuccessfulQueryIsAWaitOfTheHost) {
  const Index a = streams_.open(false);
  const Index b = streams_.open(false);
  submit(a, "1");
  while (!streams_.poll(a)) {
  }
  submit(b, "2");
  streams_.finish_all();
  EXPECT_TRUE(is_ordered(0, 1));
}

TEST_F(StreamOrderTest, AnIndexIsUsedAgainOnlyAfterTheHostHasWaited) {
  const Index a = streams_.open(false);
  submit(a, "1");
  streams_.close(a);
  const Index b = streams_.open(false);
  EXPECT_NE(a, b);
  submit(b, "2");
  streams_.finish_all();
  EXPECT_FALSE(is_ordered(0, 1));
  EXPECT_EQ(streams_.open(false), a);
}

TEST_F(StreamOrderTest, ManyStreamsOneAfterTheOtherNeedOneIndex) {
  for (int round = 0; round < 50; ++round) {
    const Index a = streams_.open(false);
    EXPECT_LE(a, 1u);
    submit(a, "x");
    streams_.finish(a);
    streams_.close(a);
  }
}

TEST_F(StreamOrderTest, WaitingWorkIsBounded) {
  const Index a = streams_.open(false);
  for (std::size_t n = 0; n < Streams::kMaxPending + 10; ++n) submit(a, "x");
  EXPECT_EQ(log_.size(), 10u);
}

TEST_F(StreamOrderTest, LongAlternationsNeedNoDeepStack) {
  const Index a = streams_.open(true);
  for (std::size_t n = 0; n < Streams::kMaxPending / 2; ++n) {
    submit(Streams::kLegacy, "l");
    submit(a, "a");
  }
  streams_.finish(a);
  EXPECT_EQ(log_.size(), Streams::kMaxPending);
}

TEST_F(StreamOrderTest, AbandonedWorkNeverRunsAndItsMarkersAreDone) {
  const Index a = streams_.open(false);
  auto task = std::make_shared<Task>();
  task->steps.push_back({[](const Execution&) { throw std::runtime_error("failed"); }, {}, 0});
  streams_.submit(a, std::move(task));
  submit(a, "never");
  const auto marker = streams_.mark(a);
  EXPECT_THROW(streams_.finish(a), std::runtime_error);
  streams_.abandon();
  EXPECT_TRUE(marker->is_done);
  streams_.finish_all();
  EXPECT_EQ(log_, "");
  submit(a, "again");
  streams_.finish(a);
  EXPECT_EQ(log_, "again");
}

TEST_F(StreamOrderTest, AKernelMayOverlapTheKernelBeforeIt) {
  const Index a = streams_.open(false);
  submit_kernel(a, "1", false);
  submit_kernel(a, "2", false);
  submit_kernel(a, "3", true);
  submit_kernel(a, "4", true);
  submit_kernel(a, "5", false);
  streams_.finish(a);
  ASSERT_EQ(log_, "12345");
  EXPECT_TRUE(is_ordered_before_wait(0, 2));
  EXPECT_FALSE(is_ordered_before_wait(1, 2));
  EXPECT_TRUE(is_ordered(1, 2));
  EXPECT_TRUE(is_ordered_before_wait(0, 3));
  EXPECT_FALSE(is_ordered_before_wait(1, 3));
  EXPECT_FALSE(is_ordered_before_wait(2, 3));
  EXPECT_TRUE(is_ordered(1, 3));
  EXPECT_TRUE(is_ordered(2, 3));
  for (std::size_t earlier = 0; earlier < 4; ++earlier) EXPECT_TRUE(is_ordered_before_wait(earlier, 4));
}

TEST_F(StreamOrderTest, NoKernelOverlapsOtherWork) {
  const Index a = streams_.open(false);
  submit_kernel(a, "1", true);
  submit_kernel(a, "2", false);
  submit(a, "3");
  submit_kernel(a, "4", true);
  streams_.finish(a);
  ASSERT_EQ(log_, "1234");
  EXPECT_TRUE(is_ordered_before_wait(1, 3));
  EXPECT_TRUE(is_ordered_before_wait(2, 3));
}

TEST_F(StreamOrderTest, EventsAndTheHostOrderKernelsThatMayOverlap) {
  const Index a = streams_.open(false);
  const Index b = streams_.open(false);
  submit_kernel(a, "1", false);
  submit_kernel(b, "2", false);
  streams_.wait(a, streams_.mark(b));
  submit_kernel(a, "3", true);
  streams_.finish(a);
  submit_kernel(a, "4", true);
  streams_.finish(a);
  ASSERT_EQ(log_, "1234");
  EXPECT_FALSE(is_ordered_before_wait(0, 2));
  EXPECT_TRUE(is_ordered_before_wait(1, 2));
  EXPECT_TRUE(is_ordered_before_wait(2, 3));
}

TEST_F(StreamOrderTest, CallsAreNumberedByTheProgramWhateverTheSeed) {
  for (const std::uint64_t seed : {0, 1}) {
    Streams streams;
    streams.set_seed(seed);
    std::vector<std::uint64_t> calls(3);
    for (std::size_t s = 0; s < 3; ++s) {
      auto task = std::make_shared<Task>();
      task->steps.push_back({[&calls, s](const Execution& execution) { calls[s] = execution.call; }, {}, 0});
      streams.submit(streams.open(false), std::move(task));
    }
    streams.finish_all();
    EXPECT_EQ(calls, (std::vector<std::uint64_t>{1, 2, 3}));
  }
}

}  // namespace
}  // namespace emulator::runtime

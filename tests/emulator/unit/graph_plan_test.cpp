#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/graph.h"

namespace emulator::runtime {
namespace {

/// Graphs whose nodes write their names, and what each execution of a node knew.
class GraphPlanTest : public testing::Test {
 protected:
  std::uint32_t add(const std::string& name, std::vector<std::uint32_t> after, std::uint32_t overlapped = Step::kNone) {
    return graph_.add(
        Graph::NodeKind::kKernel,
        [this, name](const Execution& execution) {
          log_ += name;
          executions_[name] = execution;
        },
        std::move(after), overlapped);
  }

  void run(std::uint64_t seed) {
    log_.clear();
    Streams streams;
    streams.set_seed(seed);
    const GraphPlan plan = plan_graph(graph_);
    std::vector<Streams::Index> lanes;
    for (std::uint32_t lane = 0; lane < plan.num_lanes; ++lane) lanes.push_back(streams.open(false));
    streams.submit(Streams::kLegacy, plan.task, lanes);
    streams.finish(Streams::kLegacy);
  }

  bool is_ordered(const std::string& a, const std::string& b) {
    const OperationOrder& earlier = executions_[a].order;
    return executions_[b].order.is_after(earlier.operation, earlier.stream);
  }
  bool is_ordered_before_wait(const std::string& a, const std::string& b) {
    const OperationOrder& earlier = executions_[a].order;
    return executions_[b].before_wait.value_or(executions_[b].order).is_after(earlier.operation, earlier.stream);
  }

  Graph graph_;
  std::string log_;
  std::map<std::string, Execution> executions_;
};

TEST_F(GraphPlanTest, AChainNeedsNoLane) {
  add("a", {});
  add("b", {0});
  add("c", {1});
  EXPECT_EQ(plan_graph(graph_).num_lanes, 0u);
}

TEST_F(GraphPlanTest, ForksInARowShareLanes) {
  std::uint32_t last = add("a", {});
  for (int round = 0; round < 5; ++round) {
    const std::uint32_t left = add("l", {last});
    const std::uint32_t right = add("r", {last});
    last = add("j", {left, right});
  }
  EXPECT_EQ(plan_graph(graph_).num_lanes, 1u);
}

TEST_F(GraphPlanTest, UnrelatedRootsHaveLanesOfTheirOwn) {
  for (int root = 0; root < 4; ++root) add("r", {});
  EXPECT_EQ(plan_graph(graph_).num_lanes, 3u);
}

TEST_F(GraphPlanTest, EveryOrderThatRespectsTheEdgesOccurs) {
  add("a", {});
  add("b", {0});
  add("c", {0});
  add("d", {1, 2});
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    run(seed);
    seen.insert(log_);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"abcd", "acbd"}));
}

TEST_F(GraphPlanTest, NodesKnowTheirPredecessorsAndNoOthers) {
  add("a", {});
  add("b", {0});
  add("c", {0});
  add("d", {2});
  add("e", {1, 3});
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    run(seed);
    const bool is_b_first = log_.find('b') < log_.find('c');
    EXPECT_TRUE(is_ordered("a", "b"));
    EXPECT_TRUE(is_ordered("a", "d"));
    EXPECT_TRUE(is_ordered("c", "d"));
    EXPECT_TRUE(is_ordered("b", "e"));
    EXPECT_TRUE(is_ordered("d", "e"));
    EXPECT_FALSE(is_b_first ? is_ordered("b", "c") : is_ordered("c", "b"));
  }
}

TEST_F(GraphPlanTest, ProgrammaticEdgesOrderAfterTheWaitOnly) {
  add("a", {});
  add("b", {0});
  add("c", {0});
  add("d", {1, 2}, 1);
  add("e", {3}, 3);
  add("f", {4});
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    run(seed);
    EXPECT_TRUE(is_ordered_before_wait("a", "d"));
    EXPECT_TRUE(is_ordered_before_wait("c", "d"));
    EXPECT_FALSE(is_ordered_before_wait("b", "d"));
    EXPECT_TRUE(is_ordered("b", "d"));
    EXPECT_TRUE(is_ordered_before_wait("c", "e"));
    EXPECT_FALSE(is_ordered_before_wait("b", "e"));
    EXPECT_FALSE(is_ordered_before_wait("d", "e"));
    EXPECT_TRUE(is_ordered("b", "e"));
    EXPECT_TRUE(is_ordered_before_wait("b", "f"));
    EXPECT_TRUE(is_ordered_before_wait("e", "f"));
  }
}

TEST_F(GraphPlanTest, LaterWorkOfTheStreamKnowsEveryNode) {
  add("a", {});
  add("b", {});
  Streams streams;
  const GraphPlan plan = plan_graph(graph_);
  const Streams::Index stream = streams.open(false);
  streams.submit(stream, plan.task, {streams.open(false)});
  auto task = std::make_shared<Task>();
  task->steps.push_back({[&](const Execution& execution) { executions_["after"] = execution; }, {}, 0});
  streams.submit(stream, std::move(task));
  streams.finish(stream);
  EXPECT_TRUE(is_ordered("a", "after"));
  EXPECT_TRUE(is_ordered("b", "after"));
  EXPECT_FALSE(is_ordered("a", "b"));
}

TEST_F(GraphPlanTest, StepsAreNumberedByTheGraph) {
  add("a", {});
  add("b", {});
  run(1);
  EXPECT_EQ(log_, "ba");
  EXPECT_EQ(executions_["a"].step, 0u);
  EXPECT_EQ(executions_["b"].step, 1u);
}

TEST_F(GraphPlanTest, ReachesFollowsEdgesBackwards) {
  add("a", {});
  add("b", {0});
  add("c", {});
  add("d", {1});
  EXPECT_TRUE(graph_.reaches({3}, 0));
  EXPECT_TRUE(graph_.reaches({3}, 3));
  EXPECT_FALSE(graph_.reaches({3}, 2));
  EXPECT_TRUE(graph_.reaches({2, 1}, 0));
  EXPECT_FALSE(graph_.reaches({}, 0));
}

}  // namespace
}  // namespace emulator::runtime

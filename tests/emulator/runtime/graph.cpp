#include "runtime/graph.h"

#include <algorithm>
#include <utility>

#include "runtime/clock.h"

namespace emulator::runtime {

std::uint32_t Graph::add(NodeKind kind, Operation run, std::vector<std::uint32_t> after, std::uint32_t overlapped) {
  nodes_.push_back({kind, std::move(run), std::move(after), overlapped});
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

std::size_t Graph::num_edges() const {
  std::size_t count = 0;
  for (const Node& node : nodes_) count += node.after.size();
  return count;
}

bool Graph::reaches(const std::vector<std::uint32_t>& ends, std::uint32_t target) const {
  std::vector<bool> is_before(nodes_.size(), false);
  for (const std::uint32_t end : ends) is_before[end] = true;
  for (std::uint32_t n = static_cast<std::uint32_t>(nodes_.size()); n-- > target;) {
    if (!is_before[n]) continue;
    for (const std::uint32_t earlier : nodes_[n].after) is_before[earlier] = true;
  }
  return is_before[target];
}

GraphPlan plan_graph(const Graph& graph) {
  auto task = std::make_shared<Task>();
  // The nodes' own vector clocks: of each lane, the last node (counted from 1) that comes before this one. A node may
  // go on with a lane whose last node does.
  std::vector<Clock> clocks;
  std::vector<std::uint32_t> last_of_lane{0};
  for (std::uint32_t n = 0; n < graph.nodes().size(); ++n) {
    const Graph::Node& node = graph.nodes()[n];
    Clock clock;
    for (const std::uint32_t earlier : node.after) clock.join(clocks[earlier]);
    std::uint32_t lane = 0;
    while (lane < last_of_lane.size() && !clock.covers(lane, last_of_lane[lane])) ++lane;
    if (lane == last_of_lane.size()) last_of_lane.push_back(0);
    last_of_lane[lane] = n + 1;
    clock.learn(lane, n + 1);
    clocks.push_back(std::move(clock));
    task->steps.push_back({node.run, node.after, lane, node.overlapped});
  }
  GraphPlan plan;
  plan.task = std::move(task);
  plan.num_lanes = static_cast<std::uint32_t>(last_of_lane.size()) - 1;
  return plan;
}

}  // namespace emulator::runtime

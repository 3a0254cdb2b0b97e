#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_GRAPH_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_GRAPH_H

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/streams.h"

namespace emulator::runtime {

/// Operations and what comes before what, as stream capture collects them. A node is known by its position; the nodes
/// before it have smaller positions.
class Graph {
 public:
  enum class NodeKind { kKernel, kCopy, kMemset, kHost, kEmpty };
  struct Node {
    NodeKind kind;
    Operation run;
    std::vector<std::uint32_t> after;
    std::uint32_t overlapped;  // as in Step: the one of `after` whose edge is programmatic
  };

  std::uint32_t add(NodeKind kind, Operation run, std::vector<std::uint32_t> after,
                    std::uint32_t overlapped = Step::kNone);
  const std::vector<Node>& nodes() const { return nodes_; }
  std::size_t num_edges() const;
  /// Whether `node` is one of `ends` or comes before one of them.
  bool reaches(const std::vector<std::uint32_t>& ends, std::uint32_t node) const;

 private:
  std::vector<Node> nodes_;
};

/// A graph made ready to be submitted to a stream.
struct GraphPlan {
  std::shared_ptr<const Task> task;
  /// Lanes beside the launching stream: how many nodes nothing orders at most, less one.
  std::uint32_t num_lanes = 0;
};
GraphPlan plan_graph(const Graph& graph);

}  // namespace emulator::runtime

#endif

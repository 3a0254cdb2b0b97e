// Graphs built by hand: the nodes that do what streams do.
#include <cuda_runtime_api.h>

#include <utility>
#include <vector>

#include "runtime/api.h"
#include "runtime/capture.h"
#include "runtime/kernel_launch.h"
#include "runtime/transfer.h"

namespace emulator::runtime {
namespace {

struct NodePlace {
  cudaGraphNode_t* node;
  cudaGraph_t graph;
  const cudaGraphNode_t* dependencies;
  std::size_t num_dependencies;
};

/// The nodes a new one comes after; fails where its graph or one of them does not exist.
cudaError_t find_dependencies(State& state, const NodePlace& place, std::vector<std::uint32_t>* after) {
  if (!place.node || !state.graph_handles.find(place.graph)) return cudaErrorInvalidValue;
  if (place.num_dependencies > 0 && !place.dependencies) return cudaErrorInvalidValue;
  for (std::size_t d = 0; d < place.num_dependencies; ++d) {
    const GraphNodeObject* const earlier = state.node_handles.find(place.dependencies[d]);
    if (!earlier || earlier->graph != place.graph) return cudaErrorInvalidValue;
    after->push_back(earlier->index);
  }
  return cudaSuccess;
}

/// `make(&operation)` checks the node's parameters.
template <class Make>
cudaError_t add_node(State& state, const NodePlace& place, Graph::NodeKind kind, Make&& make) {
  std::vector<std::uint32_t> after;
  if (const cudaError_t error = find_dependencies(state, place, &after); error != cudaSuccess) return error;
  Operation operation;
  if (const cudaError_t error = make(&operation); error != cudaSuccess) return error;
  GraphObject& graph = *state.graph_handles.find(place.graph);
  const std::uint32_t index = graph.graph->add(kind, std::move(operation), std::move(after));
  *place.node = node_handles(state, place.graph, graph)[index];
  return cudaSuccess;
}

void do_nothing(const Execution&) {}

cudaError_t copy_node(State& state, Transfer transfer, Operation* operation) {
  if (const cudaError_t error = check_transfer(transfer); error != cudaSuccess) return error;
  *operation = transfer.destination.is_empty() ? Operation(do_nothing)
                                               : copy_operation(state, transfer, false, current_function());
  return cudaSuccess;
}

cudaError_t fill_node(const cudaMemsetParams& fill, Operation* operation) {
  if (fill.elementSize != 1) {
    return refuse(cudaErrorNotSupported, "memset nodes of elements wider than a byte are not emulated",
                  Kind::kUnsupported);
  }
  const Rectangle range{reinterpret_cast<Address>(fill.dst), fill.height > 1 ? fill.pitch : fill.width, fill.width,
                        fill.height};
  if (range.is_empty() || range.pitch < range.width) return cudaErrorInvalidValue;
  if (const cudaError_t error = check_device_range(range, "writes"); error != cudaSuccess) return error;
  *operation = fill_operation(range, static_cast<unsigned char>(fill.value), current_function());
  return cudaSuccess;
}

}  // namespace
}  // namespace emulator::runtime

using namespace emulator;
using namespace emulator::runtime;

cudaError_t cudaGraphAddEmptyNode(cudaGraphNode_t* node, cudaGraph_t graph, const cudaGraphNode_t* dependencies,
                                  std::size_t num_dependencies) {
  return api([&](State& state) {
    return add_node(state, {node, graph, dependencies, num_dependencies}, Graph::NodeKind::kEmpty,
                    [](Operation* operation) {
                      *operation = do_nothing;
                      return cudaSuccess;
                    });
  });
}

cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* node, cudaGraph_t graph, const cudaGraphNode_t* dependencies,
                                   std::size_t num_dependencies, const cudaKernelNodeParams* kernel) {
  return api([&](State& state) {
    if (!kernel) return cudaErrorInvalidValue;
    return add_node(
        state, {node, graph, dependencies, num_dependencies}, Graph::NodeKind::kKernel, [&](Operation* operation) {
          if (!kernel->kernelParams && kernel->extra) {
            return refuse(cudaErrorNotSupported, "packed kernel parameters are not emulated", Kind::kUnsupported);
          }
          return launch_operation(state, kernel->func,
                                  {kernel->gridDim, kernel->blockDim, kernel->sharedMemBytes, nullptr},
                                  kernel->kernelParams, operation);
        });
  });
}

cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t* node, cudaGraph_t graph, const cudaGraphNode_t* dependencies,
                                     std::size_t num_dependencies, void* to, const void* from, std::size_t bytes,
                                     cudaMemcpyKind kind) {
  return api([&](State& state) {
    return add_node(state, {node, graph, dependencies, num_dependencies}, Graph::NodeKind::kCopy,
                    [&](Operation* operation) {
                      return copy_node(state, {linear(to, bytes), linear(from, bytes), kind}, operation);
                    });
  });
}

cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t* node, cudaGraph_t graph, const cudaGraphNode_t* dependencies,
                                   std::size_t num_dependencies, const cudaMemsetParams* fill) {
  return api([&](State& state) {
    if (!fill) return cudaErrorInvalidValue;
    return add_node(state, {node, graph, dependencies, num_dependencies}, Graph::NodeKind::kMemset,
                    [&](Operation* operation) { return fill_node(*fill, operation); });
  });
}

#include <cuda_runtime_api.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "runtime/api.h"
#include "runtime/capture.h"
#include "runtime/submit.h"

namespace emulator::runtime {
namespace {

cudaError_t instantiate(State& state, cudaGraphExec_t* handle, cudaGraph_t graph_handle, unsigned long long flags) {
  if (!handle) return cudaErrorInvalidValue;
  const GraphObject* const graph = state.graph_handles.find(graph_handle);
  if (!graph) return cudaErrorInvalidValue;
  // Freed at launch: there are no memory nodes. Priorities: the order is the seed's.
  constexpr unsigned long long kFlags =
      cudaGraphInstantiateFlagAutoFreeOnLaunch | cudaGraphInstantiateFlagUseNodePriority;
  if ((flags & ~kFlags) != 0) {
    return refuse(cudaErrorNotSupported, "these flags of graphs are not emulated", Kind::kUnsupported);
  }
  auto exec = std::make_unique<GraphExec>();
  exec->plan = plan_graph(*graph->graph);
  for (std::uint32_t lane = 0; lane < exec->plan.num_lanes; ++lane) exec->lanes.push_back(state.streams.open(false));
  *handle = state.exec_handles.add(std::move(exec));
  return cudaSuccess;
}

cudaError_t launch_graph(State& state, cudaGraphExec_t handle, cudaStream_t stream_handle) {
  GraphExec* const exec = state.exec_handles.find(handle);
  if (!exec) return cudaErrorInvalidValue;
  StreamObject* stream = nullptr;
  if (const cudaError_t error = find_issuing_stream(state, stream_handle, &stream); error != cudaSuccess) return error;
  if (stream->point.capture) {
    return refuse(cudaErrorNotSupported, "a graph within a graph is not emulated", Kind::kUnsupported);
  }
  // Launches of one executable graph never overlap.
  if (exec->last_launch) state.streams.wait(stream->index, exec->last_launch);
  state.streams.submit(stream->index, exec->plan.task, exec->lanes);
  exec->last_launch = state.streams.mark(stream->index);
  return cudaSuccess;
}

cudaError_t destroy_exec(State& state, cudaGraphExec_t handle) {
  const std::unique_ptr<GraphExec> exec = state.exec_handles.remove(handle);
  if (!exec) return cudaErrorInvalidValue;
  for (const Streams::Index lane : exec->lanes) {
    // A launch may still wait; others must not be given its lanes before it is done.
    if (exec->last_launch) state.streams.wait(lane, exec->last_launch);
    state.streams.close(lane);
  }
  return cudaSuccess;
}

bool is_being_captured(const State& state, cudaGraph_t graph) {
  return std::any_of(state.captures.begin(), state.captures.end(),
                     [&](const std::shared_ptr<Capture>& capture) { return capture->handle == graph; });
}

cudaError_t get_nodes(State& state, cudaGraph_t handle, cudaGraphNode_t* nodes, std::size_t* count, bool roots_only) {
  GraphObject* const graph = state.graph_handles.find(handle);
  if (!graph || !count) return cudaErrorInvalidValue;
  std::vector<cudaGraphNode_t> found = node_handles(state, handle, *graph);
  if (roots_only) {
    found.clear();
    for (std::size_t n = 0; n < graph->node_handles.size(); ++n) {
      if (graph->graph->nodes()[n].after.empty()) found.push_back(graph->node_handles[n]);
    }
  }
  if (!nodes) {
    *count = found.size();
    return cudaSuccess;
  }
  // As documented: places past the last node become null, and the count is what was found.
  for (std::size_t n = 0; n < *count; ++n) nodes[n] = n < found.size() ? found[n] : nullptr;
  *count = std::min(*count, found.size());
  return cudaSuccess;
}

cudaError_t get_node_type(State& state, cudaGraphNode_t handle, cudaGraphNodeType* type) {
  const GraphNodeObject* const node = state.node_handles.find(handle);
  if (!node || !type) return cudaErrorInvalidValue;
  const GraphObject* const graph = state.graph_handles.find(node->graph);
  if (!graph) return cudaErrorInvalidValue;
  switch (graph->graph->nodes()[node->index].kind) {
    case Graph::NodeKind::kKernel: *type = cudaGraphNodeTypeKernel; break;
    case Graph::NodeKind::kCopy: *type = cudaGraphNodeTypeMemcpy; break;
    case Graph::NodeKind::kMemset: *type = cudaGraphNodeTypeMemset; break;
    case Graph::NodeKind::kHost: *type = cudaGraphNodeTypeHost; break;
    case Graph::NodeKind::kEmpty: *type = cudaGraphNodeTypeEmpty; break;
  }
  return cudaSuccess;
}

}  // namespace
}  // namespace emulator::runtime

using namespace emulator::runtime;

cudaError_t cudaGraphCreate(cudaGraph_t* graph, unsigned flags) {
  return api([&](State& state) {
    if (!graph || flags != 0) return cudaErrorInvalidValue;
    *graph = state.graph_handles.add(std::make_unique<GraphObject>());
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return api<AfterFailure::kCleans>([&](State& state) {
    if (!state.graph_handles.find(graph) || is_being_captured(state, graph)) return cudaErrorInvalidValue;
    destroy_graph(state, graph);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags) {
  return api([&](State& state) { return instantiate(state, exec, graph, flags); });
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags) {
  return api([&](State& state) { return instantiate(state, exec, graph, flags); });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream) {
  return api([&](State& state) {
    if (!state.exec_handles.find(exec)) return cudaErrorInvalidValue;
    StreamObject* found = nullptr;
    return find_issuing_stream(state, stream, &found);
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  return api([&](State& state) { return launch_graph(state, exec, stream); });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return api<AfterFailure::kCleans>([&](State& state) { return destroy_exec(state, exec); });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  return api([&](State& state) { return get_nodes(state, graph, nodes, count, false); });
}

cudaError_t cudaGraphGetRootNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  return api([&](State& state) { return get_nodes(state, graph, nodes, count, true); });
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* type) {
  return api([&](State& state) { return get_node_type(state, node, type); });
}

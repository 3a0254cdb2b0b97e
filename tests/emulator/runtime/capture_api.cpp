#include <cuda_runtime_api.h>

#include <utility>

#include "runtime/api.h"
#include "runtime/capture.h"
#include "runtime/submit.h"

namespace emulator::runtime {
namespace {

/// The default stream cannot be asked while a blocking stream captures; that spoils nothing.
cudaError_t find_stream_to_ask(State& state, cudaStream_t handle, StreamObject** stream) {
  *stream = find_stream(handle);
  if (!*stream) return refuse(cudaErrorInvalidResourceHandle, "this is not a stream, or a destroyed one");
  if (*stream != &state.legacy) return cudaSuccess;
  bool is_in_use = false;
  state.stream_handles.for_each([&](cudaStream_t, const StreamObject& other) {
    is_in_use = is_in_use || (other.is_blocking && other.point.capture);
  });
  return is_in_use ? cudaErrorStreamCaptureImplicit : cudaSuccess;
}

cudaStreamCaptureStatus status_of(const StreamObject& stream) {
  if (!stream.point.capture) return cudaStreamCaptureStatusNone;
  return stream.point.capture->is_invalid ? cudaStreamCaptureStatusInvalidated : cudaStreamCaptureStatusActive;
}

struct CaptureInfo {
  cudaStreamCaptureStatus* status;
  unsigned long long* id;
  cudaGraph_t* graph;
  const cudaGraphNode_t** dependencies;
  std::size_t* num_dependencies;
};

cudaError_t get_capture_info(State& state, cudaStream_t handle, const CaptureInfo& info) {
  if (!info.status) return cudaErrorInvalidValue;
  StreamObject* stream = nullptr;
  if (const cudaError_t error = find_stream_to_ask(state, handle, &stream); error != cudaSuccess) return error;
  *info.status = status_of(*stream);
  if (*info.status != cudaStreamCaptureStatusActive) return cudaSuccess;
  const CapturePoint& point = stream->point;
  if (info.id) *info.id = point.capture->id;
  if (info.graph) *info.graph = point.capture->handle;
  GraphObject* const graph = state.graph_handles.find(point.capture->handle);
  if (!graph) return cudaErrorInvalidValue;
  const std::vector<cudaGraphNode_t>& nodes = node_handles(state, point.capture->handle, *graph);
  graph->dependencies.clear();
  for (const std::uint32_t node : point.nodes) graph->dependencies.push_back(nodes[node]);
  if (info.dependencies) *info.dependencies = graph->dependencies.data();
  if (info.num_dependencies) *info.num_dependencies = graph->dependencies.size();
  return cudaSuccess;
}

}  // namespace
}  // namespace emulator::runtime

using namespace emulator::runtime;

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return api([&](State& state) { return begin_capture(state, stream, mode); });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return api([&](State& state) { return graph ? end_capture(state, stream, graph) : cudaErrorInvalidValue; });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  return api([&](State& state) {
    if (!status) return cudaErrorInvalidValue;
    StreamObject* stream = nullptr;
    const cudaError_t error = find_stream_to_ask(state, handle, &stream);
    if (error == cudaSuccess) *status = status_of(*stream);
    return error;
  });
}

#if CUDART_VERSION >= 13000
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id,
                                     cudaGraph_t* graph, const cudaGraphNode_t** dependencies,
                                     const cudaGraphEdgeData** edges, std::size_t* num_dependencies) {
  return api([&](State& state) {
    if (edges) *edges = nullptr;  // no edge carries data
    return get_capture_info(state, stream, {status, id, graph, dependencies, num_dependencies});
  });
}
#else
cudaError_t cudaStreamGetCaptureInfo_v2(cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id,
                                        cudaGraph_t* graph, const cudaGraphNode_t** dependencies,
                                        std::size_t* num_dependencies) {
  return api([&](State& state) {
    return get_capture_info(state, stream, {status, id, graph, dependencies, num_dependencies});
  });
}
#endif

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  return api<AfterFailure::kWorks>([&](State&) {
    if (!mode) return cudaErrorInvalidValue;
    std::swap(*mode, capture_mode_of_thread());
    return cudaSuccess;
  });
}

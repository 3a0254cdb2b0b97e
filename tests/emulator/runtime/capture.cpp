#include "runtime/capture.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "runtime/api.h"
#include "runtime/submit.h"

namespace emulator::runtime {
namespace {

bool is_joined(State& state, const Capture& capture, const std::vector<std::uint32_t>& ends) {
  bool result = true;
  state.stream_handles.for_each([&](cudaStream_t, const StreamObject& stream) {
    if (stream.point.capture.get() != &capture) return;
    for (const std::uint32_t node : stream.point.nodes) result = result && capture.graph->reaches(ends, node);
  });
  return result;
}

void release_streams(State& state, const std::shared_ptr<Capture>& capture) {
  capture->has_ended = true;
  state.stream_handles.for_each([&](cudaStream_t, StreamObject& stream) {
    if (stream.point.capture == capture) stream.point = {};
  });
  state.captures.erase(std::remove(state.captures.begin(), state.captures.end(), capture), state.captures.end());
}

/// Nodes of both, each once.
std::vector<std::uint32_t> joined(std::vector<std::uint32_t> nodes, const std::vector<std::uint32_t>& others) {
  nodes.insert(nodes.end(), others.begin(), others.end());
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

cudaError_t spoil(const std::shared_ptr<Capture>& capture, cudaError_t error) {
  capture->is_invalid = true;
  return error;
}

}  // namespace

cudaError_t begin_capture(State& state, cudaStream_t handle, cudaStreamCaptureMode mode) {
  StreamObject* const stream = find_stream(handle);
  if (!stream) return refuse(cudaErrorInvalidResourceHandle, "this is not a stream, or a destroyed one");
  if (stream == &state.legacy) return cudaErrorStreamCaptureUnsupported;
  if (mode != cudaStreamCaptureModeGlobal && mode != cudaStreamCaptureModeThreadLocal &&
      mode != cudaStreamCaptureModeRelaxed) {
    return cudaErrorInvalidValue;
  }
  if (stream->point.capture) return cudaErrorIllegalState;
  auto capture = std::make_shared<Capture>();
  auto graph = std::make_unique<GraphObject>();
  capture->id = ++state.num_captures;
  capture->mode = mode;
  capture->thread = std::this_thread::get_id();
  capture->origin = stream;
  capture->graph = graph->graph;
  capture->handle = state.graph_handles.add(std::move(graph));
  state.captures.push_back(capture);
  stream->point.capture = std::move(capture);
  return cudaSuccess;
}

cudaError_t end_capture(State& state, cudaStream_t handle, cudaGraph_t* graph) {
  *graph = nullptr;
  StreamObject* const stream = find_stream(handle);
  if (!stream) return refuse(cudaErrorInvalidResourceHandle, "this is not a stream, or a destroyed one");
  if (!stream->point.capture) return cudaErrorIllegalState;
  const CapturePoint point = stream->point;
  const std::shared_ptr<Capture>& capture = point.capture;
  if (capture->origin != stream) return spoil(capture, cudaErrorStreamCaptureUnmatched);
  if (capture->mode != cudaStreamCaptureModeRelaxed && capture->thread != std::this_thread::get_id()) {
    return spoil(capture, cudaErrorStreamCaptureWrongThread);
  }
  cudaError_t error = cudaSuccess;
  if (capture->is_invalid) {
    error = cudaErrorStreamCaptureInvalidated;
  } else if (!is_joined(state, *capture, point.nodes)) {
    error = cudaErrorStreamCaptureUnjoined;
  }
  release_streams(state, capture);
  if (error == cudaSuccess) {
    *graph = capture->handle;
  } else {
    destroy_graph(state, capture->handle);
  }
  return error;
}

void record_event(State& state, StreamObject& stream, EventObject& event) {
  event.point = stream.point;
  event.marker = stream.point.capture ? nullptr : state.streams.mark(stream.index);
}

cudaError_t wait_event(State& state, StreamObject& stream, const EventObject& event) {
  CapturePoint& point = stream.point;
  const std::shared_ptr<Capture>& recorded = event.point.capture;
  if (!recorded) {
    if (!event.marker) return cudaSuccess;  // never recorded: nothing to wait for
    if (point.capture) return spoil(point.capture, cudaErrorStreamCaptureIsolation);
    state.streams.wait(stream.index, event.marker);
    return cudaSuccess;
  }
  if (recorded->has_ended) {
    return point.capture ? spoil(point.capture, cudaErrorStreamCaptureIsolation) : cudaErrorCapturedEvent;
  }
  if (recorded->is_invalid) return cudaErrorStreamCaptureInvalidated;
  if (&stream == &state.legacy) return spoil(recorded, cudaErrorStreamCaptureImplicit);
  if (point.capture && point.capture != recorded) {
    spoil(point.capture, cudaSuccess);
    return spoil(recorded, cudaErrorStreamCaptureMerge);
  }
  point = {recorded, joined(point.nodes, event.point.nodes), point.kernel};
  return cudaSuccess;
}

cudaError_t refuse_waiting(State& state, StreamObject& stream) {
  if (stream.point.capture) return spoil(stream.point.capture, cudaErrorStreamCaptureUnsupported);
  StreamObject* same = nullptr;
  return &stream == &state.legacy ? find_issuing_stream(state, cudaStreamLegacy, &same) : cudaSuccess;
}

cudaError_t refuse_waiting(const EventObject& event) {
  if (!event.point.capture) return cudaSuccess;
  return spoil(event.point.capture, cudaErrorCapturedEvent);
}

void forget_stream(State& state, StreamObject& stream) {
  const std::shared_ptr<Capture> capture = stream.point.capture;
  if (!capture) return;
  capture->is_invalid = true;
  if (capture->origin == &stream) {
    release_streams(state, capture);
    destroy_graph(state, capture->handle);
  }
}

const std::vector<cudaGraphNode_t>& node_handles(State& state, cudaGraph_t handle, GraphObject& graph) {
  while (graph.node_handles.size() < graph.graph->nodes().size()) {
    const auto index = static_cast<std::uint32_t>(graph.node_handles.size());
    graph.node_handles.push_back(
        state.node_handles.add(std::make_unique<GraphNodeObject>(GraphNodeObject{handle, index})));
  }
  return graph.node_handles;
}

void destroy_graph(State& state, cudaGraph_t handle) {
  const std::unique_ptr<GraphObject> graph = state.graph_handles.remove(handle);
  if (!graph) return;
  for (const cudaGraphNode_t node : graph->node_handles) state.node_handles.remove(node);
}

}  // namespace emulator::runtime

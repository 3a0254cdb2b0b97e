#include "runtime/submit.h"

#include <memory>
#include <thread>
#include <utility>

#include "runtime/api.h"

namespace emulator::runtime {
namespace {

/// The default stream would wait for every blocking stream, a capture knows nothing of it.
cudaError_t refuse_implicit_dependency(State& state) {
  cudaError_t error = cudaSuccess;
  state.stream_handles.for_each([&](cudaStream_t, const StreamObject& stream) {
    if (!stream.is_blocking || !stream.point.capture) return;
    stream.point.capture->is_invalid = true;
    error = cudaErrorStreamCaptureImplicit;
  });
  return error;
}

}  // namespace

cudaError_t find_issuing_stream(State& state, cudaStream_t handle, StreamObject** stream) {
  *stream = find_stream(handle);
  if (!*stream) return refuse(cudaErrorInvalidResourceHandle, "this is not a stream, or a destroyed one");
  if (*stream == &state.legacy) return refuse_implicit_dependency(state);
  const CapturePoint& point = (*stream)->point;
  return point.capture && point.capture->is_invalid ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
}

void issue(State& state, StreamObject& stream, Graph::NodeKind kind, Operation operation, bool may_overlap) {
  CapturePoint& point = stream.point;
  const bool is_kernel = kind == Graph::NodeKind::kKernel;
  if (point.capture) {
    const std::uint32_t overlapped = may_overlap ? point.kernel : Step::kNone;
    point.nodes = {point.capture->graph->add(kind, std::move(operation), std::move(point.nodes), overlapped)};
    point.kernel = is_kernel ? point.nodes.front() : Step::kNone;
    return;
  }
  auto task = std::make_shared<Task>();
  task->is_kernel = is_kernel;
  task->may_overlap = may_overlap;
  task->steps.push_back({std::move(operation), {}, 0});
  state.streams.submit(stream.index, std::move(task));
}

cudaStreamCaptureMode& capture_mode_of_thread() {
  thread_local cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  return mode;
}

cudaError_t refuse_in_capture(State& state) {
  const cudaStreamCaptureMode thread_mode = capture_mode_of_thread();
  if (thread_mode == cudaStreamCaptureModeRelaxed) return cudaSuccess;
  cudaError_t error = cudaSuccess;
  for (const std::shared_ptr<Capture>& capture : state.captures) {
    const bool is_own = capture->thread == std::this_thread::get_id();
    const bool is_disturbed =
        is_own ? capture->mode != cudaStreamCaptureModeRelaxed
               : thread_mode == cudaStreamCaptureModeGlobal && capture->mode == cudaStreamCaptureModeGlobal;
    if (!is_disturbed) continue;
    capture->is_invalid = true;
    error = cudaErrorStreamCaptureUnsupported;
  }
  return error;
}

}  // namespace emulator::runtime

#include <cuda_runtime_api.h>

#include <chrono>
#include <memory>
#include <utility>

#include "runtime/api.h"
#include "runtime/capture.h"
#include "runtime/submit.h"

namespace emulator::runtime {
namespace {

cudaError_t create_event(State& state, cudaEvent_t* handle, unsigned flags) {
  constexpr unsigned kFlags = cudaEventBlockingSync | cudaEventDisableTiming | cudaEventInterprocess;
  if (!handle || (flags & ~kFlags) != 0) return cudaErrorInvalidValue;
  if ((flags & cudaEventInterprocess) != 0) {
    return refuse(cudaErrorNotSupported, "events between processes are not emulated", Kind::kUnsupported);
  }
  auto event = std::make_unique<EventObject>();
  event->flags = flags;
  *handle = state.event_handles.add(std::move(event));
  return cudaSuccess;
}

cudaError_t record(State& state, cudaEvent_t handle, cudaStream_t stream_handle, unsigned flags) {
  if (flags == cudaEventRecordExternal) {
    return refuse(cudaErrorNotSupported, "event nodes are not emulated", Kind::kUnsupported);
  }
  if (flags != cudaEventRecordDefault) return cudaErrorInvalidValue;
  EventObject* const event = state.event_handles.find(handle);
  if (!event) return cudaErrorInvalidResourceHandle;
  StreamObject* stream = nullptr;
  if (const cudaError_t error = find_issuing_stream(state, stream_handle, &stream); error != cudaSuccess) return error;
  record_event(state, *stream, *event);
  return cudaSuccess;
}

cudaError_t elapsed_time(State& state, float* milliseconds, cudaEvent_t start_handle, cudaEvent_t end_handle) {
  if (!milliseconds) return cudaErrorInvalidValue;
  const EventObject* const start = state.event_handles.find(start_handle);
  const EventObject* const end = state.event_handles.find(end_handle);
  if (!start || !end || ((start->flags | end->flags) & cudaEventDisableTiming) != 0) {
    return cudaErrorInvalidResourceHandle;
  }
  for (const EventObject* const event : {start, end}) {
    if (const cudaError_t error = refuse_waiting(*event); error != cudaSuccess) return error;
  }
  if (!start->marker || !end->marker) return cudaErrorInvalidResourceHandle;  // never recorded
  if (!start->marker->is_done || !end->marker->is_done) return cudaErrorNotReady;
  *milliseconds = std::chrono::duration<float, std::milli>(end->marker->time - start->marker->time).count();
  return cudaSuccess;
}

/// Calls body(marker) for an event that was recorded and may be waited for. One that never was is done.
template <class Body>
cudaError_t with_marker(State& state, cudaEvent_t handle, Body&& body) {
  const EventObject* const event = state.event_handles.find(handle);
  if (!event) return cudaErrorInvalidResourceHandle;
  if (const cudaError_t error = refuse_waiting(*event); error != cudaSuccess) return error;
  if (const cudaError_t error = refuse_in_capture(state); error != cudaSuccess) return error;
  return event->marker ? body(*event->marker) : cudaSuccess;
}

}  // namespace
}  // namespace emulator::runtime

using namespace emulator::runtime;

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return api([&](State& state) { return create_event(state, event, cudaEventDefault); });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return api([&](State& state) { return create_event(state, event, flags); });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return api<AfterFailure::kCleans>(
      [&](State& state) { return state.event_handles.remove(event) ? cudaSuccess : cudaErrorInvalidResourceHandle; });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return api([&](State& state) { return record(state, event, stream, cudaEventRecordDefault); });
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  return api([&](State& state) { return record(state, event, stream, flags); });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return api([&](State& state) {
    return with_marker(state, event, [&](const Marker& marker) {
      state.streams.finish(marker);
      return cudaSuccess;
    });
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return api([&](State& state) {
    return with_marker(state, event, [&](const Marker& marker) {
      return state.streams.poll(marker) ? cudaSuccess : cudaErrorNotReady;
    });
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return api([&](State& state) { return elapsed_time(state, milliseconds, start, end); });
}

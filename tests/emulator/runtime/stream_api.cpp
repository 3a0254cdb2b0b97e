#include <cuda_runtime_api.h>

#include <memory>
#include <utility>

#include "runtime/api.h"
#include "runtime/capture.h"
#include "runtime/submit.h"

namespace emulator::runtime {
namespace {

// Numerically lower is more urgent. Work runs in order of the seed, whatever its priority.
constexpr int kLeastPriority = 0;
constexpr int kGreatestPriority = -5;

cudaError_t create_stream(State& state, cudaStream_t* handle, unsigned flags, int priority) {
  if (!handle || (flags & ~unsigned{cudaStreamNonBlocking}) != 0) return cudaErrorInvalidValue;
  auto stream = std::make_unique<StreamObject>();
  stream->is_blocking = flags != cudaStreamNonBlocking;
  stream->index = state.streams.open(stream->is_blocking);
  stream->id = ++state.num_streams;
  stream->flags = flags;
  stream->priority = priority < kGreatestPriority ? kGreatestPriority
                     : priority > kLeastPriority  ? kLeastPriority
                                                  : priority;
  *handle = state.stream_handles.add(std::move(stream));
  return cudaSuccess;
}

/// Calls body(stream) for a stream that exists.
template <class Body>
cudaError_t with_stream(cudaStream_t handle, Body&& body) {
  StreamObject* const stream = find_stream(handle);
  if (!stream) return refuse(cudaErrorInvalidResourceHandle, "this is not a stream, or a destroyed one");
  return body(*stream);
}

cudaError_t destroy_stream(State& state, cudaStream_t handle) {
  if (!handle || handle == cudaStreamLegacy || handle == cudaStreamPerThread) return cudaErrorInvalidResourceHandle;
  return with_stream(handle, [&](StreamObject& stream) {
    forget_stream(state, stream);
    state.streams.close(stream.index);
    state.stream_handles.remove(handle);
    return cudaSuccess;
  });
}

}  // namespace
}  // namespace emulator::runtime

using namespace emulator;
using namespace emulator::runtime;

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return api([&](State& state) { return create_stream(state, stream, cudaStreamDefault, 0); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return api([&](State& state) { return create_stream(state, stream, flags, 0); });
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  return api([&](State& state) { return create_stream(state, stream, flags, priority); });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return api<AfterFailure::kCleans>([&](State& state) { return destroy_stream(state, stream); });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return api([&](State& state) {
    return with_stream(handle, [&](StreamObject& stream) {
      const cudaError_t error = refuse_waiting(state, stream);
      if (error == cudaSuccess) state.streams.finish(stream.index);
      return error;
    });
  });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return api([&](State& state) {
    return with_stream(handle, [&](StreamObject& stream) {
      if (const cudaError_t error = refuse_waiting(state, stream); error != cudaSuccess) return error;
      return state.streams.poll(stream.index) ? cudaSuccess : cudaErrorNotReady;
    });
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event_handle, unsigned flags) {
  return api([&](State& state) {
    if (flags == cudaEventWaitExternal) {
      return refuse(cudaErrorNotSupported, "event nodes are not emulated", Kind::kUnsupported);
    }
    if (flags != cudaEventWaitDefault) return cudaErrorInvalidValue;
    const EventObject* const event = state.event_handles.find(event_handle);
    if (!event) return cudaErrorInvalidResourceHandle;
    StreamObject* stream = nullptr;
    const cudaError_t error = find_issuing_stream(state, handle, &stream);
    return error == cudaSuccess ? wait_event(state, *stream, *event) : error;
  });
}

cudaError_t cudaStreamGetFlags(cudaStream_t handle, unsigned* flags) {
  return api([&](State&) {
    return with_stream(handle, [&](StreamObject& stream) {
      if (!flags) return cudaErrorInvalidValue;
      *flags = stream.flags;
      return cudaSuccess;
    });
  });
}

cudaError_t cudaStreamGetPriority(cudaStream_t handle, int* priority) {
  return api([&](State&) {
    return with_stream(handle, [&](StreamObject& stream) {
      if (!priority) return cudaErrorInvalidValue;
      *priority = stream.priority;
      return cudaSuccess;
    });
  });
}

cudaError_t cudaStreamGetId(cudaStream_t handle, unsigned long long* id) {
  return api([&](State&) {
    return with_stream(handle, [&](StreamObject& stream) {
      if (!id) return cudaErrorInvalidValue;
      *id = stream.id;
      return cudaSuccess;
    });
  });
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return api([&](State&) {
    if (least) *least = kLeastPriority;
    if (greatest) *greatest = kGreatestPriority;
    return cudaSuccess;
  });
}

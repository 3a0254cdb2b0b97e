#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstring>

#include "memory/device_heap.h"
#include "runtime/api.h"
#include "runtime/device_attributes.h"
#include "runtime/submit.h"

namespace emulator::runtime {
namespace {

cudaError_t check_device(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; }

cudaError_t synchronize(State& state) {
  // Some stream of the device captures: there is no work of it to wait for, whatever the mode.
  for (const std::shared_ptr<Capture>& capture : state.captures) capture->is_invalid = true;
  if (!state.captures.empty()) return cudaErrorStreamCaptureUnsupported;
  state.streams.finish_all();
  return cudaSuccess;
}

void release_allocations(State& state) {
  for (const auto& entry : state.allocations) DeviceHeap::get().release(entry.first);
  state.allocations.clear();
}

/// Everything the process has on the device goes; a failed launch is forgotten.
cudaError_t reset(State& state) {
  cudaError_t error = cudaSuccess;
  if (state.sticky == cudaSuccess) {
    try {
      state.streams.finish_all();
    } catch (const LaunchFailure&) {
      state.streams.abandon();
      error = cudaErrorLaunchFailure;
    }
  }
  for (const std::shared_ptr<Capture>& capture : state.captures) capture->has_ended = true;
  state.captures.clear();
  state.legacy.point = {};
  state.stream_handles.for_each([&](cudaStream_t, const StreamObject& stream) { state.streams.close(stream.index); });
  state.stream_handles.clear();
  state.exec_handles.for_each([&](cudaGraphExec_t, const GraphExec& exec) {
    for (const Streams::Index lane : exec.lanes) state.streams.close(lane);
  });
  state.exec_handles.clear();
  state.event_handles.clear();
  state.graph_handles.clear();
  state.node_handles.clear();
  release_allocations(state);
  state.host_memory.release_all();
  state.modules.unload();
  state.limits.clear();
  state.sticky = cudaSuccess;
  return error;
}

/// Bytes or counts a device begins with; 0 for limits it does not have.
std::size_t default_limit(cudaLimit limit) {
  switch (limit) {
    case cudaLimitStackSize: return 1024;
    case cudaLimitPrintfFifoSize: return std::size_t{1} << 20;
    case cudaLimitMallocHeapSize: return std::size_t{8} << 20;
    default: return 0;
  }
}

}  // namespace
}  // namespace emulator::runtime

using namespace emulator::runtime;

cudaError_t cudaGetDeviceCount(int* count) {
  return api<AfterFailure::kWorks>([&](State&) {
    if (!count) return cudaErrorInvalidValue;
    *count = 1;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return api<AfterFailure::kWorks>([&](State&) {
    if (!device) return cudaErrorInvalidValue;
    *device = 0;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return api<AfterFailure::kWorks>([&](State&) { return check_device(device); });
}

cudaError_t cudaInitDevice(int device, unsigned, unsigned) {
  return api([&](State&) { return check_device(device); });
}

cudaError_t cudaSetDeviceFlags(unsigned flags) {
  return api([&](State& state) {
    state.device_flags = flags;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceFlags(unsigned* flags) {
  return api([&](State& state) {
    if (!flags) return cudaErrorInvalidValue;
    *flags = state.device_flags;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return api<AfterFailure::kWorks>([&](State& state) {
    if (!properties) return cudaErrorInvalidValue;
    const cudaError_t error = check_device(device);
    if (error == cudaSuccess) *properties = device_properties(state.modules.architecture());
    return error;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return api<AfterFailure::kWorks>([&](State& state) {
    if (!value || attribute <= 0 || attribute >= cudaDevAttrMax) return cudaErrorInvalidValue;
    const cudaError_t error = check_device(device);
    if (error == cudaSuccess) *value = device_attribute(state.modules.architecture(), attribute);
    return error;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return api([&](State& state) { return synchronize(state); });
}

cudaError_t cudaDeviceReset() {
  return api<AfterFailure::kWorks>([&](State& state) { return reset(state); });
}

cudaError_t cudaDeviceSetLimit(cudaLimit limit, std::size_t value) {
  return api([&](State& state) {
    if (default_limit(limit) == 0) return cudaErrorUnsupportedLimit;
    state.limits[limit] = value;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetLimit(std::size_t* value, cudaLimit limit) {
  return api([&](State& state) {
    if (!value) return cudaErrorInvalidValue;
    if (default_limit(limit) == 0) return cudaErrorUnsupportedLimit;
    const auto found = state.limits.find(limit);
    *value = found == state.limits.end() ? default_limit(limit) : found->second;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetCacheConfig(cudaFuncCache* config) {
  return api([&](State&) {
    if (!config) return cudaErrorInvalidValue;
    *config = cudaFuncCachePreferNone;
    return cudaSuccess;
  });
}

/// A preference without effect on results.
cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache) {
  return api([](State&) { return cudaSuccess; });
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  return api<AfterFailure::kWorks>([&](State&) {
    if (!version) return cudaErrorInvalidValue;
    *version = CUDART_VERSION;
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* version) { return cudaRuntimeGetVersion(version); }

/// There is no profiler to start or stop.
cudaError_t cudaProfilerStart() {
  return api([](State&) { return cudaSuccess; });
}

cudaError_t cudaProfilerStop() {
  return api([](State&) { return cudaSuccess; });
}

#include <cuda_runtime_api.h>

#include <string>

#include "memory/block_memory.h"
#include "memory/device_heap.h"
#include "runtime/api.h"
#include "runtime/submit.h"
#include "runtime/transfer.h"

namespace emulator::runtime {
namespace {

cudaError_t allocate(State& state, void** pointer, std::size_t bytes) {
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  const std::string label = std::string(current_function()) + " #" + std::to_string(state.num_allocations + 1);
  const Address address = DeviceHeap::get().allocate(bytes, label);
  if (address == 0) return cudaErrorMemoryAllocation;
  ++state.num_allocations;
  state.allocations[address] = false;
  *pointer = reinterpret_cast<void*>(address);
  return cudaSuccess;
}

void release(State& state, Address address) {
  DeviceHeap::get().release(address);
  state.allocations.erase(address);
}

std::string describe(const void* pointer) {
  const auto address = reinterpret_cast<Address>(pointer);
  const DeviceHeap& heap = DeviceHeap::get();
  return heap.contains(address) ? heap.describe(address) : "not device memory";
}

/// The allocation a call wants to release; the end of the map, and a report, where there is none.
std::map<Address, bool>::iterator find_allocation(State& state, const void* pointer) {
  auto found = state.allocations.find(reinterpret_cast<Address>(pointer));
  if (found == state.allocations.end()) {
    refuse(cudaErrorInvalidValue, "no allocation starts here: " + describe(pointer));
  } else if (found->second) {
    refuse(cudaErrorInvalidValue, "released twice: " + describe(pointer));
    found = state.allocations.end();
  }
  return found;
}

cudaError_t free_now(State& state, void* pointer) {
  if (!pointer) return cudaSuccess;
  if (const cudaError_t error = refuse_in_capture(state); error != cudaSuccess) return error;
  const auto allocation = find_allocation(state, pointer);
  if (allocation == state.allocations.end()) return cudaErrorInvalidValue;
  // Nothing of what was issued before may lose its memory.
  if (state.sticky == cudaSuccess) state.streams.finish_all();
  release(state, allocation->first);
  return cudaSuccess;
}

cudaError_t free_in_stream(State& state, void* pointer, cudaStream_t handle) {
  if (!pointer) return cudaErrorInvalidValue;
  StreamObject* stream = nullptr;
  if (const cudaError_t error = find_issuing_stream(state, handle, &stream); error != cudaSuccess) return error;
  if (stream->point.capture) return refuse(cudaErrorNotSupported, "memory nodes are not emulated", Kind::kUnsupported);
  const auto allocation = find_allocation(state, pointer);
  if (allocation == state.allocations.end()) return cudaErrorInvalidValue;
  allocation->second = true;
  const Address address = allocation->first;
  const char* const what = current_function();
  issue(state, *stream, Graph::NodeKind::kEmpty, [&state, address, what](const Execution& execution) {
    // To work of other streams that is not ordered before it, a release is a write.
    if (const DeviceHeap::Allocation* const allocated = DeviceHeap::get().find(address)) {
      note_host_write(address, allocated->bytes, execution.order, what);
    }
    release(state, address);
  });
  return cudaSuccess;
}

cudaError_t allocate_on_host(State& state, void** pointer, std::size_t bytes, unsigned flags) {
  if (!pointer) return cudaErrorInvalidValue;
  if (const cudaError_t error = refuse_in_capture(state); error != cudaSuccess) return error;
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  *pointer = state.host_memory.allocate(bytes, flags);
  return *pointer ? cudaSuccess : cudaErrorMemoryAllocation;
}

}  // namespace
}  // namespace emulator::runtime

using namespace emulator;
using namespace emulator::runtime;

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  return api([&](State& state) {
    if (!pointer) return cudaErrorInvalidValue;
    const cudaError_t error = refuse_in_capture(state);
    return error == cudaSuccess ? allocate(state, pointer, bytes) : error;
  });
}

cudaError_t cudaMallocPitch(void** pointer, std::size_t* pitch, std::size_t width, std::size_t height) {
  return api([&](State& state) {
    if (!pointer || !pitch) return cudaErrorInvalidValue;
    if (const cudaError_t error = refuse_in_capture(state); error != cudaSuccess) return error;
    constexpr std::size_t kUnit = DeviceHeap::kAlignment;
    *pitch = (width + kUnit - 1) / kUnit * kUnit;
    std::size_t bytes = 0;
    if (*pitch < width || __builtin_mul_overflow(*pitch, height, &bytes)) return cudaErrorMemoryAllocation;
    return allocate(state, pointer, bytes);
  });
}

cudaError_t cudaFree(void* pointer) {
  return api<AfterFailure::kCleans>([&](State& state) { return free_now(state, pointer); });
}

cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t handle) {
  return api([&](State& state) {
    if (!pointer) return cudaErrorInvalidValue;
    StreamObject* stream = nullptr;
    if (const cudaError_t error = find_issuing_stream(state, handle, &stream); error != cudaSuccess) return error;
    if (stream->point.capture) {
      return refuse(cudaErrorNotSupported, "memory nodes are not emulated", Kind::kUnsupported);
    }
    return allocate(state, pointer, bytes);
  });
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  return api([&](State& state) { return free_in_stream(state, pointer, stream); });
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  return api([&](State& state) { return allocate_on_host(state, pointer, bytes, cudaHostAllocDefault); });
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned flags) {
  return api([&](State& state) {
    constexpr unsigned kFlags = cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined;
    if ((flags & ~kFlags) != 0) return cudaErrorInvalidValue;
    return allocate_on_host(state, pointer, bytes, flags);
  });
}

cudaError_t cudaFreeHost(void* pointer) {
  return api<AfterFailure::kCleans>([&](State& state) {
    if (!pointer) return cudaSuccess;
    if (const cudaError_t error = refuse_in_capture(state); error != cudaSuccess) return error;
    if (state.sticky == cudaSuccess) state.streams.finish_all();
    if (state.host_memory.release(pointer)) return cudaSuccess;
    return refuse(cudaErrorInvalidValue, "not allocated by cudaMallocHost or cudaHostAlloc");
  });
}

cudaError_t cudaHostRegister(void* pointer, std::size_t bytes, unsigned flags) {
  return api([&](State& state) {
    constexpr unsigned kFlags =
        cudaHostRegisterPortable | cudaHostRegisterMapped | cudaHostRegisterIoMemory | cudaHostRegisterReadOnly;
    if (!pointer || bytes == 0 || (flags & ~kFlags) != 0) return cudaErrorInvalidValue;
    if (const cudaError_t error = refuse_in_capture(state); error != cudaSuccess) return error;
    if (DeviceHeap::get().contains(reinterpret_cast<Address>(pointer))) {
      return refuse(cudaErrorInvalidValue, "not host memory: " + describe(pointer));
    }
    return state.host_memory.lock(pointer, bytes, flags) ? cudaSuccess : cudaErrorHostMemoryAlreadyRegistered;
  });
}

cudaError_t cudaHostUnregister(void* pointer) {
  return api<AfterFailure::kCleans>([&](State& state) {
    if (!pointer) return cudaErrorInvalidValue;
    if (const cudaError_t error = refuse_in_capture(state); error != cudaSuccess) return error;
    if (state.sticky == cudaSuccess) state.streams.finish_all();
    return state.host_memory.unlock(pointer) ? cudaSuccess : cudaErrorHostMemoryNotRegistered;
  });
}

cudaError_t cudaHostGetFlags(unsigned* flags, void* pointer) {
  return api([&](State& state) {
    const HostMemory::Range* const range = state.host_memory.find(pointer);
    if (!flags || !range || !range->is_allocated) return cudaErrorInvalidValue;
    *flags = range->flags;
    return cudaSuccess;
  });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return api([&](State& state) {
    if (!attributes) return cudaErrorInvalidValue;
    *attributes = {};
    attributes->type = cudaMemoryTypeUnregistered;
    attributes->device = cudaInvalidDeviceId;
    if (DeviceHeap::get().find(reinterpret_cast<Address>(pointer))) {
      attributes->type = cudaMemoryTypeDevice;
      attributes->device = 0;
      attributes->devicePointer = const_cast<void*>(pointer);
    } else if (state.host_memory.find(pointer)) {
      // No device pointer: kernels cannot reach it here.
      attributes->type = cudaMemoryTypeHost;
      attributes->device = 0;
      attributes->hostPointer = const_cast<void*>(pointer);
    }
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total_bytes) {
  return api([&](State&) {
    if (!free_bytes || !total_bytes) return cudaErrorInvalidValue;
    *total_bytes = DeviceHeap::kCapacity;
    *free_bytes = DeviceHeap::kCapacity - DeviceHeap::get().live_bytes();
    return cudaSuccess;
  });
}

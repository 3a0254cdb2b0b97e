#include "runtime/device_attributes.h"

#include <cstring>

#include "memory/device_heap.h"
#include "runtime/device_facts.h"

namespace emulator::runtime {

int device_attribute(int architecture, cudaDeviceAttr attribute) {
  const DeviceFacts& facts = device_facts(architecture);
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock: return DeviceFacts::kMaxThreads;
    case cudaDevAttrMaxBlockDimX: return DeviceFacts::kMaxBlock[0];
    case cudaDevAttrMaxBlockDimY: return DeviceFacts::kMaxBlock[1];
    case cudaDevAttrMaxBlockDimZ: return DeviceFacts::kMaxBlock[2];
    case cudaDevAttrMaxGridDimX: return DeviceFacts::kMaxGrid[0];
    case cudaDevAttrMaxGridDimY: return DeviceFacts::kMaxGrid[1];
    case cudaDevAttrMaxGridDimZ: return DeviceFacts::kMaxGrid[2];
    case cudaDevAttrMaxSharedMemoryPerBlock: return static_cast<int>(DeviceFacts::kSharedPerBlock);
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: return static_cast<int>(facts.shared_per_block_optin);
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: return static_cast<int>(facts.shared_per_multiprocessor);
    case cudaDevAttrReservedSharedMemoryPerBlock: return static_cast<int>(facts.reserved_shared());
    case cudaDevAttrTotalConstantMemory: return static_cast<int>(DeviceFacts::kConstantBytes);
    case cudaDevAttrWarpSize: return kWarpSize;
    case cudaDevAttrMaxPitch: return 2147483647;
    case cudaDevAttrMaxRegistersPerBlock: return DeviceFacts::kRegisters;
    case cudaDevAttrMaxRegistersPerMultiprocessor: return DeviceFacts::kRegisters;
    case cudaDevAttrMultiProcessorCount: return DeviceFacts::kMultiprocessors;
    case cudaDevAttrMaxThreadsPerMultiProcessor: return facts.max_threads_per_multiprocessor;
    case cudaDevAttrMaxBlocksPerMultiprocessor: return facts.max_blocks_per_multiprocessor;
    case cudaDevAttrL2CacheSize: return static_cast<int>(DeviceFacts::kL2Bytes);
    case cudaDevAttrComputeCapabilityMajor: return architecture / 10;
    case cudaDevAttrComputeCapabilityMinor: return architecture % 10;
    case cudaDevAttrTextureAlignment: return static_cast<int>(DeviceHeap::kAlignment);
    // Streams run beside each other and beside the host, with priorities, on addresses of their own.
    case cudaDevAttrGpuOverlap:
    case cudaDevAttrConcurrentKernels:
    case cudaDevAttrAsyncEngineCount:
    case cudaDevAttrStreamPrioritiesSupported:
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrHostRegisterSupported: return 1;
    default: return 0;
  }
}

cudaDeviceProp device_properties(int architecture) {
  const auto number = [&](cudaDeviceAttr attribute) { return device_attribute(architecture, attribute); };
  const auto bytes = [&](cudaDeviceAttr attribute) { return static_cast<std::size_t>(number(attribute)); };
  cudaDeviceProp properties{};
  std::strncpy(properties.name, "arloss CUDA emulator", sizeof properties.name - 1);
  properties.totalGlobalMem = DeviceHeap::kCapacity;
  properties.sharedMemPerBlock = bytes(cudaDevAttrMaxSharedMemoryPerBlock);
  properties.sharedMemPerBlockOptin = bytes(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  properties.sharedMemPerMultiprocessor = bytes(cudaDevAttrMaxSharedMemoryPerMultiprocessor);
  properties.reservedSharedMemPerBlock = bytes(cudaDevAttrReservedSharedMemoryPerBlock);
  properties.regsPerBlock = number(cudaDevAttrMaxRegistersPerBlock);
  properties.regsPerMultiprocessor = number(cudaDevAttrMaxRegistersPerMultiprocessor);
  properties.warpSize = number(cudaDevAttrWarpSize);
  properties.memPitch = bytes(cudaDevAttrMaxPitch);
  properties.maxThreadsPerBlock = number(cudaDevAttrMaxThreadsPerBlock);
  properties.maxThreadsPerMultiProcessor = number(cudaDevAttrMaxThreadsPerMultiProcessor);
  properties.maxBlocksPerMultiProcessor = number(cudaDevAttrMaxBlocksPerMultiprocessor);
  for (int d = 0; d < 3; ++d) {
    properties.maxThreadsDim[d] = DeviceFacts::kMaxBlock[d];
    properties.maxGridSize[d] = DeviceFacts::kMaxGrid[d];
  }
  properties.totalConstMem = bytes(cudaDevAttrTotalConstantMemory);
  properties.major = number(cudaDevAttrComputeCapabilityMajor);
  properties.minor = number(cudaDevAttrComputeCapabilityMinor);
  properties.textureAlignment = bytes(cudaDevAttrTextureAlignment);
  properties.multiProcessorCount = number(cudaDevAttrMultiProcessorCount);
  properties.l2CacheSize = number(cudaDevAttrL2CacheSize);
  properties.concurrentKernels = number(cudaDevAttrConcurrentKernels);
  properties.asyncEngineCount = number(cudaDevAttrAsyncEngineCount);
  properties.unifiedAddressing = number(cudaDevAttrUnifiedAddressing);
  properties.streamPrioritiesSupported = number(cudaDevAttrStreamPrioritiesSupported);
  properties.hostRegisterSupported = number(cudaDevAttrHostRegisterSupported);
  return properties;
}

}  // namespace emulator::runtime

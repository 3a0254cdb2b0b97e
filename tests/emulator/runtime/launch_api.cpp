#include <cuda_runtime_api.h>

#include <string>

#include "runtime/api.h"
#include "runtime/caller.h"
#include "runtime/device_facts.h"
#include "runtime/kernel_launch.h"
#include "runtime/submit.h"

namespace emulator::runtime {
namespace {

bool asks_for_clusters(const cudaLaunchAttributeValue& value) {
  const auto size = value.clusterDim;
  return size.x > 1 || size.y > 1 || size.z > 1;
}

/// Attributes that only prefer something need no action. Null: the attribute is taken.
const char* unsupported_attribute(const cudaLaunchAttribute& attribute) {
  switch (attribute.id) {
    case cudaLaunchAttributeIgnore:
    case cudaLaunchAttributeAccessPolicyWindow:
    case cudaLaunchAttributeSynchronizationPolicy:
    case cudaLaunchAttributeClusterSchedulingPolicyPreference:
    case cudaLaunchAttributeProgrammaticStreamSerialization:
    case cudaLaunchAttributePriority:
    case cudaLaunchAttributeMemSyncDomainMap:
#if CUDART_VERSION >= 13000
    case cudaLaunchAttributePreferredSharedMemoryCarveout:
#endif
    case cudaLaunchAttributeMemSyncDomain: return nullptr;
    case cudaLaunchAttributeCooperative: return attribute.val.cooperative ? "a cooperative launch" : nullptr;
    case cudaLaunchAttributeClusterDimension: return asks_for_clusters(attribute.val) ? "a cluster launch" : nullptr;
    default: return "a launch attribute";
  }
}

/// Programmatic dependent launch. Devices before compute capability 9.0 take the attribute and run kernels one by one.
bool asks_for_overlap(State& state, const cudaLaunchAttribute& attribute) {
  constexpr int kFirstArchitecture = 90;
  return attribute.id == cudaLaunchAttributeProgrammaticStreamSerialization &&
         attribute.val.programmaticStreamSerializationAllowed != 0 &&
         state.modules.architecture() >= kFirstArchitecture;
}

cudaError_t launch_with_attributes(State& state, const cudaLaunchConfig_t* config, const void* function,
                                   void** arguments) {
  if (!config || (config->numAttrs > 0 && !config->attrs)) return cudaErrorInvalidValue;
  LaunchShape shape{config->gridDim, config->blockDim, config->dynamicSmemBytes, config->stream};
  for (unsigned a = 0; a < config->numAttrs; ++a) {
    shape.may_overlap = shape.may_overlap || asks_for_overlap(state, config->attrs[a]);
    const char* const what = unsupported_attribute(config->attrs[a]);
    if (!what) continue;
    return refuse(cudaErrorNotSupported,
                  std::string(what) + " (attribute " + std::to_string(config->attrs[a].id) + ") is not emulated",
                  Kind::kUnsupported);
  }
  return launch_kernel(state, function, shape, arguments);
}

cudaError_t set_max_dynamic_shared(State& state, Kernel& kernel, int bytes) {
  const DeviceFacts& facts = device_facts(state.modules.architecture());
  const std::size_t static_bytes = kernel.facts.static_shared_bytes;
  if (bytes < 0 || static_cast<std::size_t>(bytes) + static_bytes > facts.shared_per_block_optin) {
    return refuse(cudaErrorInvalidValue,
                  readable_name(kernel.name) + " cannot have " + std::to_string(bytes) +
                      " bytes of dynamic shared memory beside " + std::to_string(static_bytes) +
                      " static ones: a block has at most " + std::to_string(facts.shared_per_block_optin),
                  Kind::kSharedLimit);
  }
  kernel.max_dynamic_shared = bytes;
  return cudaSuccess;
}

cudaError_t set_attribute(State& state, Kernel& kernel, cudaFuncAttribute attribute, int value) {
  switch (attribute) {
    case cudaFuncAttributeMaxDynamicSharedMemorySize: return set_max_dynamic_shared(state, kernel, value);
    case cudaFuncAttributePreferredSharedMemoryCarveout:
      if (value < -1 || value > 100) return cudaErrorInvalidValue;
      kernel.carveout = value;
      return cudaSuccess;
    case cudaFuncAttributeClusterDimMustBeSet:
    case cudaFuncAttributeRequiredClusterWidth:
    case cudaFuncAttributeRequiredClusterHeight:
    case cudaFuncAttributeRequiredClusterDepth:
    case cudaFuncAttributeNonPortableClusterSizeAllowed:
    case cudaFuncAttributeClusterSchedulingPolicyPreference:
      return refuse(cudaErrorNotSupported, "clusters are not emulated", Kind::kUnsupported);
    default: return cudaErrorInvalidValue;
  }
}

cudaFuncAttributes attributes_of(State& state, const Kernel& kernel) {
  cudaFuncAttributes attributes{};
  attributes.sharedSizeBytes = kernel.facts.static_shared_bytes;
  attributes.localSizeBytes = kernel.facts.local_bytes;
  attributes.maxThreadsPerBlock = static_cast<int>(kernel.facts.max_threads);
  attributes.numRegs = kernel.facts.num_registers;
  attributes.ptxVersion = kernel.module->architecture;
  attributes.binaryVersion = state.modules.architecture();
  attributes.maxDynamicSharedSizeBytes = kernel.max_dynamic_shared;
  attributes.preferredShmemCarveout = kernel.carveout;
  return attributes;
}

}  // namespace
}  // namespace emulator::runtime

using namespace emulator;
using namespace emulator::runtime;

cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void** arguments,
                             std::size_t dynamic_shared_bytes, cudaStream_t stream) {
  return api([&](State& state) {
    return launch_kernel(state, function, {grid, block, dynamic_shared_bytes, stream}, arguments);
  });
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* function, void** arguments) {
  return api([&](State& state) { return launch_with_attributes(state, config, function, arguments); });
}

cudaError_t cudaLaunchCooperativeKernel(const void*, dim3, dim3, void**, std::size_t, cudaStream_t) {
  return api([&](State&) {
    return refuse(cudaErrorNotSupported, "a cooperative launch is not emulated", Kind::kUnsupported);
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void* data) {
  return api([&](State& state) {
    if (!function) return cudaErrorInvalidValue;
    StreamObject* stream = nullptr;
    if (const cudaError_t error = find_issuing_stream(state, handle, &stream); error != cudaSuccess) return error;
    issue(state, *stream, Graph::NodeKind::kHost, [function, data](const Execution& execution) {
      if (execution.is_exiting) return;
      const HostFunctionScope scope;
      function(data);
    });
    return cudaSuccess;
  });
}

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  return api([&](State& state) {
    Kernel* kernel = nullptr;
    const cudaError_t error = state.modules.find_kernel(function, &kernel);
    return error == cudaSuccess ? set_attribute(state, *kernel, attribute, value) : error;
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function) {
  return api([&](State& state) {
    if (!attributes) return cudaErrorInvalidValue;
    Kernel* kernel = nullptr;
    const cudaError_t error = state.modules.find_kernel(function, &kernel);
    if (error == cudaSuccess) *attributes = attributes_of(state, *kernel);
    return error;
  });
}

cudaError_t cudaFuncGetName(const char** name, const void* function) {
  return api([&](State& state) {
    if (!name) return cudaErrorInvalidValue;
    Kernel* kernel = nullptr;
    const cudaError_t error = state.modules.find_kernel(function, &kernel);
    if (error == cudaSuccess) *name = kernel->name.c_str();
    return error;
  });
}

cudaError_t cudaFuncSetCacheConfig(const void* function, cudaFuncCache) {
  return api([&](State& state) {
    Kernel* kernel = nullptr;
    return state.modules.find_kernel(function, &kernel);
  });
}

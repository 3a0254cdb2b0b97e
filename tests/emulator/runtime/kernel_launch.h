#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_KERNEL_LAUNCH_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_KERNEL_LAUNCH_H

#include <cuda_runtime_api.h>

#include <cstddef>

#include "runtime/state.h"

namespace emulator::runtime {

struct LaunchShape {
  dim3 grid, block;
  std::size_t dynamic_shared_bytes;
  cudaStream_t stream;
  bool may_overlap = false;  // programmatic dependent launch: it may start while the kernel before it runs
};

/// Checks a launch as a device does and packs its parameters (arguments[p] points to the p-th). A launch that is
/// refused is reported: programs that do not ask for the error go on with old results.
cudaError_t launch_operation(State& state, const void* host_function, const LaunchShape& shape, void* const* arguments,
                             Operation* operation);

/// The same, and issues it.
cudaError_t launch_kernel(State& state, const void* host_function, const LaunchShape& shape, void** arguments);

}  // namespace emulator::runtime

#endif

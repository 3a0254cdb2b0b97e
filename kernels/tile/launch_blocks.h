#ifndef ARLOSS_KERNELS_TILE_LAUNCH_BLOCKS_H
#define ARLOSS_KERNELS_TILE_LAUNCH_BLOCKS_H

#include <cuda_runtime.h>

#include <cstdint>
#include <limits>

#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// Launches `blocks` blocks along x of a kernel that takes its parameters as one struct by value. No block, or more
/// than the 2^31 - 1 that CUDA has: cudaErrorInvalidConfiguration. A kernel whose launches differ in
/// `dynamic_shared_bytes` has their limit beside them: it is the kernel's, and other threads may launch it too.
template <class Params>
cudaError_t launch_blocks(void (*kernel)(Params), std::int64_t blocks, int threads, const Params& params,
                          LaunchStream& stream, std::size_t dynamic_shared_bytes = 0,
                          std::size_t dynamic_shared_limit = 0) {
  if (blocks < 1 || blocks > std::numeric_limits<std::int32_t>::max()) return cudaErrorInvalidConfiguration;
  const std::size_t limit = dynamic_shared_limit > 0 ? dynamic_shared_limit : dynamic_shared_bytes;
  if (limit > 0) {
    const cudaError_t error =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(limit));
    if (error != cudaSuccess) return error;
  }
  cudaLaunchAttribute attribute{};
  cudaLaunchConfig_t config = stream.next_kernel(attribute);
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.dynamicSmemBytes = dynamic_shared_bytes;
  return cudaLaunchKernelEx(&config, kernel, params);
}

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_TILE_LAUNCH_BLOCKS_H
#define ARLOSS_KERNELS_TILE_LAUNCH_BLOCKS_H

#include <cuda_runtime.h>

#include <cstdint>
#include <limits>

namespace arloss::kernels {

/// Launches `blocks` blocks along x of a kernel that takes its parameters as one struct by value and no dynamic shared
/// memory. No block, or more than the 2^31 - 1 that CUDA has: cudaErrorInvalidConfiguration.
template <class Params>
cudaError_t launch_blocks(void (*kernel)(Params), std::int64_t blocks, int threads, const Params& params,
                          cudaStream_t stream) {
  if (blocks < 1 || blocks > std::numeric_limits<std::int32_t>::max()) return cudaErrorInvalidConfiguration;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, params);
}

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_POOL_LAUNCH_H
#define ARLOSS_KERNELS_POOL_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/pool/pool_params.h"

namespace arloss::kernels {

/// Fills codes, counts, weights and the census; asynchronous on `stream`. All of it is exact, whatever the labels hold:
/// it is for the caller to look at the census. Blocks of more than 2^31 - 1 label pixels: cudaErrorInvalidValue.
cudaError_t launch_pool(const PoolParams& params, cudaStream_t stream);

}  // namespace arloss::kernels

#endif

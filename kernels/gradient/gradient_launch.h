#ifndef ARLOSS_KERNELS_GRADIENT_LAUNCH_H
#define ARLOSS_KERNELS_GRADIENT_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/gradient/gradient_params.h"

namespace arloss::kernels {

/// Both asynchronous on `stream`.
cudaError_t launch_multiply(const MultiplyParams& params, cudaStream_t stream);
cudaError_t launch_chain(const ChainParams& params, cudaStream_t stream);

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_GRADIENT_LAUNCH_H
#define ARLOSS_KERNELS_GRADIENT_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/gradient/gradient_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// Both asynchronous on `stream`.
cudaError_t launch_multiply(const MultiplyParams& params, LaunchStream& stream);
cudaError_t launch_chain(const ChainParams& params, LaunchStream& stream);

}  // namespace arloss::kernels

#endif

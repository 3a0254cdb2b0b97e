#ifndef ARLOSS_KERNELS_PYRAMID_LAUNCH_H
#define ARLOSS_KERNELS_PYRAMID_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/pyramid/pyramid_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// Fills the pooled rows of one scale; asynchronous on `stream`.
cudaError_t launch_pyramid(const PyramidParams& params, LaunchStream& stream);

}  // namespace arloss::kernels

#endif

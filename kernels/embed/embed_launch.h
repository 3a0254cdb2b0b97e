#ifndef ARLOSS_KERNELS_EMBED_LAUNCH_H
#define ARLOSS_KERNELS_EMBED_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/embed/embed_params.h"

namespace arloss::kernels {

/// Fills params.residual; asynchronous on `stream`.
cudaError_t launch_embed(const EmbedParams& params, cudaStream_t stream);

/// Success where this build holds code that the current device runs.
cudaError_t check_device_code();

}  // namespace arloss::kernels

#endif

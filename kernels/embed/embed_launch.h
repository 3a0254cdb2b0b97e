#ifndef ARLOSS_KERNELS_EMBED_LAUNCH_H
#define ARLOSS_KERNELS_EMBED_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/embed/embed_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// Fills params.residual; asynchronous on `stream`.
cudaError_t launch_embed(const EmbedParams& params, LaunchStream& stream);

/// Success where this build holds code that the current device runs; `capability` is then the one it was compiled for,
/// times ten.
cudaError_t find_device_code(int* capability);

}  // namespace arloss::kernels

#endif

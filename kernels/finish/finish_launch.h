#ifndef ARLOSS_KERNELS_FINISH_LAUNCH_H
#define ARLOSS_KERNELS_FINISH_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/finish/finish_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// Both asynchronous on `stream`.
cudaError_t launch_join(const JoinParams& params, LaunchStream& stream);
cudaError_t launch_finish(const FinishParams& params, LaunchStream& stream);

}  // namespace arloss::kernels

#endif

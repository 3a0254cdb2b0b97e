#ifndef ARLOSS_KERNELS_FINISH_LAUNCH_H
#define ARLOSS_KERNELS_FINISH_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/finish/finish_params.h"

namespace arloss::kernels {

/// Both asynchronous on `stream`.
cudaError_t launch_join(const JoinParams& params, cudaStream_t stream);
cudaError_t launch_finish(const FinishParams& params, cudaStream_t stream);

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_INSPECT_LAUNCH_H
#define ARLOSS_KERNELS_INSPECT_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/inspect/inspect_params.h"

namespace arloss::kernels {

/// All asynchronous on `stream`.
cudaError_t launch_logit_census(const LogitCensusParams& params, cudaStream_t stream);
cudaError_t launch_distribution(const DistributionParams& params, cudaStream_t stream);
cudaError_t launch_affinity_rows(const AffinityRowsParams& params, cudaStream_t stream);

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_INSPECT_LAUNCH_H
#define ARLOSS_KERNELS_INSPECT_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/inspect/inspect_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// All asynchronous on `stream`.
cudaError_t launch_logit_census(const LogitCensusParams& params, LaunchStream& stream);
cudaError_t launch_distribution(const DistributionParams& params, LaunchStream& stream);
cudaError_t launch_affinity_rows(const AffinityRowsParams& params, LaunchStream& stream);

}  // namespace arloss::kernels

#endif

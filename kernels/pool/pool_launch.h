#ifndef ARLOSS_KERNELS_POOL_LAUNCH_H
#define ARLOSS_KERNELS_POOL_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/pool/pool_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// Both asynchronous on `stream`; items of more than 2^31 - 1 label pixels: cudaErrorInvalidValue.

/// Fills the table of cells, weights and the census. All of it is exact, whatever the labels hold: it is for the caller
/// to look at the census.
cudaError_t launch_pool(PoolParams params, LaunchStream& stream);
/// Fills coarser tables; none of one launch is pooled from another.
cudaError_t launch_pool_tables(const PoolTablesParams& params, LaunchStream& stream);

}  // namespace arloss::kernels

#endif

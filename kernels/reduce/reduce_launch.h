#ifndef ARLOSS_KERNELS_REDUCE_LAUNCH_H
#define ARLOSS_KERNELS_REDUCE_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/reduce/reduce_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// totals[r] = sum of row r, at least one row; asynchronous on `stream`. Bits depend on row_length and the values
/// alone.
cudaError_t launch_reduce(const ReduceParams& params, LaunchStream& stream);

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_PAIR_LAUNCH_H
#define ARLOSS_KERNELS_PAIR_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/pair/pair_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// Packs the rows that launch_pair reads; asynchronous on `stream`.
cudaError_t launch_pack(const PackParams& params, LaunchStream& stream);

/// totals[image] = sum over the image's pairs of w_i w_j phi, without the 1 / Z; asynchronous on `stream`. NaN where a
/// cell of weight above 0 holds one. Bits depend on cells, classes and the values alone.
cudaError_t launch_pair(const PairParams& params, LaunchStream& stream);

}  // namespace arloss::kernels

#endif

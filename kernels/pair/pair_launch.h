#ifndef ARLOSS_KERNELS_PAIR_LAUNCH_H
#define ARLOSS_KERNELS_PAIR_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/pair/pair_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

// All asynchronous on `stream`.

/// Fills params.bounds, which is zero before.
cudaError_t launch_bounds(const BoundsParams& params, LaunchStream& stream);
cudaError_t launch_pack(const PackParams& params, LaunchStream& stream);
cudaError_t launch_look_up(const LookUpParams& params, LaunchStream& stream);
cudaError_t launch_planes(const PlanesParams& params, LaunchStream& stream);

/// Does the pair kernel take so many classes, and rows of these features in `shared_bytes` of shared memory to a thread
/// block? Where not, the difference kernel does.
bool is_pair_supported(const PairFeatures& features, std::int64_t classes, std::int64_t shared_bytes);
/// The pairs of the kernel's thread blocks, and so its losses' slots and its slopes' splits.
PairWalk pair_walk(std::int64_t groups, std::int64_t rows_of_a_group, std::int64_t classes, bool looks_up);
PairWalk difference_walk(std::int64_t groups, std::int64_t rows_of_a_group);

/// Loss and slopes of all pairs, without the 1 / Z. Bits depend on shapes and values alone, and those of the loss not
/// on whether slopes are wanted too. A NaN in a row need not reach them: it is in the bounds.
/// `shared_limit`: bytes that the device gives a thread block at most, the kernels' limit whatever a launch asks for.
cudaError_t launch_pair(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream);
cudaError_t launch_differences(const DifferenceParams& params, LaunchStream& stream);

cudaError_t launch_join_slopes(const JoinSlopesParams& params, LaunchStream& stream);
cudaError_t launch_pair_finish(const PairFinishParams& params, LaunchStream& stream);

}  // namespace arloss::kernels

#endif

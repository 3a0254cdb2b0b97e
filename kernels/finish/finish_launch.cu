#include "kernels/finish/finish_launch.h"

#include "kernels/finish/finish_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {

cudaError_t launch_join(const JoinParams& params, LaunchStream& stream) {
  const std::int64_t blocks = (params.groups * params.head_count - 1) / FinishTile::kThreads + 1;
  return launch_blocks(join_kernel, blocks, FinishTile::kThreads, params, stream);
}

cudaError_t launch_finish(const FinishParams& params, LaunchStream& stream) {
  const cudaError_t error = launch_blocks(finish_kernel, params.groups, FinishTile::kThreads, params, stream);
  return error != cudaSuccess ? error : launch_blocks(loss_kernel, 1, 1, params, stream);
}

}  // namespace arloss::kernels

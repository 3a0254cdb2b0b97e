#include "kernels/finish/finish_launch.h"

#include "kernels/finish/finish_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {

cudaError_t launch_join(const JoinParams& params, LaunchStream& stream) {
  const std::int64_t blocks = (params.groups * params.head_count - 1) / JoinTile::kValues + 1;
  return launch_blocks(join_kernel, blocks, JoinTile::kThreads, params, stream);
}

cudaError_t launch_finish(const FinishParams& params, LaunchStream& stream) {
  const cudaError_t error =
      launch_blocks(finish_kernel, params.groups * params.parts, FinishTile::kThreads, params, stream);
  return error != cudaSuccess ? error : launch_blocks(loss_kernel, 1, FinishTile::kThreads, params, stream);
}

}  // namespace arloss::kernels

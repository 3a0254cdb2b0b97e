#include "kernels/pyramid/pyramid_launch.h"

#include "kernels/pyramid/pyramid_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {

cudaError_t launch_pyramid(const PyramidParams& params, LaunchStream& stream) {
  const std::int64_t blocks = params.blocks.depth * params.blocks.height * params.blocks.width;
  return launch_blocks(pyramid_kernel, params.batch * CellTile::blocks(blocks), CellTile::kThreads, params, stream);
}

}  // namespace arloss::kernels

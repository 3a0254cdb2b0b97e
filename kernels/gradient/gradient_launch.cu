#include "kernels/gradient/gradient_launch.h"

#include "kernels/gradient/chain_kernels.cuh"
#include "kernels/gradient/multiply_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {

cudaError_t launch_multiply(const MultiplyParams& params, LaunchStream& stream) {
  const std::int64_t blocks = params.batch * MultiplyTile::panels(params.rows) * MultiplyTile::tiles(params.classes);
  return launch_blocks(multiply_kernel, blocks, MultiplyTile::kThreads, params, stream);
}

cudaError_t launch_chain(const ChainParams& params, LaunchStream& stream) {
  return with_logit_type(params.out.type, [&](auto logit) {
    const std::int64_t blocks = params.out.layout.batch * CellTile::blocks(params.out.layout.cells);
    return launch_blocks(chain_kernel<decltype(logit)>, blocks, CellTile::kThreads, params, stream);
  });
}

}  // namespace arloss::kernels

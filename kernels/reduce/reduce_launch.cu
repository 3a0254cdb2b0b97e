#include "kernels/reduce/reduce_launch.h"

#include "kernels/reduce/reduce_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {

cudaError_t launch_reduce(const ReduceParams& params, LaunchStream& stream) {
  const std::int64_t blocks = params.rows * reduce_blocks(params.row_length);
  return launch_blocks(reduce_kernel, blocks, ReduceTile::kThreads, params, stream);
}

}  // namespace arloss::kernels

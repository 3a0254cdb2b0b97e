#include "kernels/pool/pool_launch.h"

#include <limits>

#include "kernels/pool/pool_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {
namespace {

template <class Label>
cudaError_t launch_pool_of(const PoolParams& params, cudaStream_t stream) {
  const auto kernel = is_pooled_by_warps(params) ? pool_warp_kernel<Label> : pool_kernel<Label>;
  return launch_blocks(kernel, pool_grid_blocks(params), PoolTile::kThreads, params, stream);
}

}  // namespace

cudaError_t launch_pool(const PoolParams& params, cudaStream_t stream) {
  if (max_block_labels(params) > std::numeric_limits<int>::max()) return cudaErrorInvalidValue;
  switch (params.label_type) {
    case LabelType::kUint8: return launch_pool_of<std::uint8_t>(params, stream);
    case LabelType::kInt32: return launch_pool_of<std::int32_t>(params, stream);
    case LabelType::kInt64: return launch_pool_of<std::int64_t>(params, stream);
  }
  return cudaErrorInvalidValue;
}

}  // namespace arloss::kernels

#include "kernels/pool/pool_launch.h"

#include <limits>

#include "kernels/pool/pool_kernels.cuh"
#include "kernels/pool/pool_tables_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {
namespace {

constexpr std::int64_t kMaxLabels = std::numeric_limits<int>::max();

std::int64_t whole_ratio(std::int64_t cells, std::int64_t labels) { return labels % cells == 0 ? labels / cells : 0; }

template <class Label>
cudaError_t launch_pool_of(const PoolParams& params, LaunchStream& stream) {
  const auto kernel = is_pooled_by_warps(params.cells) ? pool_warp_kernel<Label> : pool_kernel<Label>;
  return launch_blocks(kernel, pool_grid_blocks(params.batch, params.cells), PoolTile::kThreads, params, stream);
}

}  // namespace

cudaError_t launch_pool(PoolParams params, LaunchStream& stream) {
  const GridSize &cells = params.cells.grid, &labels = params.label_grid;
  if (params.cells.max_labels > kMaxLabels) return cudaErrorInvalidValue;
  params.ratio = {whole_ratio(cells.depth, labels.depth), whole_ratio(cells.height, labels.height),
                  whole_ratio(cells.width, labels.width)};
  switch (params.label_type) {
    case LabelType::kUint8: return launch_pool_of<std::uint8_t>(params, stream);
    case LabelType::kInt32: return launch_pool_of<std::int32_t>(params, stream);
    case LabelType::kInt64: return launch_pool_of<std::int64_t>(params, stream);
  }
  return cudaErrorInvalidValue;
}

cudaError_t launch_pool_tables(const PoolTablesParams& params, LaunchStream& stream) {
  std::int64_t blocks = 0;
  for (int index = 0; index < params.num_tables; ++index) {
    const TablePooling& table = params.tables[index];
    if (table.to.max_labels > kMaxLabels) return cudaErrorInvalidValue;
    blocks += table_blocks(params.batch, table);
  }
  return launch_blocks(pool_tables_kernel, blocks, PoolTile::kThreads, params, stream);
}

}  // namespace arloss::kernels

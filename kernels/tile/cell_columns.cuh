#ifndef ARLOSS_KERNELS_CELL_COLUMNS_CUH
#define ARLOSS_KERNELS_CELL_COLUMNS_CUH

#include <cstdint>

#include "kernels/tile/cell_tile.h"

namespace arloss::kernels {

/// The cell, and the share of its classes, that a thread of a block of CellTile works on: a lane is a cell, so that
/// planes are read in whole lines, and warp w takes classes w, w + kWarps, ...
struct CellColumn {
  std::int64_t image, cell;  // within its image
  std::int64_t row;          // counted over the batch
  int first_class, lane;
  bool is_present;  // false past the last cell of the image
};

__device__ inline CellColumn cell_column(std::int64_t cells) {
  const auto blocks = static_cast<std::uint32_t>(CellTile::blocks(cells));
  CellColumn column;
  column.image = blockIdx.x / blocks;
  column.lane = static_cast<int>(threadIdx.x % 32);
  column.cell = std::int64_t{blockIdx.x % blocks} * CellTile::kCells + column.lane;
  column.row = column.image * cells + column.cell;
  column.first_class = static_cast<int>(threadIdx.x / 32);
  column.is_present = column.cell < cells;
  return column;
}

/// What the threads of one cell join, warp by warp in order: the same bits in every run.
struct ColumnExchange {
  float parts[CellTile::kWarps][CellTile::kCells];
};

template <class Join>
__device__ float join_column(const CellColumn& column, float mine, ColumnExchange& exchange, const Join& join) {
  __syncthreads();  // the parts of an earlier join are read before they are overwritten
  exchange.parts[column.first_class][column.lane] = mine;
  __syncthreads();  // parts before the threads of other warps read them
  float joined = exchange.parts[0][column.lane];
#pragma unroll
  for (int warp = 1; warp < CellTile::kWarps; ++warp) joined = join(joined, exchange.parts[warp][column.lane]);
  return joined;
}
__device__ inline float sum_column(const CellColumn& column, float mine, ColumnExchange& exchange) {
  return join_column(column, mine, exchange, [](float a, float b) { return a + b; });
}

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_PAIR_BLOCKS_CUH
#define ARLOSS_KERNELS_PAIR_BLOCKS_CUH

#include <cub/block/block_reduce.cuh>

#include "kernels/pair/pair_params.h"
#include "kernels/tile/grid_join.cuh"
#include "kernels/tile/two_float.cuh"

/// What the kernels over pairs share: which pairs a thread block visits, and where its sums go.
namespace arloss::kernels {

/// One strip of rows of a group against `num_tiles` column tiles from `first_tile` on. Rows count within the group,
/// tiles from the block's first.
struct PairBlock {
  std::int64_t rows, first_row_of_group, first_row, first_tile;
  int num_tiles;
  int diagonal, strip_tiles;  // the tiles that are the strip's own rows, from which on
  std::uint32_t group, strip, split;

  __device__ std::int64_t first_column(int tile) const { return (first_tile + tile) * PairTile::kColumns; }
  /// A strip counts pairs within itself once, and those with later strips for both orders.
  __device__ int loss_factor(int tile) const { return tile < diagonal ? 0 : tile < diagonal + strip_tiles ? 1 : 2; }
  __device__ bool has_diagonal(int tile) const { return loss_factor(tile) == 1; }
  /// Slopes are summed over runs of kTilesPerFlush tiles.
  __device__ bool ends_sums(int tile) const {
    return tile % PairTile::kTilesPerFlush == PairTile::kTilesPerFlush - 1 || tile + 1 == num_tiles;
  }
  __device__ bool begins_sums(int tile) const { return tile < PairTile::kTilesPerFlush; }
};

template <class Params>
__device__ PairBlock pair_block(const Params& params, int strip_rows) {
  const std::int64_t rows = params.rows_of_group();
  const PairWalk walk(params.groups(), rows, strip_rows);
  const auto splits = static_cast<std::uint32_t>(walk.splits), strips = static_cast<std::uint32_t>(walk.strips);
  PairBlock block;
  block.rows = rows;
  block.split = blockIdx.x % splits;
  block.strip = blockIdx.x / splits % strips;
  block.group = blockIdx.x / splits / strips;
  block.first_row_of_group = block.group * rows;
  block.first_row = std::int64_t{block.strip} * strip_rows;
  block.first_tile = walk.first_tile(block.split);
  const std::int64_t own_tile = block.first_row / PairTile::kColumns;
  // The loss alone takes half of the pairs.
  if (params.sums.slopes == nullptr) block.first_tile = max(block.first_tile, own_tile);
  block.num_tiles = static_cast<int>(max(walk.first_tile(block.split + 1) - block.first_tile, std::int64_t{0}));
  block.diagonal = static_cast<int>(own_tile - block.first_tile);
  block.strip_tiles = strip_rows / PairTile::kColumns;
  return block;
}

/// Where class 0 of a row of the group lies in a set of planes; class c is c * grid.rows on.
__device__ inline std::int64_t plane_offset(const PairGrid& grid, const PairBlock& block, std::int64_t row) {
  const std::int64_t row_of_batch = block.first_row_of_group + row, image = row_of_batch / grid.rows;
  return image * grid.classes * grid.rows + (row_of_batch - image * grid.rows);
}

/// The slopes of a row of the group, in the planes of the block's split.
template <class Params>
__device__ float* slope_planes(const Params& params, const PairBlock& block, std::int64_t row) {
  return params.sums.slopes + block.split * params.batch * params.classes * params.rows +
         plane_offset(params, block, row);
}

template <int kThreads>
using PairLossReduce = cub::BlockReduce<double, kThreads>;

/// sum_ij w_i w_j phi of a thread's rows. The block's slot is its number: blocks are [group][strip][split].
template <int kRows>
class PairLoss {
 public:
  /// row_of(r): the group's row r of the thread's.
  template <class Params, class RowOf>
  __device__ PairLoss(const Params& params, const PairBlock& block, const RowOf& row_of) {
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const std::int64_t row = row_of(r);
      row_weights_[r] = row < block.rows ? params.weights[block.first_row_of_group + row] : 0;
      sums_[r] = 0;
    }
  }

  __device__ float row_weight(int r) const { return row_weights_[r]; }
  __device__ void add(int r, float weight, float value) { sums_[r] = fmaf(weight, value, sums_[r]); }
  /// Adds the sums of a column tile up.
  __device__ void end_tile(float factor) {
    float tile = 0;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      tile = fmaf(row_weights_[r], sums_[r], tile);
      sums_[r] = 0;
    }
    const TwoFloat sum = add_exactly(total_.high, __fmul_rn(factor, tile));
    total_ = {sum.high, __fadd_rn(total_.low, sum.low)};
  }
  /// Into the block's slot: all threads call it once.
  template <int kThreads>
  __device__ void write(double* slots, typename PairLossReduce<kThreads>::TempStorage& storage) const {
    const double mine = static_cast<double>(total_.high) + static_cast<double>(total_.low);
    const double sum = PairLossReduce<kThreads>(storage).Reduce(mine, Sum{});
    if (threadIdx.x != 0) return;
    slots[blockIdx.x] = sum;
  }

 private:
  float row_weights_[kRows], sums_[kRows];
  TwoFloat total_{0, 0};
};

}  // namespace arloss::kernels

#endif

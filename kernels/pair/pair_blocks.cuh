#ifndef ARLOSS_KERNELS_PAIR_BLOCKS_CUH
#define ARLOSS_KERNELS_PAIR_BLOCKS_CUH

#include <cub/block/block_reduce.cuh>

#include "kernels/pair/pair_params.h"
#include "kernels/tile/grid_join.cuh"
#include "kernels/tile/two_float.cuh"

/// What the kernels over pairs share: which pairs a thread block visits, and where its sums go.
namespace arloss::kernels {

/// One strip of rows of a group against column tiles [first_tile, last_tile). Rows count within the group.
struct PairBlock {
  std::int64_t rows, first_row_of_group;
  std::int64_t first_row, first_tile, last_tile;
  std::int64_t group, strip, split;
  int strip_rows;

  /// A strip counts pairs within itself once, and those with later strips for both orders.
  __device__ int loss_factor(std::int64_t tile) const {
    const std::int64_t column = tile * PairTile::kColumns;
    return column < first_row ? 0 : column < first_row + strip_rows ? 1 : 2;
  }
  /// Slopes are summed over runs of kTilesPerFlush tiles.
  __device__ bool ends_sums(std::int64_t tile) const {
    return (tile - first_tile + 1) % PairTile::kTilesPerFlush == 0 || tile + 1 == last_tile;
  }
  __device__ bool begins_sums(std::int64_t tile) const { return tile - first_tile < PairTile::kTilesPerFlush; }
};

template <class Params>
__device__ PairBlock pair_block(const Params& params, int strip_rows) {
  const std::int64_t rows = params.rows * params.images_per_group;
  const PairWalk walk(params.groups(), rows, strip_rows);
  const auto splits = static_cast<std::uint32_t>(walk.splits), strips = static_cast<std::uint32_t>(walk.strips);
  PairBlock block;
  block.rows = rows;
  block.split = blockIdx.x % splits;
  block.strip = blockIdx.x / splits % strips;
  block.group = blockIdx.x / splits / strips;
  block.first_row_of_group = block.group * rows;
  block.strip_rows = strip_rows;
  block.first_row = block.strip * strip_rows;
  block.first_tile = walk.first_tile(block.split);
  block.last_tile = walk.first_tile(block.split + 1);
  // The loss alone takes half of the pairs.
  if (params.sums.slopes == nullptr) block.first_tile = max(block.first_tile, block.first_row / PairTile::kColumns);
  return block;
}

/// The slopes of a row of the group: its class c lies c * params.rows floats on.
template <class Params>
__device__ float* slope_planes(const Params& params, const PairBlock& block, std::int64_t row) {
  const std::int64_t row_of_batch = block.first_row_of_group + row, image = row_of_batch / params.rows;
  return params.sums.slopes + (block.split * params.batch + image) * params.classes * params.rows +
         (row_of_batch - image * params.rows);
}

using PairLossReduce = cub::BlockReduce<double, PairTile::kThreads>;
struct PairLossStorage {
  PairLossReduce::TempStorage reduce;
};

/// sum_ij w_i w_j phi of a thread's rows.
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
  template <class Params>
  __device__ void write(const Params& params, const PairBlock& block, PairLossStorage& storage) const {
    const double mine = static_cast<double>(total_.high) + static_cast<double>(total_.low);
    const double sum = PairLossReduce(storage.reduce).Reduce(mine, Sum{});
    if (threadIdx.x != 0) return;
    const PairWalk walk(params.groups(), block.rows, block.strip_rows);
    params.sums.losses[(block.group * walk.strips + block.strip) * walk.splits + block.split] = sum;
  }

 private:
  float row_weights_[kRows], sums_[kRows];
  TwoFloat total_{0, 0};
};

}  // namespace arloss::kernels

#endif

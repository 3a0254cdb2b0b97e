#ifndef ARLOSS_KERNELS_PAIR_KERNELS_CUH
#define ARLOSS_KERNELS_PAIR_KERNELS_CUH

#include "kernels/pair/pair_params.h"
#include "kernels/pair/pair_penalties.cuh"
#include "kernels/ptx/cp_async.cuh"
#include "kernels/tile/fragments.cuh"
#include "kernels/tile/grid_join.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

using PairJoin = GridJoin<PairTile::kThreads, float, double, Sum>;

/// What one step reads: a row tile and a column tile, 16 classes of each.
struct PairStage {
  HalfPiece rows[PairTile::kRows][kPitch];     // s and E
  HalfPiece columns[PairTile::kRows][kPitch];  // E and u
  float weights[PairTile::kRows];              // of the columns
};

struct PairSharedStorage {
  PairStage stages[2];
  PairJoin::SharedStorage join;
};
static_assert(sizeof(PairSharedStorage) <= 48 * 1024, "static shared memory of every device");

/// Where a thread block is on its way: column tile by column tile, each class step by class step.
struct PairCursor {
  std::int64_t tile, step;
  __device__ void advance(std::int64_t steps) {
    if (++step < steps) return;
    step = 0;
    ++tile;
  }
};

/// What a thread block works on: one image's row tile against column tiles [first_tile, last_tile).
struct PairTask {
  const HalfPiece* rows;  // of the image
  const float* weights;
  std::int64_t cells, steps;
  std::int64_t first_row, first_tile, last_tile;
  std::uint32_t image, block, blocks;  // thread block `block` of the image's
};

__device__ inline PairTask pair_task(const PairParams& params) {
  const PairWalk walk(params.cells);
  PairTask task;
  task.blocks = static_cast<std::uint32_t>(walk.blocks());
  task.image = blockIdx.x / task.blocks;
  task.block = blockIdx.x % task.blocks;
  task.cells = params.cells;
  task.steps = PairRow::steps(params.classes);
  task.rows = params.rows + task.image * params.cells * PairRow::pieces(params.classes);
  task.weights = params.weights + task.image * params.cells;
  const auto splits = static_cast<std::uint32_t>(walk.splits);
  task.first_row = std::int64_t{task.block / splits} * PairTile::kRows;
  task.first_tile = std::int64_t{task.block % splits} * PairTile::kTilesPerBlock;
  task.last_tile = min(task.first_tile + PairTile::kTilesPerBlock, walk.tiles);
  return task;
}

/// Starts the copy of one step of 64 cells; zeros past the last cell.
__device__ inline void copy_cells(const PairTask& task, std::int64_t first_cell, std::int64_t step, int first_piece,
                                  HalfPiece (*tile)[kPitch]) {
  constexpr int kCopies = PairTile::kRows * PairRow::kTilePieces;
  static_assert(kCopies % PairTile::kThreads == 0, "every thread copies alike");
#pragma unroll
  for (int k = 0; k < kCopies / PairTile::kThreads; ++k) {
    const int index = static_cast<int>(threadIdx.x) + k * PairTile::kThreads;
    const int row = index / PairRow::kTilePieces, piece = index % PairRow::kTilePieces;
    const bool is_valid = first_cell + row < task.cells;
    const std::int64_t cell = is_valid ? first_cell + row : 0;
    const HalfPiece* const from = task.rows + (cell * task.steps + step) * PairRow::kPieces + first_piece + piece;
    ptx::cp_async_16(&tile[row][piece], from, is_valid);
  }
}

/// Starts the copies of a stage.
__device__ inline void copy_stage(const PairTask& task, const PairCursor& cursor, PairStage& stage) {
  const std::int64_t first_column = cursor.tile * PairTile::kRows;
  copy_cells(task, task.first_row, cursor.step, PairRow::kRowPiece, stage.rows);
  copy_cells(task, first_column, cursor.step, PairRow::kColumnPiece, stage.columns);
  if (threadIdx.x < PairTile::kRows) {
    const bool is_valid = first_column + threadIdx.x < task.cells;
    ptx::cp_async_4(&stage.weights[threadIdx.x], task.weights + (is_valid ? first_column + threadIdx.x : 0), is_valid);
  }
}

/// A warp's part of a tile: 16 rows x 64 columns.
struct PairProducts {
  float values[PairTile::kStrips][4];  // strips of 8 columns, C-fragment order

  __device__ void clear() {
#pragma unroll
    for (int strip = 0; strip < PairTile::kStrips; ++strip)
#pragma unroll
      for (int e = 0; e < 4; ++e) values[strip][e] = 0;
  }
};

/// products += <s_i, E_j> + <E_i, u_j> over the stage's classes, in units of kScale^2.
__device__ inline void multiply_stage(const PairStage& stage, PairProducts& products) {
  const auto* const rows = stage.rows + threadIdx.x / 32 * PairTile::kWarpRows;
  const FactorRows s = load_factor_rows(rows, 0);
#pragma unroll
  for (int strip = 0; strip < PairTile::kStrips; ++strip)
    multiply(products.values[strip], s, load_residual_columns(stage.columns + 8 * strip, 0));
  const ResidualRows residual = load_residual_rows(rows, 4);
#pragma unroll
  for (int strip = 0; strip < PairTile::kStrips; ++strip)
    multiply(products.values[strip], residual, load_factor_columns(stage.columns + 8 * strip, 4));
}

/// sums[r] += sum_j w_j phi(d_ij) of this lane's two rows i, over one column tile.
template <class Phi>
__device__ void penalise_tile(const PairStage& stage, const PairProducts& products, const Phi& phi, float (&sums)[2]) {
  constexpr float kUnscale = 1 / (PairRow::kScale * PairRow::kScale);
  float tile_sums[2] = {0, 0};
#pragma unroll
  for (int strip = 0; strip < PairTile::kStrips; ++strip)
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      Pair<FloatOps> pair;
      pair.d = products.values[strip][e] * kUnscale;
      tile_sums[e / 2] += stage.weights[8 * strip + product_column(e)] * phi(pair).value;
    }
  sums[0] += tile_sums[0];
  sums[1] += tile_sums[1];
}

/// sum_i w_i sums_i of this lane's rows, those past the last cell left out.
__device__ inline float weigh_rows(const PairTask& task, const float (&sums)[2]) {
  float total = 0;
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const std::int64_t row = task.first_row + threadIdx.x / 32 * PairTile::kWarpRows + product_row(2 * r);
    if (row < task.cells) total += task.weights[row] * sums[r];
  }
  return total;
}

/// pair_kernel.  Computes: sum_ij w_i w_j phi(d_ij) of each image, d_ij = <s_i, E_j> + <E_i, u_j> = A_ij - B_ij
/// (math.md, eq. 23), all pairs, i = j included.
/// Owns: slot[image][block], one float per 64 rows x 512 columns.  Reads: each packed row once per 64 partners.
/// Order: fixed by the number of cells alone: 16 pairs and 8 tiles in a lane, the block's tree, slots in float64.
/// Cost: per 64 x 64 pairs and 16 classes 16 KiB copied and 192 mma; no atomics but one ticket per block.
template <class Phi>
__global__ void __launch_bounds__(PairTile::kThreads) pair_kernel(const PairParams params) {
  follow_earlier_kernels();
  __shared__ PairSharedStorage storage;
  const PairTask task = pair_task(params);
  const Phi phi(params.penalty_param);
  PairCursor next{task.first_tile, 0};
  PairProducts products;
  float sums[2] = {0, 0};
  copy_stage(task, next, storage.stages[0]);
  ptx::cp_async_commit();
  int stage = 0;
  for (PairCursor cursor = next; cursor.tile < task.last_tile; cursor = next, stage ^= 1) {
    next.advance(task.steps);
    if (next.tile < task.last_tile) copy_stage(task, next, storage.stages[stage ^ 1]);
    ptx::cp_async_commit();   // empty after the last step, so that the wait below always leaves one group
    ptx::cp_async_wait<1>();  // this thread's copies of this step
    __syncthreads();          // all threads' copies of this step before its reads
    if (cursor.step == 0) products.clear();
    multiply_stage(storage.stages[stage], products);
    if (cursor.step == task.steps - 1) penalise_tile(storage.stages[stage], products, phi, sums);
    __syncthreads();  // reads of this stage before the copies that overwrite it
  }
  ptx::cp_async_wait<0>();
  PairJoin::run(weigh_rows(task, sums), params.sums.set(task.image, task.blocks), task.block, task.blocks,
                storage.join);
}

}  // namespace arloss::kernels

#endif

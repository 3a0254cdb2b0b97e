#ifndef ARLOSS_KERNELS_GRAM_KERNELS_CUH
#define ARLOSS_KERNELS_GRAM_KERNELS_CUH

#include "kernels/gram/gram_params.h"
#include "kernels/gram/gram_tile.h"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

struct GramSharedStorage {
  // A row of padding: lanes that store neighbouring rows meet different banks.
  float left[GramTile::kRows][GramTile::kClasses + 1], right[GramTile::kRows][GramTile::kClasses + 1];
};
static_assert(sizeof(GramSharedStorage) <= 20 * 1024, "two blocks even where 48 KiB are all there is");

/// Which tile of which slot's matrix a block computes.
struct GramTask {
  std::int64_t image, split;
  std::int64_t first_c, first_d;
};
__device__ inline GramTask gram_task(const GramParams& params) {
  const auto tiles = static_cast<std::uint32_t>(GramTile::tiles(params.classes));
  const auto splits = static_cast<std::uint32_t>(params.slots.splits);
  const std::uint32_t tile = blockIdx.x % (tiles * tiles), slot = blockIdx.x / (tiles * tiles);
  return {slot / splits, slot % splits, std::int64_t{tile / tiles} * GramTile::kClasses,
          std::int64_t{tile % tiles} * GramTile::kClasses};
}

/// kRows rows of kClasses planes from `first_class`, zero past the end of either; times their weight where it is given.
__device__ inline void load_rows(const GramParams& params, const GramTask& task, const float* planes,
                                 std::int64_t first_class, std::int64_t first_row, std::int64_t end_row,
                                 const float* weights, float (*rows)[GramTile::kClasses + 1]) {
  const std::int64_t row = first_row + threadIdx.x % 32;
  const bool is_present = row < end_row;
  const float weight = weights == nullptr ? 1.0f : is_present ? weights[task.image * params.rows + row] : 0.0f;
  for (unsigned c = threadIdx.x / 32; c < GramTile::kClasses; c += GramTile::kThreads / 32) {
    const bool is_class = first_class + c < params.classes;
    const float* const plane = planes + (task.image * params.classes + first_class + c) * params.rows;
    rows[threadIdx.x % 32][c] = is_present && is_class ? weight * plane[row] : 0.0f;
  }
}

/// A thread's outputs: classes y + 16 j against x + 16 k.
struct GramOutputs {
  static constexpr int kSide = GramTile::kClasses / GramTile::kStride;
  float chunk[kSide][kSide];
  double total[kSide][kSide];
};

__device__ inline void multiply_rows(const GramSharedStorage& storage, GramOutputs& outputs) {
  const unsigned x = threadIdx.x % GramTile::kStride, y = threadIdx.x / GramTile::kStride;
#pragma unroll 4
  for (int row = 0; row < GramTile::kRows; ++row) {
    float right[GramOutputs::kSide];
#pragma unroll
    for (int k = 0; k < GramOutputs::kSide; ++k) right[k] = storage.right[row][x + GramTile::kStride * k];
#pragma unroll
    for (int j = 0; j < GramOutputs::kSide; ++j) {
      const float left = storage.left[row][y + GramTile::kStride * j];
#pragma unroll
      for (int k = 0; k < GramOutputs::kSide; ++k) outputs.chunk[j][k] = fmaf(left, right[k], outputs.chunk[j][k]);
    }
  }
}

__device__ inline void flush_chunk(GramOutputs& outputs) {
#pragma unroll
  for (int j = 0; j < GramOutputs::kSide; ++j)
#pragma unroll
    for (int k = 0; k < GramOutputs::kSide; ++k) {
      outputs.total[j][k] += static_cast<double>(outputs.chunk[j][k]);
      outputs.chunk[j][k] = 0;
    }
}

/// A symmetric matrix is computed on and above the diagonal and mirrored: w x y and w y x differ in the last bit.
__device__ inline void store_outputs(const GramParams& params, const GramTask& task, const GramOutputs& outputs) {
  double* const matrix = params.slots.slot(task.image, task.split) + params.offset;
#pragma unroll
  for (int j = 0; j < GramOutputs::kSide; ++j)
#pragma unroll
    for (int k = 0; k < GramOutputs::kSide; ++k) {
      const std::int64_t c = task.first_c + threadIdx.x / GramTile::kStride + GramTile::kStride * j;
      const std::int64_t d = task.first_d + threadIdx.x % GramTile::kStride + GramTile::kStride * k;
      if (c >= params.classes || d >= params.classes || (params.is_symmetric && c > d)) continue;
      matrix[c * params.classes + d] = outputs.total[j][k];
      if (params.is_symmetric) matrix[d * params.classes + c] = outputs.total[j][k];
    }
}

/// gram_kernel.  Computes: sum_r w_r X_r Y_r' of one split's rows, one 64 x 64 tile of classes (math.md, eq. 13).
/// Owns: its tile of one slot.  Reads: the planes of 64 + 64 classes once per tile.
/// Order: rows in order, 256 in float32, chunks in float64.
/// Cost: C^2 multiply-adds a row (half of them where symmetric), 8 C^2 bytes out a slot.
__global__ void __launch_bounds__(GramTile::kThreads) gram_kernel(const GramParams params) {
  follow_earlier_kernels();
  __shared__ GramSharedStorage storage;
  const GramTask task = gram_task(params);
  if (params.is_symmetric && task.first_c > task.first_d) return;
  const RowSplits splits{params.rows, params.slots.splits};
  const std::int64_t end = splits.first(task.split + 1);
  GramOutputs outputs{};
  int pending = 0;
  for (std::int64_t row = splits.first(task.split); row < end; row += GramTile::kRows) {
    load_rows(params, task, params.left, task.first_c, row, end, params.weights, storage.left);
    load_rows(params, task, params.right, task.first_d, row, end, nullptr, storage.right);
    __syncthreads();  // rows before they are multiplied
    multiply_rows(storage, outputs);
    __syncthreads();  // ... and read before the next ones overwrite them
    pending += GramTile::kRows;
    if (pending == RowSplits::kChunk) {
      flush_chunk(outputs);
      pending = 0;
    }
  }
  flush_chunk(outputs);
  store_outputs(params, task, outputs);
}

}  // namespace arloss::kernels

#endif

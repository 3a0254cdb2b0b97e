#ifndef ARLOSS_KERNELS_WIDE_GRADIENT_KERNELS_CUH
#define ARLOSS_KERNELS_WIDE_GRADIENT_KERNELS_CUH

#include "kernels/fused/fused_matrix.cuh"
#include "kernels/fused/fused_params.h"
#include "kernels/fused/wide_rows.cuh"
#include "kernels/gradient/cell_gradient.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

template <int kSquares>
struct WideGradientStorage {
  using Tile = WideTile<kSquares>;
  static constexpr int kMatrixPitch = odd_pitch(Tile::kClasses / 8);
  static constexpr int kSlopePitch = Tile::kCells + 8;  // floats: rows of a product's lanes meet different banks
  union {
    WideRows<kSquares> rows;                                    // of E
    float slopes[Tile::kClasses][kSlopePitch];                  // then of E G, by position
    float staged[staged_floats(Tile::kCells, Tile::kClasses)];  // logits before, gradients after
  };
  HalfPiece leading[Tile::kClasses][kMatrixPitch], remainder[Tile::kClasses][kMatrixPitch];  // G', times 2^exponent
  std::uint32_t largest[Tile::kWarps];
  WideExchange exchange;
  float dots[Tile::kWarps][Tile::kCells], others[Tile::kWarps][Tile::kCells];
};

/// slopes = E G of the tile, both scaled, in place of the rows of E: a warp takes 16 cells and half the classes.
template <int kSquares>
__device__ void multiply_residuals(WideGradientStorage<kSquares>& storage) {
  const int warp = static_cast<int>(threadIdx.x / 32), first_class = warp / 4 * 16 * kSquares, piece = warp % 4 * 2;
  float products[kSquares][2][4] = {};
#pragma unroll 1
  for (int k = 0; k < 2 * kSquares; ++k) {
    std::uint32_t leading_columns[2][2], remainder_columns[2][2];
    load_class_columns(storage.rows.leading + 16 * k, piece, leading_columns);
    load_class_columns(storage.rows.remainder + 16 * k, piece, remainder_columns);
#pragma unroll
    for (int m = 0; m < kSquares; ++m) {
      std::uint32_t leading[4], remainder[4];
      load_rows(storage.leading + first_class + 16 * m, 2 * k, leading);
      load_rows(storage.remainder + first_class + 16 * m, 2 * k, remainder);
#pragma unroll
      for (int o = 0; o < 2; ++o) {
        ptx::mma_m16n8k16(products[m][o], remainder, leading_columns[o]);
        ptx::mma_m16n8k16(products[m][o], leading, remainder_columns[o]);
        ptx::mma_m16n8k16(products[m][o], leading, leading_columns[o]);
      }
    }
  }
  __syncthreads();  // rows are read before slopes take their place
#pragma unroll
  for (int m = 0; m < kSquares; ++m)
#pragma unroll
    for (int o = 0; o < 2; ++o)
#pragma unroll
      for (int e = 0; e < 4; ++e)
        storage.slopes[first_class + 16 * m + product_row(e)][8 * (piece + o) + product_column(e)] = products[m][o][e];
  __syncthreads();  // slopes before their cells' lanes read them
}

/// h / w of a lane's two cells and its classes.
template <int kSquares>
class WideSlopes {
  using Tile = WideTile<kSquares>;

 public:
  float h[2][Tile::kPerLane] = {};

  /// += E G, which lies in shared memory times 1 / unscale.
  __device__ void add_residuals(const WideGradientStorage<kSquares>& storage, const float (&unscale)[2]) {
#pragma unroll
    for (int j = 0; j < Tile::kPerLane; ++j) {
      const auto pair = reinterpret_cast<const float2*>(storage.slopes[class_of(j)])[lane_index()];
      h[0][j] = pair.x * unscale[0];
      h[1][j] = pair.y * unscale[1];
    }
  }

  /// += factor * matrix[label].
  __device__ void add_row(int half, const float* matrix, std::int64_t classes, std::int32_t label, float factor) {
    const float* const row = matrix + label * classes;
#pragma unroll
    for (int j = 0; j < Tile::kPerLane; ++j)
      if (class_of(j) < classes) h[half][j] = fmaf(factor, row[class_of(j)], h[half][j]);
  }

  __device__ static int class_of(int j) { return Tile::kWarps * j + static_cast<int>(threadIdx.x / 32); }
};

/// += u^1 M - sum_k (u^k - u^1) K_k of one of the lane's cells.
template <int kSquares>
__device__ void add_labels(const FusedGradientParams& params, const WideTask& task, int half,
                           WideSlopes<kSquares>& slopes) {
  const std::int64_t cell = task.cell(lane_index() + 32 * half), classes = task.layout.classes;
  const LabelRow finest = label_row_of_cell(params.labels.scales[0], task.image, cell);
  const float* const labels = params.label_matrix.of_image(task.image);
#pragma unroll 1
  for (int index = 0; index < finest.size(); ++index)
    slopes.add_row(half, labels, classes, finest.label(index), finest.u<float>(index));
  const float* matrix = params.difference_matrices.of_image(task.image);
#pragma unroll 1
  for (int k = 1; k < params.labels.count; ++k, matrix += classes * classes)
    for_each_difference<float>(
        label_row_of_cell(params.labels.scales[k], task.image, cell), finest,
        [&](std::int32_t label, float difference) { slopes.add_row(half, matrix, classes, label, -difference); });
}

/// What every warp found of a cell, in order.
__device__ inline float sum_warps(const float (&parts)[WideExchange::kWarps][WideExchange::kCells], int cell) {
  float sum = parts[0][cell];
#pragma unroll
  for (int warp = 1; warp < WideExchange::kWarps; ++warp) sum += parts[warp][cell];
  return sum;
}

/// From h / w to the gradient over w: the softmax chain (math.md, eq. 11, 20).
template <class Logit, int kSquares>
__device__ void apply_chain(const WideLane<Logit, kSquares>& lane, WideSlopes<kSquares>& slopes,
                            WideGradientStorage<kSquares>& storage) {
  using Tile = WideTile<kSquares>;
  const int warp = static_cast<int>(threadIdx.x / 32);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float dot = 0;
#pragma unroll
    for (int j = 0; j < Tile::kPerLane; ++j) dot = fmaf(lane.s(half, j), slopes.h[half][j], dot);
    storage.dots[warp][lane_index() + 32 * half] = dot;
  }
  __syncthreads();  // every warp's part before they are joined
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int cell = lane_index() + 32 * half;
    const float dot = sum_warps(storage.dots, cell);
    float others = 0;
#pragma unroll
    for (int j = 0; j < Tile::kPerLane; ++j) {
      const float s = lane.s(half, j);
      slopes.h[half][j] = s * fmaf(-s, dot, slopes.h[half][j]);
      others += is_largest(s) ? 0 : slopes.h[half][j];
    }
    storage.others[warp][cell] = others;
  }
  __syncthreads();  // ... likewise
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int cell = lane_index() + 32 * half;
    const float others = sum_warps(storage.others, cell);
#pragma unroll
    for (int j = 0; j < Tile::kPerLane; ++j)
      if (is_largest(lane.s(half, j))) slopes.h[half][j] = -others;
  }
}

/// The gradients over w into the caller's tensor.
template <class Logit, int kSquares>
__device__ void store_gradient(const FusedGradientParams& params, const WideTask& task,
                               const WideSlopes<kSquares>& slopes, float* staged) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int cell = lane_index() + 32 * half;
    if (!task.is_present(cell)) continue;
    const CellGradient<Logit> gradient(params.out, task.image, task.cell(cell));
    const auto for_each_class = [&](const auto& store) {
#pragma unroll
      for (int j = 0; j < WideTile<kSquares>::kPerLane; ++j)
        if (slopes.class_of(j) < task.layout.classes) store(slopes.class_of(j), slopes.h[half][j]);
    };
    if (!is_staged(task.layout)) {
      gradient.store(for_each_class);
    } else {
      float* const mine = staged + cell * staged_pitch(static_cast<int>(task.layout.classes));
      for_each_class([&](int c, float dz) { mine[c] = gradient.value(dz); });
    }
  }
  if (!is_staged(task.layout)) return;
  __syncthreads();  // gradients before other threads store them
  store_staged<Logit, WideTile<kSquares>::kThreads>(params.out, task.image, task.first, task.cells(), staged);
}

/// One tile of 64 cells, from logits to their gradient.
template <class Logit, int kSquares>
__device__ void write_tile(const FusedGradientParams& params, const WideTask& task, int matrix_exponent,
                           WideGradientStorage<kSquares>& storage) {
  const bool has_cell = threadIdx.x < WideTile<kSquares>::kCells;
  WideLane<Logit, kSquares> lane;
  is_staged(task.layout) ? lane.load(task, storage.staged) : lane.load(task);
  task.prefetch_next<Logit>();
  lane.exponentiate(task, storage.exchange);
  __syncthreads();  // the warps' sums before they are joined
  WideCell<Logit> whole(task, has_cell ? static_cast<int>(threadIdx.x) : 0);
  if (has_cell) whole.join(storage.exchange);
  const bool has_mixed = __syncthreads_or(has_cell && whole.is_mixed());  // norms before they are read
  lane.normalise(storage.exchange);
  WideSlopes<kSquares> slopes;
  if (params.has_residual_matrix) {
    const int exponents[2] = {half_exponent(storage.exchange.square[lane_index()]),
                              half_exponent(storage.exchange.square[lane_index() + 32])};
    const float scale[2] = {task.weight(lane_index()) == 0 ? 0 : power_of_two(exponents[0]),
                            task.weight(lane_index() + 32) == 0 ? 0 : power_of_two(exponents[1])};
    lane.store(task, storage.exchange, scale, storage.rows);
    if (has_mixed) {
      __syncthreads();  // whole rows before their labelled classes
      if (has_cell && whole.is_mixed())
        whole.store(power_of_two(half_exponent(storage.exchange.square[threadIdx.x])), storage.rows);
    }
    __syncthreads();  // rows before they are multiplied
    multiply_residuals(storage);
    const float matrix_unscale = power_of_two(-matrix_exponent);
    slopes.add_residuals(storage,
                         {power_of_two(-exponents[0]) * matrix_unscale, power_of_two(-exponents[1]) * matrix_unscale});
  }
  add_labels(params, task, 0, slopes);
  add_labels(params, task, 1, slopes);
  apply_chain(lane, slopes, storage);
  store_gradient<Logit>(params, task, slopes, storage.staged);
}

/// wide_gradient_kernel.  Computes: the gradient of the logits of one split's cells from the logits and the group's
/// matrices (math.md, eq. 11, 16, 20, 21), E G on tensor cores, float32 accuracy.
/// Owns: the gradient of its cells.  Reads: their logits once.
/// Order: a cell's sums over classes by warp, then the warps.
/// Cost: 3 mma for each 16 cells x 16 classes x 8, six barriers a tile.
template <class Logit, int kSquares>
__global__ void __launch_bounds__(WideTile<kSquares>::kThreads, 1)
    wide_gradient_kernel(const FusedGradientParams params) {
  follow_earlier_kernels();
  extern __shared__ __align__(16) unsigned char memory[];
  auto& storage = *reinterpret_cast<WideGradientStorage<kSquares>*>(memory);
  WideTask task = wide_task(params.logits, params.out.layout, params.labels.scales[0], params.out.weights);
  int exponent = 0;
  if (params.has_residual_matrix)
    exponent = load_matrix<WideTile<kSquares>::kThreads>(params.residual_matrix.of_image(task.image),
                                                         params.out.layout.classes, storage.leading, storage.remainder,
                                                         storage.largest);
  for (; task.first < task.end; task.first += WideTile<kSquares>::kCells)
    write_tile<Logit>(params, task, exponent, storage);
}

}  // namespace arloss::kernels

#endif

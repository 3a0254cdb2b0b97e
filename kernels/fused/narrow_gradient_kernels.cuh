#ifndef ARLOSS_KERNELS_NARROW_GRADIENT_KERNELS_CUH
#define ARLOSS_KERNELS_NARROW_GRADIENT_KERNELS_CUH

#include "kernels/fused/fused_matrix.cuh"
#include "kernels/fused/fused_params.h"
#include "kernels/fused/narrow_row.cuh"
#include "kernels/gradient/cell_gradient.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

/// What a thread block keeps in shared memory: the group's matrices, and per warp its tile's rows of E, then of E G.
template <int kOctets>
struct NarrowGradientStorage {
  using Tile = NarrowTile<kOctets>;
  static constexpr int kPitch = odd_pitch(2 * Tile::kPanels);
  static constexpr int kMatrixRows = 16 * Tile::kPanels;
  static constexpr int kSlopePitch = Tile::kClasses + 4;  // floats: rows are 16 bytes apart, mod 128 each another 16

  struct Rows {
    HalfPiece leading[Tile::kCells][kPitch], remainder[Tile::kCells][kPitch];
  };
  union Exchange {
    Rows rows;
    alignas(16) float slopes[Tile::kCells][kSlopePitch];
    float staged[staged_floats(Tile::kCells, Tile::kClasses)];  // logits, then their gradient
  };
  Exchange warps[Tile::kWarps];
  HalfPiece leading[kMatrixRows][kPitch], remainder[kMatrixRows][kPitch];  // G', times 2^exponent
  float label_matrix[Tile::kClasses][Tile::kClasses | 1];                  // M
  std::uint32_t largest[Tile::kWarps];
};

/// M of the image's group into shared memory, zero past the last class.
template <int kOctets>
__device__ void load_label_matrix(const FusedGradientParams& params, std::int64_t image,
                                  NarrowGradientStorage<kOctets>& storage) {
  using Tile = NarrowTile<kOctets>;
  const auto classes = static_cast<unsigned>(params.out.layout.classes);
  const float* const matrix = params.label_matrix.of_image(image);
  for (unsigned index = threadIdx.x; index < classes * Tile::kClasses; index += Tile::kThreads) {
    const unsigned c = index / Tile::kClasses, d = index % Tile::kClasses;
    storage.label_matrix[c][d] = d < classes ? matrix[c * classes + d] : 0;
  }
}

/// The last panel's second piece, which has no class where kOctets is odd: 0 x NaN would be NaN.
template <class Rows>
__device__ void clear_last_piece(Rows& rows, int piece) {
  rows.leading[lane_index()][piece] = HalfPiece{};
  rows.remainder[lane_index()][piece] = HalfPiece{};
}

/// slopes = E G of the warp's 32 cells, both scaled; in place of the rows of E.
template <int kOctets>
__device__ void multiply_residuals(const NarrowGradientStorage<kOctets>& storage,
                                   typename NarrowGradientStorage<kOctets>::Exchange& exchange) {
  constexpr int kPanels = NarrowTile<kOctets>::kPanels;
  float products[2][kOctets][4] = {};
#pragma unroll
  for (int k = 0; k < kPanels; ++k) {
    std::uint32_t leading[2][4], remainder[2][4];
#pragma unroll
    for (int m = 0; m < 2; ++m) {
      load_rows(exchange.rows.leading + 16 * m, 2 * k, leading[m]);
      load_rows(exchange.rows.remainder + 16 * m, 2 * k, remainder[m]);
    }
#pragma unroll
    for (int panel = 0; panel < kPanels; ++panel) {
      std::uint32_t leading_columns[2][2], remainder_columns[2][2];
      load_matrix_columns(storage.leading + 16 * panel, 2 * k, leading_columns);
      load_matrix_columns(storage.remainder + 16 * panel, 2 * k, remainder_columns);
#pragma unroll
      for (int m = 0; m < 2; ++m)
#pragma unroll
        for (int o = 0; o < 2; ++o) {
          if (2 * panel + o >= kOctets) continue;
          float(&product)[4] = products[m][2 * panel + o];
          ptx::mma_m16n8k16(product, remainder[m], leading_columns[o]);
          ptx::mma_m16n8k16(product, leading[m], remainder_columns[o]);
          ptx::mma_m16n8k16(product, leading[m], leading_columns[o]);
        }
    }
  }
  __syncwarp();  // rows are read before slopes take their place
#pragma unroll
  for (int m = 0; m < 2; ++m)
#pragma unroll
    for (int n = 0; n < kOctets; ++n)
#pragma unroll
      for (int e = 0; e < 4; ++e)
        exchange.slopes[16 * m + product_row(e)][8 * n + product_column(e)] = products[m][n][e];
}

/// h / w of the lane's cell. Matrices are C x C; what is past the last class comes to nothing.
template <int kOctets>
class NarrowSlopes {
  static constexpr int kClasses = NarrowTile<kOctets>::kClasses;

 public:
  float h[kClasses] = {};

  /// += the lane's row of E G, which lies in shared memory times 1 / unscale.
  __device__ void add_residuals(const float* slopes, float unscale) {
#pragma unroll
    for (int c = 0; c < kClasses; c += 4) {
      const float4 four = *reinterpret_cast<const float4*>(slopes + c);
      h[c] = four.x * unscale;
      h[c + 1] = four.y * unscale;
      h[c + 2] = four.z * unscale;
      h[c + 3] = four.w * unscale;
    }
  }

  /// += u^1 M.
  __device__ void add_labels(const LabelRow& finest, const NarrowGradientStorage<kOctets>& storage) {
#pragma unroll 1
    for (int index = 0; index < finest.size(); ++index) {
      const float* const row = storage.label_matrix[finest.label(index)];
      const float u = finest.u<float>(index);
#pragma unroll
      for (int c = 0; c < kClasses; ++c) h[c] = fmaf(u, row[c], h[c]);
    }
  }

  /// -= (u^k - u^1) K.
  __device__ void subtract_difference(const LabelRow& coarser, const LabelRow& finest, const float* matrix,
                                      int classes) {
    for_each_difference<float>(coarser, finest, [&](std::int32_t label, float difference) {
#pragma unroll
      for (int c = 0; c < kClasses; ++c)
        if (c < classes) h[c] = fmaf(-difference, matrix[label * classes + c], h[c]);
    });
  }
};

/// From h / w to the gradient over w: the softmax chain (math.md, eq. 11, 20).
template <class Logit, int kOctets>
__device__ void apply_chain(const NarrowRow<Logit, kOctets>& row, float (&h)[NarrowTile<kOctets>::kClasses]) {
  constexpr int kClasses = NarrowTile<kOctets>::kClasses;
  float dot = 0, others = 0;
#pragma unroll
  for (int c = 0; c < kClasses; ++c) dot = fmaf(row.s(c), h[c], dot);
#pragma unroll
  for (int c = 0; c < kClasses; ++c) {
    h[c] = row.s(c) * fmaf(-row.s(c), dot, h[c]);
    others += is_largest(row.s(c)) ? 0 : h[c];
  }
#pragma unroll
  for (int c = 0; c < kClasses; ++c)
    if (is_largest(row.s(c))) h[c] = -others;
}

/// One tile of 32 cells, from logits to their gradient.
template <class Logit, int kOctets>
__device__ void write_tile(const FusedGradientParams& params, const NarrowTask& task, int matrix_exponent,
                           NarrowGradientStorage<kOctets>& storage) {
  using Tile = NarrowTile<kOctets>;
  auto& exchange = storage.warps[threadIdx.x / 32];
  const LogitLayout& layout = params.out.layout;
  const auto classes = static_cast<int>(layout.classes);
  const std::int64_t cell = task.cell();
  const float* const staged = stage_tile<Logit>(params.logits, layout, task, exchange.staged);
  const LabelRow finest(params.labels.scales[0], block_of_cell(params.labels.scales[0], task.image, cell));
  const CellLogits<Logit> logits(params.logits, layout, task.image, cell);
  const bool is_live = task.is_present() && params.out.weights[task.image * layout.cells + cell] != 0;
  const NarrowRow<Logit, kOctets> row(finest, logits, staged, classes, is_live);
  prefetch_next<Logit, kOctets>(params.logits, layout, task);
  NarrowSlopes<kOctets> slopes;
  __syncwarp();  // logits, or slopes of the tile before, are read before rows take their place
  if (params.has_residual_matrix) {
    const int exponent = half_exponent(row.square());
    row.store(power_of_two(exponent), exchange.rows.leading, exchange.rows.remainder);
    if (kOctets % 2 != 0) clear_last_piece(exchange.rows, kOctets);
    __syncwarp();  // rows before other lanes read them
    multiply_residuals(storage, exchange);
    __syncwarp();  // slopes before their lane reads them
    slopes.add_residuals(exchange.slopes[lane_index()], power_of_two(-exponent) * power_of_two(-matrix_exponent));
  }
  slopes.add_labels(finest, storage);
  const float* matrix = params.difference_matrices.of_image(task.image);
  for (int k = 1; k < params.labels.count; ++k, matrix += classes * classes)
    slopes.subtract_difference(label_row_of_cell(params.labels.scales[k], task.image, cell), finest, matrix, classes);
  apply_chain(row, slopes.h);

  const CellGradient<Logit> gradient(params.out, task.image, cell);
  const auto for_each_class = [&](const auto& store) {
#pragma unroll
    for (int c = 0; c < Tile::kClasses; ++c)
      if (c < Tile::kCertain || c < classes) store(c, slopes.h[c]);
  };
  if (!is_staged(layout)) {
    if (task.is_present()) gradient.store(for_each_class);
    return;
  }
  __syncwarp();  // slopes are read before gradients take their place
  float* const mine = exchange.staged + lane_index() * staged_pitch(classes);
  for_each_class([&](int c, float dz) { mine[c] = gradient.value(dz); });
  __syncwarp();  // gradients before other lanes store them
  store_staged<Logit, 32>(params.out, task.image, task.first, task.cells(), exchange.staged);
}

/// narrow_gradient_kernel.  Computes: the gradient of the logits of one split's cells from the logits and the group's
/// matrices (math.md, eq. 11, 16, 20, 21), a lane per cell, E G on tensor cores, float32 accuracy.
/// Owns: the gradient of its cells.  Reads: their logits once.
/// Cost: 3 mma for each 16 cells x 16 classes x 8; 23 instructions a logit.
template <class Logit, int kOctets>
__global__ void __launch_bounds__(NarrowTile<kOctets>::kThreads, NarrowTile<kOctets>::kResidentBlocks)
    narrow_gradient_kernel(const FusedGradientParams params) {
  follow_earlier_kernels();
  extern __shared__ __align__(16) unsigned char memory[];
  auto& storage = *reinterpret_cast<NarrowGradientStorage<kOctets>*>(memory);
  NarrowTask task = narrow_task(params.out.layout);
  load_label_matrix(params, task.image, storage);
  __syncthreads();  // M before the tiles
  int exponent = 0;
  if (params.has_residual_matrix)
    exponent = load_matrix<NarrowTile<kOctets>::kThreads>(params.residual_matrix.of_image(task.image),
                                                          params.out.layout.classes, storage.leading, storage.remainder,
                                                          storage.largest);
  for (; task.first < task.end; task.first += NarrowTile<kOctets>::kThreads)
    write_tile<Logit>(params, task, exponent, storage);
}

}  // namespace arloss::kernels

#endif

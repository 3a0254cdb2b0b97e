#ifndef ARLOSS_KERNELS_WIDE_ROWS_CUH
#define ARLOSS_KERNELS_WIDE_ROWS_CUH

#include "kernels/embed/mixed_residuals.cuh"
#include "kernels/fused/fused_cells.cuh"
#include "kernels/fused/wide_tile.h"
#include "kernels/ptx/approximate.cuh"
#include "kernels/tile/half_rows.cuh"
#include "kernels/tile/softmax.cuh"

namespace arloss::kernels {

/// What the warps of a block tell each other about the cells of a tile.
struct WideExchange {
  static constexpr int kCells = 64, kWarps = 8;
  float largest[kWarps][kCells], labelled[kWarps][kCells], unlabelled[kWarps][kCells];
  // Of all classes:
  float maximum[kCells];  // largest logit
  float inverse[kCells];  // 1 / sqrt(sum of exp(z - maximum))
  float pure[kCells];     // E of the label of a cell of one class
  float square[kCells];   // |E|^2; 0 for a cell without weight
};

/// The tile of a thread block, in its image.
struct WideTask {
  const void* logits;
  LogitLayout layout;
  LabelScale labels;  // finest
  const float* weights;
  std::int64_t image;
  std::int64_t first, end;  // cells: of the tile, of the block

  /// Of the tile that are there.
  __device__ int cells() const { return static_cast<int>(min(end - first, std::int64_t{WideExchange::kCells})); }
  __device__ bool is_present(int cell) const { return first + cell < end; }
  /// Within the image; a cell that is not present is the last that is.
  __device__ std::int64_t cell(int cell) const { return is_present(cell) ? first + cell : end - 1; }
  __device__ float weight(int cell) const {
    return is_present(cell) ? weights[image * layout.cells + first + cell] : 0;
  }
  __device__ LabelRow label_row(int tile_cell) const {
    return LabelRow(labels, block_of_cell(labels, image, cell(tile_cell)));
  }
  template <class Logit>
  __device__ void prefetch_next() const {
    prefetch_tile<Logit, WideExchange::kCells, 32 * WideExchange::kWarps>(logits, layout, image,
                                                                          first + WideExchange::kCells, end);
  }
  template <class Logit>
  __device__ CellLogits<Logit> cell_logits(int tile_cell) const {
    return CellLogits<Logit>(logits, layout, image, cell(tile_cell));
  }
};

__device__ inline WideTask wide_task(const void* logits, const LogitLayout& layout, const LabelScale& labels,
                                     const float* weights) {
  const BlockCells block = block_cells(wide_splits(layout.batch, layout.cells));
  return {logits, layout, labels, weights, block.image, block.first, block.end};
}

template <int kSquares>
__device__ void store_residual(WideRows<kSquares>& rows, std::int32_t label, int cell, float value) {
  half_at(rows.leading, label, position_of_cell(cell)) = __float2half_rn(value);
  half_at(rows.remainder, label, position_of_cell(cell)) = __float2half_rn(remainder_of(value));
}

/// log2 of exp((z - reference) / 2).
__device__ inline float log2_half_exponential(float z, float reference) { return (z - reference) * kHalfLog2E; }

/// A lane's part of the tile: two cells, every eighth class. First the logits, then exp((z - the warp's largest) / 2),
/// then s.
template <class Logit, int kSquares>
class WideLane {
  using Tile = WideTile<kSquares>;

 public:
  /// The logits of a tile. Cells without weight count as logits of 0.
  __device__ void load(const WideTask& task) {
#pragma unroll
    for (int half = 0; half < 2; ++half) load(task, half, task.cell_logits<Logit>(lane_index() + 32 * half));
  }
  /// The same, of a layout that asks for it, through shared memory.
  __device__ void load(const WideTask& task, float* staged) {
    const auto classes = static_cast<int>(task.layout.classes);
    __syncthreads();  // what was there is no longer needed
    stage_logits<Logit, Tile::kThreads>(task.logits, task.layout, task.image, task.first, task.cells(), staged);
    __syncthreads();  // logits before the lanes of their cells read them
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int cell = lane_index() + 32 * half;
      load(task, half, staged + (task.is_present(cell) ? cell : 0) * staged_pitch(classes));
    }
  }

  /// Exponentials against the warp's own largest logit, and their sums, into the exchange.
  __device__ void exponentiate(const WideTask& task, WideExchange& exchange) {
    const int warp = static_cast<int>(threadIdx.x / 32);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int cell = lane_index() + 32 * half;
      const std::uint32_t set = label_set(task.label_row(cell));
      float largest = value_[half][0];
#pragma unroll
      for (int j = 1; j < Tile::kPerLane; ++j) largest = fmaxf(largest, value_[half][j]);
      const float reference = largest == -INFINITY ? 0 : largest;
      float labelled = 0, unlabelled = 0;
#pragma unroll
      for (int j = 0; j < Tile::kPerLane; ++j) {
        const float e = ptx::exp2(log2_half_exponential(value_[half][j], reference));
        (set >> j & 1 ? labelled : unlabelled) += e * e;
        value_[half][j] = e;
      }
      exchange.largest[warp][cell] = largest;
      exchange.labelled[warp][cell] = labelled;
      exchange.unlabelled[warp][cell] = unlabelled;
    }
  }

  /// From exponentials to s, once the exchange holds the norms.
  __device__ void normalise(const WideExchange& exchange) {
    const int warp = static_cast<int>(threadIdx.x / 32);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int cell = lane_index() + 32 * half;
      const float largest = exchange.largest[warp][cell];
      const float factor = largest == -INFINITY ? 0
                                                : ptx::exp2(log2_half_exponential(largest, exchange.maximum[cell])) *
                                                      exchange.inverse[cell];
#pragma unroll
      for (int j = 0; j < Tile::kPerLane; ++j) value_[half][j] *= factor;
    }
  }

  __device__ float s(int half, int j) const { return value_[half][j]; }

  /// E times the scale of each cell into the block's rows; of a cell of several labels theirs are still to come.
  __device__ void store(const WideTask& task, const WideExchange& exchange, const float (&scale)[2],
                        WideRows<kSquares>& rows) const {
    const int warp = static_cast<int>(threadIdx.x / 32), lane = lane_index();
#pragma unroll
    for (int j = 0; j < Tile::kPerLane; ++j) {
      const int c = Tile::kWarps * j + warp;
      const float a = value_[0][j] * scale[0], b = value_[1][j] * scale[1];
      const __half2 leading = __floats2half2_rn(a, b);
      const float2 back = __half22float2(leading);
      reinterpret_cast<std::uint32_t*>(rows.leading[c])[lane] = bits_of(leading);
      reinterpret_cast<std::uint32_t*>(rows.remainder[c])[lane] = bits_of(__floats2half2_rn(a - back.x, b - back.y));
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int cell = lane + 32 * half;
      const LabelRow row = task.label_row(cell);
      if (row.is_pure() && row.code() % Tile::kWarps == warp && scale[half] != 0)
        store_residual(rows, row.code(), cell, exchange.pure[cell] * scale[half]);
    }
  }

 private:
  template <class Logits>
  __device__ void load(const WideTask& task, int half, const Logits& logits) {
    const bool is_live = task.weight(lane_index() + 32 * half) != 0;
#pragma unroll
    for (int j = 0; j < Tile::kPerLane; ++j) {
      const int c = Tile::kWarps * j + static_cast<int>(threadIdx.x / 32);
      value_[half][j] = c >= task.layout.classes ? -INFINITY : is_live ? logits[c] : 0;
    }
  }

  /// Bit j: the cell is labelled with the lane's class j.
  __device__ static std::uint32_t label_set(const LabelRow& row) {
    const auto warp = static_cast<std::int32_t>(threadIdx.x / 32);
    std::uint32_t set = 0;
#pragma unroll 1
    for (int index = 0; index < row.size(); ++index)
      if (row.label(index) % Tile::kWarps == warp) set |= 1u << (row.label(index) / Tile::kWarps);
    return set;
  }

  float value_[2][Tile::kPerLane];
};

/// One cell of the tile, seen whole: threads 0 to 63, a cell each, join what the warps found.
template <class Logit>
class WideCell {
 public:
  __device__ WideCell(const WideTask& task, int cell)
      : cell_(cell), weight_(task.weight(cell)), row_(task.label_row(cell)), logits_(task.cell_logits<Logit>(cell)) {}

  __device__ bool is_live() const { return weight_ != 0; }
  __device__ bool is_mixed() const { return is_live() && !row_.is_pure(); }
  __device__ float weight() const { return weight_; }

  /// Norm, E of a single label and |E|^2 into the exchange (math.md, eq. 17, 18).
  __device__ void join(WideExchange& exchange) {
    float maximum = exchange.largest[0][cell_];
#pragma unroll
    for (int warp = 1; warp < WideExchange::kWarps; ++warp) maximum = fmaxf(maximum, exchange.largest[warp][cell_]);
    float labelled = 0, unlabelled = 0;
#pragma unroll
    for (int warp = 0; warp < WideExchange::kWarps; ++warp) {
      const float largest = exchange.largest[warp][cell_];
      const float factor = largest == -INFINITY ? 0 : ptx::exp2(2 * log2_half_exponential(largest, maximum));
      labelled += exchange.labelled[warp][cell_] * factor;
      unlabelled += exchange.unlabelled[warp][cell_] * factor;
    }
    const float inverse = ptx::inverse_sqrt(labelled + unlabelled), delta = unlabelled * inverse * inverse;
    float square = delta;
    exchange.maximum[cell_] = maximum;
    exchange.inverse[cell_] = inverse;
    if (is_mixed()) {
      mixed_.normalise(row_, logits_, unlabelled, maximum);
      mixed_.for_each_residual(row_, logits_, [&](std::int32_t, float residual) { square += residual * residual; });
    } else {
      const float pure = pure_residual(delta, ptx::sqrt(labelled) * inverse);
      exchange.pure[cell_] = pure;
      square += pure * pure;
    }
    exchange.square[cell_] = is_live() ? square : 0;
  }

  /// E of the labels of a cell of several into the rows, after `join`.
  template <int kSquares>
  __device__ void store(float scale, WideRows<kSquares>& rows) const {
    mixed_.for_each_residual(row_, logits_, [&](std::int32_t label, float residual) {
      store_residual(rows, label, cell_, residual * scale);
    });
  }

 private:
  int cell_;
  float weight_;
  LabelRow row_;
  CellLogits<Logit> logits_;
  MixedResiduals mixed_;
};

}  // namespace arloss::kernels

#endif

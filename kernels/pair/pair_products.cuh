#ifndef ARLOSS_KERNELS_PAIR_PRODUCTS_CUH
#define ARLOSS_KERNELS_PAIR_PRODUCTS_CUH

#include "kernels/pair/pair_shape.cuh"
#include "kernels/pair/pair_stages.cuh"
#include "kernels/tile/half_rows.cuh"

/// A - B of a warp's rows with a chunk of columns, by tensor cores.
namespace arloss::kernels {

/// A chunk of a column tile: where the lane's ldmatrix rows begin, and the lane's columns' weights.
template <class Shape>
struct PairChunk {
  const HalfPiece *left, *columns, *transposed;
  const float* weights;
  const __half2* look_up;
  int pitch;

  __device__ PairChunk(const PairShared& shared, int stage, int first_column) : pitch(shared.pitch()) {
    const int lane = lane_index();
    left = shared.left() + (row_of_warp<Shape>() + lane % 16) * pitch + lane / 16;
    columns = shared.right(stage) + (first_column + lane % 8 + lane / 16 * 8) * pitch + lane / 8 % 2;
    transposed = shared.right(stage) + (first_column + lane % 16) * pitch + lane / 16;
    weights = shared.weights(stage) + first_column + product_column(0);
    look_up = reinterpret_cast<const __half2*>(shared.look_up(stage)) + first_column / 2;
  }
};

/// The classes of the warp's rows in a look-up table, rows without one as class 0: where the lane's columns begin.
template <class Shape>
struct PairLabels {
  int first_pair[Shape::kRowTiles][2];

  __device__ PairLabels(const PairParams& params, const PairBlock& block) {
#pragma unroll
    for (int m = 0; m < Shape::kRowTiles; ++m)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const std::int64_t row = row_of_lane<Shape>(block, m, half);
        const bool has_class = Shape::kLooksUp && row < block.rows;
        const std::int32_t code = has_class ? params.codes[block.first_row_of_group + row] : 0;
        first_pair[m][half] = max(code, 0) * kLookUpPitch * 4 + product_column(0) / 2;
      }
  }
};

/// products = <u_i, E_j>, in the unit of products of two rows.
template <class Shape>
__device__ void look_labels_up(const PairChunk<Shape>& chunk, const PairLabels<Shape>& labels,
                               PairRegisters<Shape>& products) {
  constexpr float kLabelScale = 1 << kPairExponent;
#pragma unroll
  for (int m = 0; m < Shape::kRowTiles; ++m)
#pragma unroll
    for (int half = 0; half < 2; ++half)
#pragma unroll
      for (int n = 0; n < Shape::kColumnTiles; ++n) {
        const float2 pair = __half22float2(chunk.look_up[labels.first_pair[m][half] + 4 * n]);
        products.values[m][n][2 * half] = kLabelScale * pair.x;
        products.values[m][n][2 * half + 1] = kLabelScale * pair.y;
      }
}

/// 16 numbers of the warp's rows, as A operands.
template <class Shape>
struct PairLeft {
  std::uint32_t values[Shape::kRowTiles][4];

  __device__ void load(const HalfPiece* left, int pitch, int step) {
#pragma unroll
    for (int m = 0; m < Shape::kRowTiles; ++m) ptx::ldmatrix_x4(values[m], left + m * 16 * pitch + 2 * step);
  }
};

/// The warp's rows where they fit registers.
template <class Shape>
struct PairStrip {
  PairLeft<Shape> steps[Shape::kHoldsStrip ? Shape::kSteps : 1];

  __device__ void load(const PairChunk<Shape>& chunk) {
#pragma unroll
    for (int step = 0; step < Shape::kSteps; ++step) steps[step].load(chunk.left, chunk.pitch, step);
  }
};

/// products += left rows x right rows over 16 numbers.
template <class Shape>
__device__ void multiply_step(const PairChunk<Shape>& chunk, const PairLeft<Shape>& left, int step,
                              PairRegisters<Shape>& products) {
#pragma unroll
  for (int n = 0; n < Shape::kColumnTiles; n += 2) {
    std::uint32_t right[4];
    ptx::ldmatrix_x4(right, chunk.columns + n * 8 * chunk.pitch + 2 * step);
#pragma unroll
    for (int m = 0; m < Shape::kRowTiles; ++m) {
      ptx::mma_m16n8k16(products.values[m][n], left.values[m], {right[0], right[1]});
      ptx::mma_m16n8k16(products.values[m][n + 1], left.values[m], {right[2], right[3]});
    }
  }
}

/// ... over steps [first, last).
template <class Shape>
__device__ void multiply_rows(const PairChunk<Shape>& chunk, int first, int last, PairRegisters<Shape>& products) {
#pragma unroll 1
  for (int step = first; step < last; ++step) {
    PairLeft<Shape> left;
    left.load(chunk.left, chunk.pitch, step);
    multiply_step(chunk, left, step, products);
  }
}

/// ... over all steps of a row of a known number of them.
template <class Shape>
__device__ void multiply_rows(const PairChunk<Shape>& chunk, const PairStrip<Shape>& strip,
                              PairRegisters<Shape>& products) {
#pragma unroll
  for (int step = 0; step < Shape::kSteps; ++step) {
    PairLeft<Shape> left;
    if (!Shape::kHoldsStrip) left.load(chunk.left, chunk.pitch, step);
    multiply_step(chunk, Shape::kHoldsStrip ? strip.steps[Shape::kHoldsStrip ? step : 0] : left, step, products);
  }
}

/// Pairs of a row with itself have A = B, and neither loss nor gradient: a product that rounding leaves there would be
/// all the gradient that rows of ties and of ones have.
template <class Shape>
__device__ void clear_diagonal(int first_column, PairRegisters<Shape>& products) {
  const int offset = first_column + product_column(0) - (row_of_warp<Shape>() + product_row(0));
  products.for_each([&](float& product, int m, int n, int e) {
    if (offset + 8 * n + e % 2 == 16 * m + e / 2 * 8) product = 0;
  });
}

}  // namespace arloss::kernels

#endif

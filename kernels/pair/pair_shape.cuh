#ifndef ARLOSS_KERNELS_PAIR_SHAPE_CUH
#define ARLOSS_KERNELS_PAIR_SHAPE_CUH

#include "kernels/pair/pair_blocks.cuh"
#include "kernels/tile/fragments.cuh"

namespace arloss::kernels {

/// What a thread block of the pair kernel takes on, and a warp of it holds in registers.
template <int kItsWarps, int kItsRowTiles, int kItsColumnTiles, int kItsOctets, bool kItIsExact, int kItsSteps,
          bool kItLooksUp = false>
struct PairShape {
  static constexpr int kThreads = 32 * kItsWarps;
  static constexpr int kRowTiles = kItsRowTiles;        // of 16 rows
  static constexpr int kColumnTiles = kItsColumnTiles;  // of 8 columns
  static constexpr int kColumns = 8 * kColumnTiles;
  static constexpr int kOctets = kItsOctets;    // of classes that slopes are summed for; 0: loss alone
  static constexpr bool kIsExact = kItIsExact;  // slopes and s as two halves each
  /// Steps of 16 numbers in a row that is one segment; 0: any row.
  static constexpr int kSteps = kItsSteps;
  static constexpr bool kLooksUp = kItLooksUp;                  // <u_i, E_j> in a table, u_i being one class
  static constexpr bool kHoldsStrip = kSteps > 0 && !kIsExact;  // its rows fit registers
  static constexpr int kStripRows = 16 * kItsWarps * kRowTiles;
  /// On a multiprocessor, at least: what registers allow.
  static constexpr int kResidentBlocks = kItsWarps > 4 ? 1 : kSteps > 0 && kOctets <= 3 ? 3 : 2;
};

/// The warp's first row of the strip.
template <class Shape>
__device__ int row_of_warp() {
  return static_cast<int>(threadIdx.x) / 32 * 16 * Shape::kRowTiles;
}
/// The row of the group that a lane has in half `half` of a row tile.
template <class Shape>
__device__ std::int64_t row_of_lane(const PairBlock& block, int m, int half) {
  return block.first_row + row_of_warp<Shape>() + 16 * m + product_row(2 * half);
}

/// 16 kRowTiles rows x a chunk of columns, in C-fragment order.
template <class Shape>
struct PairRegisters {
  float values[Shape::kRowTiles][Shape::kColumnTiles][4];

  __device__ void clear() {
    for_each([](float& value, int, int, int) { value = 0; });
  }
  /// body(value, row tile, column tile, element)
  template <class Body>
  __device__ void for_each(const Body& body) {
#pragma unroll
    for (int m = 0; m < Shape::kRowTiles; ++m)
#pragma unroll
      for (int n = 0; n < Shape::kColumnTiles; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e) body(values[m][n][e], m, n, e);
  }
};

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_TILE_FRAGMENTS_CUH
#define ARLOSS_KERNELS_TILE_FRAGMENTS_CUH

#include <cuda_fp16.h>

#include <cstdint>

#include "kernels/ptx/ldmatrix.cuh"
#include "kernels/ptx/mma.cuh"
#include "kernels/tile/pair_tile.h"

/// Operands and results of mma.m16n8k16 as a warp's lanes hold them. Tiles in shared memory are [rows][kPitch] pieces
/// of 8 halves.
namespace arloss::kernels {

/// Pieces from one row of a tile to the next. Odd, so that ldmatrix meets every bank once in 8 rows.
inline constexpr int kPitch = PairRow::kTilePieces + 1;

__device__ inline int lane_index() { return static_cast<int>(threadIdx.x % 32); }

/// Values in two halves each. `lowered` is the leading part over kLift, the partner of a residual's remainder.
struct FactorRows {
  std::uint32_t leading[4], lowered[4], remainder[4];  // 16 rows x 16 classes, A-fragment order
};
struct ResidualRows {
  std::uint32_t leading[4], remainder[4];
};
struct FactorColumns {
  std::uint32_t leading[2], lowered[2], remainder[2];  // 16 classes x 8 columns, B-fragment order
};
struct ResidualColumns {
  std::uint32_t leading[2], remainder[2];
};

/// Two halves over kLift: exact down to 2^-18 of 1, and below that too small to matter.
__device__ inline std::uint32_t lower(std::uint32_t halves) {
  union {
    std::uint32_t bits;
    __half2 values;
  } pair{halves};
  pair.values = __hmul2(pair.values, __float2half2_rn(1 / PairRow::kLift));
  return pair.bits;
}

/// 16 rows x 16 halves from `rows`, the first of them, at piece `piece`.
template <int kAnyPitch>
__device__ void load_rows(const HalfPiece (*rows)[kAnyPitch], int piece, std::uint32_t (&fragment)[4]) {
  ptx::ldmatrix_x4(fragment, &rows[lane_index() % 16][piece + lane_index() / 16]);
}
__device__ inline FactorRows load_factor_rows(const HalfPiece (*rows)[kPitch], int piece) {
  FactorRows fragment;
  load_rows(rows, piece, fragment.leading);
  load_rows(rows, piece + 2, fragment.remainder);
#pragma unroll
  for (int k = 0; k < 4; ++k) fragment.lowered[k] = lower(fragment.leading[k]);
  return fragment;
}
__device__ inline ResidualRows load_residual_rows(const HalfPiece (*rows)[kPitch], int piece) {
  ResidualRows fragment;
  load_rows(rows, piece, fragment.leading);
  load_rows(rows, piece + 2, fragment.remainder);
  return fragment;
}

/// 8 columns x (16 leading halves, 16 of the remainder) from `columns`, the first of them: four matrices at once.
__device__ inline ResidualColumns load_residual_columns(const HalfPiece (*columns)[kPitch], int piece) {
  std::uint32_t parts[4];
  ptx::ldmatrix_x4(parts, &columns[lane_index() % 8][piece + lane_index() / 8]);
  return {{parts[0], parts[1]}, {parts[2], parts[3]}};
}
__device__ inline FactorColumns load_factor_columns(const HalfPiece (*columns)[kPitch], int piece) {
  const ResidualColumns parts = load_residual_columns(columns, piece);
  return {{parts.leading[0], parts.leading[1]},
          {lower(parts.leading[0]), lower(parts.leading[1])},
          {parts.remainder[0], parts.remainder[1]}};
}

/// product += rows x columns to float32 accuracy: of the four products of parts the one of two remainders, 2^-22 of the
/// whole, is left out.
__device__ inline void multiply(float (&product)[4], const FactorRows& rows, const ResidualColumns& columns) {
  ptx::mma_m16n8k16(product, rows.remainder, columns.leading);
  ptx::mma_m16n8k16(product, rows.lowered, columns.remainder);
  ptx::mma_m16n8k16(product, rows.leading, columns.leading);
}
__device__ inline void multiply(float (&product)[4], const ResidualRows& rows, const FactorColumns& columns) {
  ptx::mma_m16n8k16(product, rows.leading, columns.remainder);
  ptx::mma_m16n8k16(product, rows.remainder, columns.lowered);
  ptx::mma_m16n8k16(product, rows.leading, columns.leading);
}

/// Row and column of element e of a lane's 16 x 8 product.
__device__ inline int product_row(int e) { return lane_index() / 4 + e / 2 * 8; }
__device__ inline int product_column(int e) { return lane_index() % 4 * 2 + e % 2; }

}  // namespace arloss::kernels

#endif

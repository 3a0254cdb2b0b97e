#ifndef ARLOSS_KERNELS_TILE_HALF_ROWS_CUH
#define ARLOSS_KERNELS_TILE_HALF_ROWS_CUH

#include <cuda_fp16.h>

#include <cstdint>

#include "kernels/ptx/ldmatrix.cuh"
#include "kernels/tile/fragments.cuh"
#include "kernels/tile/half_piece.h"

/// Rows of halves in shared memory, one per cell, classes contiguous, and the mma operands they hold. A float is two
/// halves: the leading one and the remainder, 22 bits together while neither is subnormal.
namespace arloss::kernels {

/// The exponent k of a power of two that takes values to at most 2^15 in magnitude, where halves have their digits;
/// `square` is the square of a bound on them. NaN gives some k.
__device__ inline int half_exponent(float square) {
  constexpr int kMost = 60;                                              // 2^(2 k) is a float
  const int k = 15 - (((__float_as_int(square) >> 23) - 127 + 2) >> 1);  // sqrt(square) < 2^(15 - k)
  return k < kMost ? k : kMost;
}
__device__ inline float power_of_two(int exponent) { return __int_as_float((exponent + 127) << 23); }

/// Where rows of `pieces` pieces lie without bank conflicts: an odd number of pieces apart.
constexpr int odd_pitch(int pieces) { return pieces | 1; }

/// The remainder of a float against its leading half.
__device__ inline float remainder_of(float value) { return value - __half2float(__float2half_rn(value)); }

__device__ inline std::uint32_t bits_of(__half2 values) {
  union {
    __half2 values;
    std::uint32_t bits;
  } pair{values};
  return pair.bits;
}

/// Eight floats as a piece of leading halves and one of remainders.
__device__ inline void split_piece(const float (&values)[8], HalfPiece& leading, HalfPiece& remainder) {
#pragma unroll
  for (int pair = 0; pair < 4; ++pair) {
    const float a = values[2 * pair], b = values[2 * pair + 1];
    const __half2 high = __floats2half2_rn(a, b);
    const float2 back = __half22float2(high);
    leading.pairs[pair] = bits_of(high);
    remainder.pairs[pair] = bits_of(__floats2half2_rn(a - back.x, b - back.y));
  }
}

/// One half of a row.
template <int kPitch>
__device__ __half& half_at(HalfPiece (*rows)[kPitch], int row, int c) {
  return reinterpret_cast<__half*>(rows[row])[c];
}

/// Transposed, 16 cells from `rows` on are the columns of an A operand of 16 classes, from piece `piece`.
template <int kPitch>
__device__ void load_class_rows(const HalfPiece (*rows)[kPitch], int piece, std::uint32_t (&fragment)[4]) {
  const int lane = lane_index();
  ptx::ldmatrix_x4_trans(fragment, &rows[lane % 8 + lane / 16 * 8][piece + lane / 8 % 2]);
}

/// ... and the rows of the two B operands of 8 classes each.
template <int kPitch>
__device__ void load_class_columns(const HalfPiece (*rows)[kPitch], int piece, std::uint32_t (&fragments)[2][2]) {
  const int lane = lane_index();
  std::uint32_t parts[4];
  ptx::ldmatrix_x4_trans(parts, &rows[lane % 16][piece + lane / 16]);
  fragments[0][0] = parts[0];
  fragments[0][1] = parts[1];
  fragments[1][0] = parts[2];
  fragments[1][1] = parts[3];
}

/// As they lie, 16 rows are the columns of two B operands of 8, 16 classes deep.
template <int kPitch>
__device__ void load_matrix_columns(const HalfPiece (*rows)[kPitch], int piece, std::uint32_t (&fragments)[2][2]) {
  const int lane = lane_index();
  std::uint32_t parts[4];
  ptx::ldmatrix_x4(parts, &rows[lane % 8 + lane / 16 * 8][piece + lane / 8 % 2]);
  fragments[0][0] = parts[0];
  fragments[0][1] = parts[1];
  fragments[1][0] = parts[2];
  fragments[1][1] = parts[3];
}

}  // namespace arloss::kernels

#endif

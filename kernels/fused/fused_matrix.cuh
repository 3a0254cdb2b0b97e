#ifndef ARLOSS_KERNELS_FUSED_MATRIX_CUH
#define ARLOSS_KERNELS_FUSED_MATRIX_CUH

#include "kernels/tile/half_rows.cuh"

namespace arloss::kernels {

/// The transpose of a C x C matrix into rows of halves by a block of kThreads threads, times a power of two that takes
/// its largest element to 2^14 or so; zero past the last class. Returns the exponent. Ends with a barrier.
template <int kThreads, int kRows, int kPitch>
__device__ int load_matrix(const float* matrix, std::int64_t num_classes, HalfPiece (&leading)[kRows][kPitch],
                           HalfPiece (&remainder)[kRows][kPitch], std::uint32_t (&largest_of_warp)[kThreads / 32]) {
  const auto classes = static_cast<unsigned>(num_classes);
  float largest = 0;
  for (unsigned index = threadIdx.x; index < classes * classes; index += kThreads)
    largest = fmaxf(largest, fabsf(matrix[index]));
  const std::uint32_t bits = __reduce_max_sync(~0u, __float_as_uint(largest));
  if (lane_index() == 0) largest_of_warp[threadIdx.x / 32] = bits;
  __syncthreads();  // every warp's largest before it is read
  for (const std::uint32_t other : largest_of_warp) largest = fmaxf(largest, __uint_as_float(other));
  const int exponent = half_exponent(largest * largest);
  constexpr unsigned kColumns = (kRows + 15) / 16 * 16;
  for (unsigned index = threadIdx.x; index < kRows * kColumns; index += kThreads) {
    const unsigned c = index / kRows, d = index % kRows;
    const float value = c < classes && d < classes ? matrix[c * classes + d] * power_of_two(exponent) : 0;
    half_at(leading, d, c) = __float2half_rn(value);
    half_at(remainder, d, c) = __float2half_rn(remainder_of(value));
  }
  __syncthreads();  // the matrix before it is read
  return exponent;
}

}  // namespace arloss::kernels

#endif

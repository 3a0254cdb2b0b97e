#ifndef ARLOSS_KERNELS_PAIR_SCALE_CUH
#define ARLOSS_KERNELS_PAIR_SCALE_CUH

#include "kernels/pair/pair_params.h"
#include "kernels/tile/half_rows.cuh"

/// Powers of two that take a group's numbers to where halves have their digits. Small numbers beside large ones lose
/// theirs; to loss and gradient of the group, which the large ones are in, they are as small.
namespace arloss::kernels {

/// Of features that are residuals. Differences of label rows are of any size up to 1.
__device__ inline int residual_exponent(const PairBounds& bounds) {
  constexpr int kMost = 45;  // the square of a pair's unit is a float
  return bounds.has_shift != 0 ? kPairExponent : min(half_exponent(__int_as_float(bounds.residual_square)), kMost);
}

/// A bound of |A - B|: |E_i| + |E_j|, both sides' rows being of length 1.
__device__ inline float difference_bound(const PairBounds& bounds) {
  return bounds.has_shift != 0 ? 1 : fminf(1, 2 * sqrtf(__int_as_float(bounds.residual_square)));
}

/// Of a pair's slope times the weight of its column, `weight` at most. LOG_COSH of a large delta has slopes that are
/// small in any unit.
__device__ inline int slope_exponent(float weight, float largest_slope) {
  constexpr int kMost = 100;  // what is multiplied by it stays a float
  const float bound = largest_slope * weight;
  const int above = (__float_as_int(bound) >> 23) - 127 + 1;  // bound < 2^above
  return min(kPairExponent - above, kMost);
}

/// Slopes of the group's heaviest row are of lighter columns alone, small beside the others'; to its own gradient, as
/// large as all the others' together, they are not: they take a power of two more.
struct PairLift {
  float weight;  // of the heaviest row; ones of equal weight need no lift
  int exponent;

  __device__ PairLift(const PairBounds& bounds, float largest_slope) {
    constexpr int kMost = 60;  // weights from 2^-20 to 2^20 ask for 40
    weight = __int_as_float(bounds.weight);
    exponent =
        min(slope_exponent(__int_as_float(bounds.other_weight), largest_slope) - slope_exponent(weight, largest_slope),
            kMost);
  }
  __device__ float of(float row_weight) const { return row_weight == weight ? power_of_two(exponent) : 1; }
  __device__ float undone(float row_weight) const { return row_weight == weight ? power_of_two(-exponent) : 1; }
};

}  // namespace arloss::kernels

#endif

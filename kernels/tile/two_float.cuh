#ifndef ARLOSS_KERNELS_TILE_TWO_FLOAT_CUH
#define ARLOSS_KERNELS_TILE_TWO_FLOAT_CUH

namespace arloss::kernels {

/// The sum of two floats, the second some ulps of the first at most: 40 bits or more where one has 24.
struct TwoFloat {
  float high, low;
};

/// a + b, exactly (Knuth's TwoSum).
__device__ inline TwoFloat add_exactly(float a, float b) {
  const float sum = a + b, b_part = sum - a;
  return {sum, (a - (sum - b_part)) + (b - b_part)};
}

}  // namespace arloss::kernels

#endif

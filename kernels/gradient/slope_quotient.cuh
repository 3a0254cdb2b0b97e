#ifndef ARLOSS_KERNELS_SLOPE_QUOTIENT_CUH
#define ARLOSS_KERNELS_SLOPE_QUOTIENT_CUH

namespace arloss::kernels {

/// h / s, to be multiplied with p <= s^2 W / w. Below 1e-15, where the quotient could overflow, the product is under
/// 1e-15 h and taken as 0; so is 0 / 0.
__device__ inline float slope_over_s(float h, float s) { return s < 1e-15f ? 0 : h / s; }

}  // namespace arloss::kernels

#endif

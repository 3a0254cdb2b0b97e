#ifndef ARLOSS_KERNELS_PAIR_PENALTIES_CUH
#define ARLOSS_KERNELS_PAIR_PENALTIES_CUH

#include "arloss/arloss.h"
#include "kernels/ptx/approximate.cuh"

namespace arloss::kernels {

/// The verbs of penalty-inl.h for one pair. Each names its rounding: what the compiler may contract into multiply-adds
/// it contracts otherwise in every kernel, and a penalty would have other bits in each. exp and inverse are approximate
/// instructions: 2 ulp of exp, and a rounding of its argument, move log cosh and tanh by 5e-7 at most, and 1 ulp of
/// inverse, of a term below 1/2, by less.
struct FloatOps {
  using Number = float;
  __device__ static float set(float value) { return value; }
  __device__ static float add(float a, float b) { return __fadd_rn(a, b); }
  __device__ static float sub(float a, float b) { return __fsub_rn(a, b); }
  __device__ static float mul(float a, float b) { return __fmul_rn(a, b); }
  __device__ static float div(float a, float b) { return __fmul_rn(a, ptx::inverse(b)); }
  __device__ static float mul_add(float a, float b, float c) { return __fmaf_rn(a, b, c); }
  __device__ static float inverse(float a) { return ptx::inverse(a); }
  __device__ static float exp(float a) { return ptx::exp2(__fmul_rn(a, 1.44269504f)); }
  __device__ static float log(float a) { return __fmul_rn(ptx::log2(a), 0.69314718f); }
  __device__ static float twice_atanh_excess(float w) {
    const float w2 = __fmul_rn(w, w);
    float series = 1.0f / 15;
#pragma unroll
    for (int k = 13; k > 1; k -= 2) series = __fmaf_rn(series, w2, 1.0f / static_cast<float>(k));
    return __fmul_rn(__fmul_rn(series, w2), __fadd_rn(w, w));
  }
  __device__ static float neg(float a) { return -a; }
  __device__ static float abs(float a) { return fabsf(a); }
  __device__ static float min(float a, float b) { return fminf(a, b); }
  __device__ static float max(float a, float b) { return fmaxf(a, b); }
  __device__ static float select_less(float a, float b, float yes, float no) { return a < b ? yes : no; }
  __device__ static float select_zero(float a, float yes, float no) { return a == 0 ? yes : no; }
};

#define ARLOSS_FUNCTION __device__
#include "math/penalty-inl.h"
#undef ARLOSS_FUNCTION

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_PAIR_PENALTIES_CUH
#define ARLOSS_KERNELS_PAIR_PENALTIES_CUH

namespace arloss::kernels {

/// The verbs of penalty-inl.h for one pair; log_excess, which CROSS_ENTROPY alone asks for, is not among them.
struct FloatOps {
  using Number = float;
  __device__ static float set(float value) { return value; }
  __device__ static float add(float a, float b) { return a + b; }
  __device__ static float sub(float a, float b) { return a - b; }
  __device__ static float mul(float a, float b) { return a * b; }
  __device__ static float div(float a, float b) { return a / b; }
  __device__ static float neg(float a) { return -a; }
  __device__ static float abs(float a) { return fabsf(a); }
  __device__ static float min(float a, float b) { return fminf(a, b); }
  __device__ static float max(float a, float b) { return fmaxf(a, b); }
  __device__ static float select_less(float a, float b, float yes, float no) { return a < b ? yes : no; }
};

#define ARLOSS_FUNCTION __device__
#include "math/penalty-inl.h"
#undef ARLOSS_FUNCTION

}  // namespace arloss::kernels

#endif

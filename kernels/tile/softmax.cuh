#ifndef ARLOSS_KERNELS_SOFTMAX_CUH
#define ARLOSS_KERNELS_SOFTMAX_CUH

#include "kernels/tile/logit_types.cuh"

namespace arloss::kernels {

/// log2(e) / 2: half_exponential as a power of two.
inline constexpr float kHalfLog2E = 0.72134752044f;

/// exp((z - max) / 2): squared it is the softmax's numerator, so that no square root is taken per element.
__device__ inline float half_exponential(float logit, float largest) { return expf(0.5f * (logit - largest)); }

__device__ inline float load_logit(const Softmax& softmax, std::int64_t index) {
  switch (softmax.type) {
    case LogitType::kFloat16: return to_float(static_cast<const __half*>(softmax.logits)[index]);
    case LogitType::kBfloat16: return to_float(static_cast<const __nv_bfloat16*>(softmax.logits)[index]);
    default: return static_cast<const float*>(softmax.logits)[index];
  }
}

/// s of one class of a cell from its E = s - u. Below u / 2 the sum E + u loses the digits of s, all of them below
/// 3e-8: the gradient of confidently wrong cells was 3e-5 off at 1 - p = 6e-7 and lost at 1e-16. There s is computed
/// again.
template <class Real>
__device__ Real root_of(const Softmax& softmax, std::int64_t image, std::int64_t c, std::int64_t cell, Real residual,
                        Real u) {
  if (!(residual < u / -2)) return residual + u;
  const SoftmaxNorm norm = softmax.norms[image * softmax.layout.cells + cell];
  return half_exponential(load_logit(softmax, softmax.layout.index(image, c, cell)), norm.largest) * norm.inverse;
}

}  // namespace arloss::kernels

#endif

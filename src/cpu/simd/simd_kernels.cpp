// One source for every instruction set: Highway includes this file again for each, and picks one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/simd/simd_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/simd/simd_kernels.h"

#include "cpu/simd/chain-inl.h"
#include "cpu/simd/embed-inl.h"
#include "cpu/simd/gram-inl.h"
#include "cpu/simd/labels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace arloss::cpu {
namespace HWY_NAMESPACE {

const SimdKernels* kernels_of_target() {
  static const SimdKernels kernels = {
      hwy::TargetName(HWY_TARGET), load_logit, embed, gram, product, multiply, chain, mark_changes};
  return &kernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace arloss::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arloss::cpu {

HWY_EXPORT(kernels_of_target);

const SimdKernels& simd_kernels() { return *HWY_DYNAMIC_DISPATCH(kernels_of_target)(); }

}  // namespace arloss::cpu
#endif

// The pairwise kernel for every instruction set: as simd_kernels.cpp, in a file of its own so that two cores compile
// both.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/simd/pair_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/simd/pair-inl.h"
#include "cpu/simd/simd_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace arloss::cpu {
namespace HWY_NAMESPACE {

PairTileKernel pair_tile_of_target() { return pair_tile; }

}  // namespace HWY_NAMESPACE
}  // namespace arloss::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arloss::cpu {

HWY_EXPORT(pair_tile_of_target);

PairTileKernel pair_tile_kernel() { return HWY_DYNAMIC_DISPATCH(pair_tile_of_target)(); }

}  // namespace arloss::cpu
#endif

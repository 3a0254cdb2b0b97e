#ifndef ARLOSS_KERNELS_PTX_PREFETCH_CUH
#define ARLOSS_KERNELS_PTX_PREFETCH_CUH

namespace arloss::kernels::ptx {

/// Asks for the line of an address in L2; the address need not be aligned, and nothing waits.
__device__ __forceinline__ void prefetch_l2(const void* address) {
  asm volatile("prefetch.global.L2 [%0];" ::"l"(__cvta_generic_to_global(address)));
}

}  // namespace arloss::kernels::ptx

#endif

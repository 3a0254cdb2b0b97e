#ifndef ARLOSS_KERNELS_KERNEL_ORDER_CUH
#define ARLOSS_KERNELS_KERNEL_ORDER_CUH

#include <cuda_runtime.h>

namespace arloss::kernels {

/// First in every kernel, by all threads: puts whatever earlier kernels of the call read and wrote before all that this
/// one does. It waits for the kernel before it alone, which has waited for the one before that: a kernel without it
/// would break the chain for those after it. Then blocks of the next kernel may take the places that this one leaves.
__device__ inline void follow_earlier_kernels() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  cudaGridDependencySynchronize();
  cudaTriggerProgrammaticLaunchCompletion();
#endif
}

}  // namespace arloss::kernels

#endif

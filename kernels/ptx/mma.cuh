#ifndef ARLOSS_KERNELS_PTX_MMA_CUH
#define ARLOSS_KERNELS_PTX_MMA_CUH

#include <cstdint>

namespace arloss::kernels::ptx {

/// d += a b for a 16 x 16 (row-major) and b 16 x 8 (column-major) halves, d 16 x 8 floats; each operand a fragment of
/// the warp, in the lane order of the PTX ISA. Every lane of a converged warp calls it.
__device__ __forceinline__ void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

}  // namespace arloss::kernels::ptx

#endif

#ifndef ARLOSS_TESTS_EMULATOR_DEFECTS_SAMPLE_PTX_CUH
#define ARLOSS_TESTS_EMULATOR_DEFECTS_SAMPLE_PTX_CUH

#include <cstdint>

#include "defects/defect.h"

/// The PTX of the sample kernels, one instruction per function.
namespace emulator::defects {

/// d += a b, of 16 x 8 x 16, float16 in, float32 sums.
template <Defect kDefect>
__device__ void multiply_tile(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  constexpr bool kIsSwapped = kDefect == Defect::kMatrixOperandsSwapped;
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[kIsSwapped ? 2 : 1]), "r"(a[kIsSwapped ? 1 : 2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ inline std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

/// Four 8 x 8 matrices; lane l gives row l % 8 of matrix l / 8.
__device__ inline void load_matrices(std::uint32_t (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}

/// Two 8 x 8 matrices; the rows of the first 16 lanes.
template <Defect kDefect>
__device__ void load_matrices(std::uint32_t (&r)[2], const void* row) {
  if constexpr (kDefect == Defect::kStrayTranspose)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(shared_address(row))
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(shared_address(row))
                 : "memory");
}

/// 16 bytes from global to shared memory; zeros where !is_inside.
__device__ inline void copy_async(void* to, const void* from, bool is_inside) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from),
               "r"(is_inside ? 16 : 0)
               : "memory");
}

__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Until at most kPending of this thread's groups are in flight.
template <int kPending>
__device__ void wait_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

}  // namespace emulator::defects

#endif

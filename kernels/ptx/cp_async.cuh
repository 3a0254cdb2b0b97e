#ifndef ARLOSS_KERNELS_PTX_CP_ASYNC_CUH
#define ARLOSS_KERNELS_PTX_CP_ASYNC_CUH

#include <cstdint>

/// Copies from global to shared memory that run beside the thread. The bytes may be read by the thread itself once it
/// has waited for their group, by others after a barrier that follows.
namespace arloss::kernels::ptx {

/// 16 bytes, both addresses multiples of 16; zeros where `is_valid` is false, and `source` is not read then.
__device__ __forceinline__ void cp_async_16(void* shared, const void* source, bool is_valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                   static_cast<std::uint32_t>(__cvta_generic_to_shared(shared))),
               "l"(__cvta_generic_to_global(source)), "r"(is_valid ? 16 : 0)
               : "memory");
}

/// 4 bytes, both addresses multiples of 4; zeros where `is_valid` is false.
__device__ __forceinline__ void cp_async_4(void* shared, const void* source, bool is_valid) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(
                   static_cast<std::uint32_t>(__cvta_generic_to_shared(shared))),
               "l"(__cvta_generic_to_global(source)), "r"(is_valid ? 4 : 0)
               : "memory");
}

/// Closes the thread's group of copies; a group may be empty.
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits until at most the kPending latest groups are in flight.
template <int kPending>
__device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

}  // namespace arloss::kernels::ptx

#endif

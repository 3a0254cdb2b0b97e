#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "self_test/checks.h"
#include "self_test/device_array.h"

/// cp.async: sizes, zero fill, and groups that land in order.
namespace emulator::self_test {
namespace {

constexpr int kThreads = 64;

__device__ u32 shared_address(const void* pointer) { return static_cast<u32>(__cvta_generic_to_shared(pointer)); }

/// kBytes per thread, of which `source_bytes` come from memory and the others are zeros.
template <int kBytes>
__global__ void copy_kernel(const u8* in, int source_bytes, u8* out) {
  __shared__ __align__(16) u8 staged[kThreads * kBytes];
  const int i = static_cast<int>(threadIdx.x);
  const u32 to = shared_address(staged + i * kBytes);
  const u8* const from = in + i * kBytes;
  if constexpr (kBytes == 4)
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(to), "l"(from), "r"(source_bytes) : "memory");
  else if constexpr (kBytes == 8)
    asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" ::"r"(to), "l"(from), "r"(source_bytes) : "memory");
  else
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(source_bytes) : "memory");
  asm volatile("cp.async.commit_group;\ncp.async.wait_group 0;" ::: "memory");
  __syncthreads();
  const int other = kThreads - 1 - i;
  for (int j = 0; j < kBytes; ++j) out[other * kBytes + j] = staged[other * kBytes + j];
}

template <int kBytes>
void check_copy(const char* name) {
  std::vector<u8> values(kThreads * kBytes);
  std::iota(values.begin(), values.end(), u8{1});
  const DeviceArray<u8> in(values), out(values.size());
  for (const int source_bytes : {0, 1, 3, kBytes - 1, kBytes}) {
    SCOPED_TRACE("source bytes: " + std::to_string(source_bytes));
    run_kernel(copy_kernel<kBytes>, 1, kThreads, in.data(), source_bytes, out.data());
    std::vector<u8> wanted = values;
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (static_cast<int>(i % kBytes) >= source_bytes) wanted[i] = 0;
    Checks(name).same_elements(out.read(), wanted);
  }
}

TEST(AsyncCopies, SizesAndZeroFill) {
  check_copy<4>("cp.async.ca 4");
  check_copy<8>("cp.async.ca 8");
  check_copy<16>("cp.async.cg 16");
}

/// Three groups in flight; each is read once no more than the later ones are pending. An empty group counts, too.
__global__ void groups_kernel(const u32* in, u32* out) {
  __shared__ u32 staged[3][kThreads];
  const u32 i = threadIdx.x;
  for (u32 group = 0; group < 3; ++group) {
    asm volatile(
        "cp.async.ca.shared.global [%0], [%1], 4;\ncp.async.commit_group;" ::"r"(shared_address(&staged[group][i])),
        "l"(in + group * kThreads + i)
        : "memory");
  }
  asm volatile("cp.async.commit_group;\ncp.async.wait_group 3;" ::: "memory");
  out[i] = staged[0][i];
  asm volatile("cp.async.wait_group 2;" ::: "memory");
  out[kThreads + i] = staged[1][i];
  asm volatile("cp.async.wait_all;" ::: "memory");
  __syncthreads();
  out[2 * kThreads + i] = staged[2][kThreads - 1 - i];
}

TEST(AsyncCopies, GroupsLandInOrder) {
  std::vector<u32> values(3 * kThreads);
  std::iota(values.begin(), values.end(), u32{1000});
  const DeviceArray<u32> in(values), out(values.size());
  run_kernel(groups_kernel, 1, kThreads, in.data(), out.data());
  std::vector<u32> wanted = values;
  std::reverse(wanted.begin() + 2 * kThreads, wanted.end());
  Checks("cp.async.wait_group and wait_all").same_elements(out.read(), wanted);
}

}  // namespace
}  // namespace emulator::self_test

#include <gtest/gtest.h>

#include "self_test/checks.h"
#include "self_test/device_array.h"

/// Barriers of blocks, of some warps of a block, and of some lanes of a warp, and fences between blocks.
namespace emulator::self_test {
namespace {

constexpr u32 kThreads = 128;

// ---- barriers that join a predicate

__global__ void joined_kernel(const u32* values, u32* out) {
  const u32 i = threadIdx.x, value = values[i];
  out[4 * i] = static_cast<u32>(__syncthreads_count(static_cast<int>(value > 2)));
  out[4 * i + 1] = __syncthreads_and(static_cast<int>(value < 7)) != 0;
  out[4 * i + 2] = __syncthreads_and(static_cast<int>(value < 6)) != 0;
  out[4 * i + 3] = __syncthreads_or(static_cast<int>(value == 6)) * 2 + __syncthreads_or(static_cast<int>(value == 9));
}

TEST(Barriers, CountAndOr) {
  std::vector<u32> values, wanted;
  u32 above_two = 0;
  for (u32 i = 0; i < kThreads; ++i) {
    values.push_back(i * i % 7);
    above_two += values.back() > 2 ? 1 : 0;
  }
  values[77] = 6;
  above_two += 77 * 77 % 7 > 2 ? 0 : 1;
  for (u32 i = 0; i < kThreads; ++i) wanted.insert(wanted.end(), {above_two, 1u, 0u, 2u});
  const DeviceArray<u32> inputs(values), out(4 * kThreads);
  run_kernel(joined_kernel, 1, kThreads, inputs.data(), out.data());
  Checks("barrier.red.popc, .and, .or").same_elements(out.read(), wanted);
}

// ---- named barriers

/// Threads of a pair of warps meet at a barrier of their own, the pairs in different loops.
__global__ void pairs_kernel(u32* out) {
  __shared__ u32 staged[kThreads];
  const u32 i = threadIdx.x, pair = i / 64;
  u32 sum = 0;
  for (u32 round = 0; round < 3 + pair; ++round) {
    staged[i] = i * 10 + round;
    asm volatile("bar.sync %0, 64;" ::"r"(pair + 1) : "memory");
    sum += staged[i ^ 63];
    asm volatile("barrier.sync %0, 64;" ::"r"(pair + 1) : "memory");
  }
  out[i] = sum;
}

TEST(Barriers, NamedOnesOfSomeWarps) {
  const DeviceArray<u32> out(kThreads);
  run_kernel(pairs_kernel, 1, kThreads, out.data());
  std::vector<u32> wanted;
  for (u32 i = 0; i < kThreads; ++i) wanted.push_back(i < 64 ? 3 * (i ^ 63) * 10 + 3 : 4 * (i ^ 63) * 10 + 6);
  Checks("bar.sync a, b").same_elements(out.read(), wanted);
}

/// Warps 0 and 1 write and go on; warps 2 and 3 wait for them. Two barriers in turn keep a slot until it was read.
__global__ void producers_kernel(u32* out) {
  __shared__ u32 slot[64];
  constexpr u32 kFull = 1, kEmpty = 2;
  const u32 i = threadIdx.x;
  for (u32 round = 0; round < 5; ++round) {
    if (i < 64) {
      if (round > 0) asm volatile("bar.sync %0, 128;" ::"n"(kEmpty) : "memory");
      slot[i] = i * i + round;
      asm volatile("bar.arrive %0, 128;" ::"n"(kFull) : "memory");
    } else {
      asm volatile("bar.sync %0, 128;" ::"n"(kFull) : "memory");
      out[round * 64 + i - 64] = slot[127 - i];
      if (round < 4) asm volatile("bar.arrive %0, 128;" ::"n"(kEmpty) : "memory");
    }
  }
}

TEST(Barriers, ProducersAndConsumers) {
  const DeviceArray<u32> out(5 * 64);
  run_kernel(producers_kernel, 1, kThreads, out.data());
  std::vector<u32> wanted;
  for (u32 round = 0; round < 5; ++round)
    for (u32 i = 0; i < 64; ++i) wanted.push_back((63 - i) * (63 - i) + round);
  Checks("bar.arrive and bar.sync").same_elements(out.read(), wanted);
}

__global__ void named_count_kernel(u32* out) {
  const u32 i = threadIdx.x;
  if (i >= 64) return;
  u32 count;
  asm volatile("{ .reg .pred p; setp.lt.u32 p, %1, 50; barrier.cta.red.popc.u32 %0, 3, 64, p; }"
               : "=r"(count)
               : "r"(i)
               : "memory");
  out[i] = count;
}

TEST(Barriers, NamedOneThatCounts) {
  const DeviceArray<u32> out(64);
  run_kernel(named_count_kernel, 1, kThreads, out.data());
  Checks("barrier.cta.red.popc a, b, p").same_elements(out.read(), std::vector<u32>(64, 50));
}

// ---- lanes of a warp

/// Two halves of a warp exchange through shared memory, each at its own pace.
__global__ void half_warps_kernel(u32* out) {
  __shared__ u32 staged[32];
  const u32 lane = threadIdx.x;
  const u32 mask = lane < 16 ? 0x0000FFFF : 0xFFFF0000;
  u32 sum = 0;
  for (u32 round = 0; round < (lane < 16 ? 2u : 5u); ++round) {
    staged[lane] = lane + round;
    __syncwarp(mask);
    sum += staged[lane ^ 1];
    __syncwarp(mask);
  }
  out[lane] = sum;
}

TEST(Barriers, LanesOfAWarp) {
  const DeviceArray<u32> out(32);
  run_kernel(half_warps_kernel, 1, 32, out.data());
  std::vector<u32> wanted;
  for (u32 i = 0; i < 32; ++i) wanted.push_back(i < 16 ? 2 * (i ^ 1) + 1 : 5 * (i ^ 1) + 10);
  Checks("bar.warp.sync").same_elements(out.read(), wanted);
}

// ---- between blocks: the last block to finish adds up what all wrote

__global__ void last_block_kernel(u32* partials, u32* ticket, u32* total) {
  __shared__ bool is_last;
  partials[blockIdx.x * blockDim.x + threadIdx.x] = blockIdx.x + threadIdx.x;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) is_last = atomicInc(ticket, gridDim.x - 1) == gridDim.x - 1;
  __syncthreads();
  if (!is_last || threadIdx.x != 0) return;
  __threadfence();
  u32 sum = 0;
  for (u32 i = 0; i < gridDim.x * blockDim.x; ++i) sum += static_cast<volatile u32*>(partials)[i];
  *total = sum;
}

TEST(Barriers, FencesBetweenBlocks) {
  constexpr u32 kBlocks = 7, kThreadsOfBlock = 32;
  const DeviceArray<u32> partials(kBlocks * kThreadsOfBlock), ticket(std::vector<u32>{0}), total(1);
  for (int run = 0; run < 3; ++run) {
    run_kernel(last_block_kernel, kBlocks, kThreadsOfBlock, partials.data(), ticket.data(), total.data());
    Checks("membar and atom.inc").same_elements(total.read(), {kThreadsOfBlock * 21 + kBlocks * 496});
  }
  Checks("ticket").same_elements(ticket.read(), {0u});
}

}  // namespace
}  // namespace emulator::self_test

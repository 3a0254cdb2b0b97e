#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "self_test/checks.h"
#include "self_test/device_array.h"
#include "self_test/values.h"

/// Branches, loops, jump tables, functions that are really called, and printf.
namespace emulator::self_test {
namespace {

constexpr int kThreads = 64;

// ---- coordinates

struct Coordinates {
  u32 block, thread, grid_size, block_size;
};

__global__ void coordinates_kernel(Coordinates* out) {
  const u32 block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const u32 thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const u32 block_size = blockDim.x * blockDim.y * blockDim.z;
  out[block * block_size + thread] = {blockIdx.x | blockIdx.y << 8 | blockIdx.z << 16,
                                      threadIdx.x | threadIdx.y << 8 | threadIdx.z << 16,
                                      gridDim.x | gridDim.y << 8 | gridDim.z << 16, block_size};
}

TEST(ControlFlow, Coordinates) {
  const dim3 grid(3, 2, 2), block(5, 4, 3);
  const u32 blocks = 12, threads = 60;
  const DeviceArray<Coordinates> out(blocks * threads);
  coordinates_kernel<<<grid, block>>>(out.data());
  const std::vector<Coordinates> got = out.read();
  Checks checks("%tid, %ctaid, %ntid, %nctaid");
  for (u32 i = 0; i < blocks * threads; ++i) {
    const u32 b = i / threads, t = i % threads;
    const auto where = [&] { return "block " + std::to_string(b) + ", thread " + std::to_string(t); };
    checks.same(got[i].block, b % 3 | b / 3 % 2 << 8 | b / 6 << 16, where);
    checks.same(got[i].thread, t % 5 | t / 5 % 4 << 8 | t / 20 << 16, where);
    checks.same(got[i].grid_size, 3u | 2u << 8 | 2u << 16, where);
    checks.same(got[i].block_size, threads, where);
  }
}

// ---- loops in which lanes leave one after another, with a branch inside

__host__ __device__ u32 collatz_steps(u32 n) {
  u32 steps = 0;
  for (; n != 1; ++steps) {
    if (n % 2 == 0)
      n /= 2;
    else
      n = 3 * n + 1;
    if (steps > 500) break;
  }
  return steps;
}

__global__ void loop_kernel(u32* out) { out[threadIdx.x] = collatz_steps(threadIdx.x + 1); }

TEST(ControlFlow, DivergentLoops) {
  const DeviceArray<u32> out(kThreads);
  run_kernel(loop_kernel, 1, kThreads, out.data());
  std::vector<u32> wanted;
  for (u32 i = 0; i < kThreads; ++i) wanted.push_back(collatz_steps(i + 1));
  Checks("divergent loop").same_elements(out.read(), wanted);
}

/// Dense cases with different work in each: a jump table (brx.idx).
__host__ __device__ u32 switched(u32 selector, u32 value) {
  switch (selector) {
    case 0: return value * value;
    case 1: return value ^ 0x5555;
    case 2: return value << 3;
    case 3: return value / 7;
    case 4: return value % 11 + 1000;
    case 5: return ~value;
    case 6: value += 17; [[fallthrough]];
    case 7: return value | 0xF0F0;
    case 8: return value - 100000;
    default: return 42;
  }
}

__global__ void switch_kernel(const u32* selectors, u32* out) {
  out[threadIdx.x] = switched(selectors[threadIdx.x], threadIdx.x * 1000003);
}

TEST(ControlFlow, JumpTables) {
  std::vector<u32> selectors, wanted;
  for (u32 i = 0; i < kThreads; ++i) {
    selectors.push_back(i % 13);
    wanted.push_back(switched(i % 13, i * 1000003));
  }
  const DeviceArray<u32> device_selectors(selectors), out(kThreads);
  run_kernel(switch_kernel, 1, kThreads, device_selectors.data(), out.data());
  Checks("switch").same_elements(out.read(), wanted);
}

// ---- functions

__device__ __noinline__ u32 fibonacci(u32 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

struct Pair {
  u64 first;
  float second;
};

/// A structure in and out by value, an array behind a pointer into the caller's frame.
__device__ __noinline__ Pair exchange(Pair pair, const u32* table, u32 index) {
  return {pair.first + table[index], pair.second * 2.0f};
}

__device__ __noinline__ u32 add_one(u32 a) { return a + 1; }
__device__ __noinline__ u32 times_ten(u32 a) { return a * 10; }

__global__ void functions_kernel(u32* out) {
  const u32 i = threadIdx.x;
  u32 table[4];
  for (u32 j = 0; j < 4; ++j) table[j] = 100 * j + i;
  const Pair pair = exchange({u64{i} << 33, 1.5f + static_cast<float>(i)}, table, i % 4);
  out[4 * i] = fibonacci(i % 10);
  out[4 * i + 1] = static_cast<u32>(pair.first >> 33) + static_cast<u32>(pair.first & 0xFFFF);
  out[4 * i + 2] = static_cast<u32>(pair.second);
  out[4 * i + 3] = i % 2 == 0 ? add_one(i) : times_ten(i);
}

TEST(ControlFlow, Calls) {
  constexpr u32 kFibonacci[] = {0, 1, 1, 2, 3, 5, 8, 13, 21, 34};
  std::vector<u32> wanted;
  for (u32 i = 0; i < kThreads; ++i) {
    const u32 from_table = 100 * (i % 4) + i;
    wanted.insert(wanted.end(), {kFibonacci[i % 10], i + from_table, 3 + 2 * i, i % 2 == 0 ? i + 1 : i * 10});
  }
  const DeviceArray<u32> out(4 * kThreads);
  run_kernel(functions_kernel, 1, kThreads, out.data());
  Checks("recursion, structures by value, calls in divergent branches").same_elements(out.read(), wanted);
}

// ---- early exit of threads that no barrier waits for

__global__ void early_exit_kernel(u32* out, u32 count) {
  if (threadIdx.x >= count) return;
  out[threadIdx.x] = threadIdx.x * 3;
}

TEST(ControlFlow, EarlyExit) {
  const auto out = DeviceArray<u32>::zeros(kThreads);
  run_kernel(early_exit_kernel, 1, kThreads, out.data(), 37u);
  std::vector<u32> wanted(kThreads);
  for (u32 i = 0; i < 37; ++i) wanted[i] = i * 3;
  Checks("early exit").same_elements(out.read(), wanted);
}

// ---- printf

__global__ void print_kernel(int number, float value, const char* unused) {
  printf("%d %5d|%-5d|%05d %+d %i\n", number, number, number, number, number, -number);
  printf("%u %x %X %o %lld %llu %hd\n", 4000000000u, 48879u, 48879u, 8u, -5000000000ll, 18000000000000000000ull,
         static_cast<short>(-3));
  printf("%f %.2f %8.3f %e %g %c %s %%\n", value, value, value, value, value, 'z', "text");
  printf("%*d no arguments %p\n", 4, 7, static_cast<const void*>(nullptr));
  if (unused != nullptr) printf("never\n");
}

/// What the kernel prints.
template <class... Parameters, class... Arguments>
std::string output_of(void (*kernel)(Parameters...), unsigned grid, unsigned block, Arguments... arguments) {
  ::testing::internal::CaptureStdout();
  EXPECT_NO_THROW(run_kernel(kernel, grid, block, arguments...));
  std::fflush(stdout);
  return ::testing::internal::GetCapturedStdout();
}

TEST(ControlFlow, Printf) {
  const std::string got = output_of(print_kernel, 1, 1, 42, 2.5f, static_cast<const char*>(nullptr));
  EXPECT_EQ(got.substr(0, got.find(" %\n") + 3),
            "42    42|42   |00042 +42 -42\n"
            "4000000000 beef BEEF 10 -5000000000 18000000000000000000 -3\n"
            "2.500000 2.50    2.500 2.500000e+00 2.5 z text %\n");
  // How a pointer is written is left to the system.
  EXPECT_NE(got.find("   7 no arguments "), std::string::npos) << got;
  EXPECT_EQ(got.find("never"), std::string::npos);
}

__global__ void print_line_kernel() { printf("thread %u of block %u\n", threadIdx.x, blockIdx.x); }

TEST(ControlFlow, PrintfOfManyThreads) {
  const std::string got = output_of(print_line_kernel, 3, 40);
  for (int i = 0; i < 120; ++i) {
    const std::string line = "thread " + std::to_string(i % 40) + " of block " + std::to_string(i / 40) + "\n";
    EXPECT_NE(got.find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace emulator::self_test

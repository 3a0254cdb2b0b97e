#include <cuda_fp16.h>
#include <gtest/gtest.h>

#include "self_test/checks.h"
#include "self_test/device_array.h"
#include "self_test/values.h"

/// shfl.sync in its four modes, with every width and with the clamp and segment operand as the ISA has it.
namespace emulator::self_test {
namespace {

constexpr int kLanes = 32;
constexpr u32 kAllLanes = 0xFFFFFFFF;

enum class Mode { kUp, kDown, kButterfly, kIndex };

/// results[lane]: the value that arrives, and the predicate "the source is in range".
template <Mode kMode>
__global__ void shuffle_kernel(const u32* values, const u32* sources, u32 clamp, Two<u32>* results) {
  const u32 value = values[threadIdx.x], source = sources[threadIdx.x];
  u32 got = 0, is_in_range = 0;
  if constexpr (kMode == Mode::kUp)
    asm volatile("{ .reg .pred p; shfl.sync.up.b32 %0|p, %2, %3, %4, 0xffffffff; selp.u32 %1, 1, 0, p; }"
                 : "=r"(got), "=r"(is_in_range)
                 : "r"(value), "r"(source), "r"(clamp));
  else if constexpr (kMode == Mode::kDown)
    asm volatile("{ .reg .pred p; shfl.sync.down.b32 %0|p, %2, %3, %4, 0xffffffff; selp.u32 %1, 1, 0, p; }"
                 : "=r"(got), "=r"(is_in_range)
                 : "r"(value), "r"(source), "r"(clamp));
  else if constexpr (kMode == Mode::kButterfly)
    asm volatile("{ .reg .pred p; shfl.sync.bfly.b32 %0|p, %2, %3, %4, 0xffffffff; selp.u32 %1, 1, 0, p; }"
                 : "=r"(got), "=r"(is_in_range)
                 : "r"(value), "r"(source), "r"(clamp));
  else
    asm volatile("{ .reg .pred p; shfl.sync.idx.b32 %0|p, %2, %3, %4, 0xffffffff; selp.u32 %1, 1, 0, p; }"
                 : "=r"(got), "=r"(is_in_range)
                 : "r"(value), "r"(source), "r"(clamp));
  results[threadIdx.x] = {got, is_in_range};
}

/// Bits 12 to 8 of the clamp operand fix the upper bits of the lane, which makes segments; bits 4 to 0 are the limit
/// inside one. A lane whose source is out of range reads itself.
Two<u32> expected_shuffle(Mode mode, const std::vector<u32>& values, u32 source, u32 clamp, int lane) {
  const int segment = static_cast<int>(clamp >> 8 & 31), offset = static_cast<int>(source & 31);
  const int lowest = lane & segment;
  const int limit = lowest | (static_cast<int>(clamp & 31) & ~segment);
  int from = 0;
  switch (mode) {
    case Mode::kUp: from = lane - offset; break;
    case Mode::kDown: from = lane + offset; break;
    case Mode::kButterfly: from = lane ^ offset; break;
    case Mode::kIndex: from = lowest | (offset & ~segment); break;
  }
  const bool is_in_range = mode == Mode::kUp ? from >= limit : from <= limit;
  return {values[static_cast<std::size_t>(is_in_range ? from : lane)], is_in_range ? 1u : 0u};
}

template <Mode kMode>
void check_shuffle(const char* name, const std::vector<u32>& sources, u32 clamp) {
  Checks checks(name);
  const std::vector<u32> values = random_words(kLanes, 9);
  const DeviceArray<u32> device_values(values), device_sources(sources);
  const DeviceArray<Two<u32>> results(kLanes);
  run_kernel(shuffle_kernel<kMode>, 1, kLanes, device_values.data(), device_sources.data(), clamp, results.data());
  const std::vector<Two<u32>> got = results.read();
  for (int lane = 0; lane < kLanes; ++lane) {
    const auto i = static_cast<std::size_t>(lane);
    checks.same(got[i], expected_shuffle(kMode, values, sources[i], clamp, lane), [&] {
      return "source " + text(sources[i]) + ", clamp " + text(clamp) + ", lane " + std::to_string(lane);
    });
  }
}

template <Mode kMode>
void check_mode(const char* name) {
  std::vector<u32> own_sources(kLanes);
  for (u32 i = 0; i < kLanes; ++i) own_sources[i] = i * 7 + 3;  // every lane asks for another one; past 31 they wrap
  for (u32 width = 1; width <= 32; width *= 2) {
    const u32 clamp = (32 - width) << 8 | (kMode == Mode::kUp ? 0 : 31);
    for (const u32 source : {0u, 1u, 2u, 3u, 5u, 8u, 16u, 31u}) {
      SCOPED_TRACE("width " + std::to_string(width));
      check_shuffle<kMode>(name, std::vector<u32>(kLanes, source), clamp);
    }
    if (kMode == Mode::kIndex) check_shuffle<kMode>(name, own_sources, clamp);
  }
}

TEST(Shuffles, EveryWidth) {
  check_mode<Mode::kUp>("shfl.sync.up.b32");
  check_mode<Mode::kDown>("shfl.sync.down.b32");
  check_mode<Mode::kButterfly>("shfl.sync.bfly.b32");
  check_mode<Mode::kIndex>("shfl.sync.idx.b32");
}

TEST(Shuffles, ClampInsideASegment) {
  for (const u32 clamp : {0x0000u, 0x0004u, 0x1803u, 0x1005u, 0x1F1Fu}) {
    for (const u32 source : {1u, 3u, 6u}) {
      const std::vector<u32> sources(kLanes, source);
      check_shuffle<Mode::kUp>("shfl.sync.up.b32", sources, clamp);
      check_shuffle<Mode::kDown>("shfl.sync.down.b32", sources, clamp);
      check_shuffle<Mode::kButterfly>("shfl.sync.bfly.b32", sources, clamp);
      check_shuffle<Mode::kIndex>("shfl.sync.idx.b32", sources, clamp);
    }
  }
}

__global__ void half_warp_kernel(const u32* values, u32* results) {
  const u32 lane = threadIdx.x;
  const u32 value = values[lane];
  if (lane < 16)
    results[lane] = __shfl_sync(0x0000FFFF, value, static_cast<int>(15 - lane), 16);
  else
    results[lane] = __shfl_xor_sync(0xFFFF0000, value, 1);
}

TEST(Shuffles, HalvesOfAWarpApart) {
  const std::vector<u32> values = random_words(kLanes, 10);
  const DeviceArray<u32> inputs(values), results(kLanes);
  run_kernel(half_warp_kernel, 1, kLanes, inputs.data(), results.data());
  std::vector<u32> wanted(kLanes);
  for (std::size_t i = 0; i < kLanes; ++i) wanted[i] = values[i < 16 ? 15 - i : i ^ 1];
  Checks("shfl.sync in divergent halves").same_elements(results.read(), wanted);
}

template <class T>
__global__ void rotate_kernel(const T* values, T* results) {
  const int lane = static_cast<int>(threadIdx.x);
  results[lane] = __shfl_sync(kAllLanes, values[lane], lane + 1);
}

template <class T>
void check_rotation(const std::vector<T>& values) {
  const DeviceArray<T> inputs(values), results(kLanes);
  run_kernel(rotate_kernel<T>, 1, kLanes, inputs.data(), results.data());
  const std::vector<T> got = results.read();
  Checks checks("__shfl_sync of a wide or packed type");
  for (std::size_t i = 0; i < kLanes; ++i)
    checks.same(std::memcmp(&got[i], &values[(i + 1) % kLanes], sizeof(T)), 0, [&] { return std::to_string(i); });
}

TEST(Shuffles, OfOtherTypes) {
  const std::vector<u32> words = random_words(2 * kLanes, 11);
  std::vector<unsigned long long> long_values(kLanes);
  for (std::size_t i = 0; i < kLanes; ++i)
    long_values[i] = static_cast<unsigned long long>(words[i]) << 32 | words[kLanes + i];
  check_rotation(long_values);
  check_rotation(as<double>(long_values));
  check_rotation(as<float>(random_words(kLanes, 12)));
  check_rotation(as<__half2>(random_words(kLanes, 13)));
}

}  // namespace
}  // namespace emulator::self_test

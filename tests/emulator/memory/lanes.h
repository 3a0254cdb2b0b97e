#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_LANES_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_LANES_H

#include <cstdint>

namespace emulator {

constexpr int kWarpSize = 32;
constexpr int kMaxThreads = 1024;  // of a block
constexpr int kMaxWarps = kMaxThreads / kWarpSize;

using LaneMask = std::uint32_t;  // bit l: lane l
constexpr LaneMask kAllLanes = ~LaneMask{0};

/// A generic address as kernels see it.
using Address = std::uint64_t;

/// Calls body(lane) for each lane of the mask, lowest first.
template <class Body>
inline void for_each_lane(LaneMask mask, Body&& body) {
  for (; mask != 0; mask &= mask - 1) body(__builtin_ctz(mask));
}

}  // namespace emulator

#endif

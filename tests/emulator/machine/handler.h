#ifndef ARLOSS_TESTS_EMULATOR_MACHINE_HANDLER_H
#define ARLOSS_TESTS_EMULATOR_MACHINE_HANDLER_H

#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#include "machine/warp.h"

namespace emulator {

/// How a row holds a T: in 4 bytes, or in 8.
template <class T>
using Slot = std::conditional_t<sizeof(T) <= 4, std::uint32_t, std::uint64_t>;

template <class T>
inline T from_slot(Slot<T> slot) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(slot);
  } else {
    T value;
    std::memcpy(&value, &slot, sizeof value);
    return value;
  }
}

/// Signed values are extended to the whole slot, so that a wider reader of the register sees the same number.
template <class T>
inline Slot<T> to_slot(T value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<Slot<T>>(value);
  } else {
    Slot<T> slot = 0;
    std::memcpy(&slot, &value, sizeof value);
    return slot;
  }
}

/// Handler that applies Operation::apply to the sources of each lane: operand 0 is the result, the sources follow.
template <class Operation, class Result, class... Sources>
struct EachLane {
  template <std::size_t... k>
  static void apply(Warp& warp, const Instruction& instruction, LaneMask lanes, std::index_sequence<k...>) {
    auto* const result = warp.row<Slot<Result>>(instruction.operands[0]);
    const std::tuple<const Slot<Sources>*...> sources{warp.row<Slot<Sources>>(instruction.operands[k + 1])...};
    const auto one_lane = [&](int lane) {
      result[lane] = to_slot<Result>(Operation::apply(from_slot<Sources>(std::get<k>(sources)[lane])...));
    };
    // All lanes at once is what the compiler turns into vector instructions.
    if (lanes == kAllLanes) {
#pragma GCC ivdep
      for (int lane = 0; lane < kWarpSize; ++lane) one_lane(lane);
    } else {
      for_each_lane(lanes, one_lane);
    }
  }
  static void run(Warp& warp, const Instruction& instruction, LaneMask lanes) {
    apply(warp, instruction, lanes, std::index_sequence_for<Sources...>{});
  }
};

/// Of an operation whose result and sources are all of one type.
template <class Operation, class T, std::size_t num_sources>
constexpr Handler handler_of_type() {
  static_assert(num_sources >= 1 && num_sources <= 3);
  if constexpr (num_sources == 1) return EachLane<Operation, T, T>::run;
  if constexpr (num_sources == 2) return EachLane<Operation, T, T, T>::run;
  if constexpr (num_sources == 3) return EachLane<Operation, T, T, T, T>::run;
}

/// The same for a predicate: Operation::apply says yes or no.
template <class Operation, class... Sources>
struct EachLaneTest {
  template <std::size_t... k>
  static LaneMask apply(Warp& warp, const Instruction& instruction, LaneMask lanes, std::size_t first,
                        std::index_sequence<k...>) {
    const std::tuple<const Slot<Sources>*...> sources{warp.row<Slot<Sources>>(instruction.operands[first + k])...};
    LaneMask yes = 0;
    const auto one_lane = [&](int lane) {
      yes |= static_cast<LaneMask>(Operation::apply(from_slot<Sources>(std::get<k>(sources)[lane])...)) << lane;
    };
    if (lanes == kAllLanes) {
      for (int lane = 0; lane < kWarpSize; ++lane) one_lane(lane);
    } else {
      for_each_lane(lanes, one_lane);
    }
    return yes;
  }
};

}  // namespace emulator

#endif

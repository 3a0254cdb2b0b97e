#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_CLOCKS_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_CLOCKS_H

#include <array>
#include <cstdint>

#include "memory/lanes.h"

namespace emulator {

/// Counts, for one lane and within one barrier interval of its block, the points up to which others may know what it
/// did. It begins at 1. 21 bits, as memory keeps clock and thread in one word.
using Clock = std::int32_t;
constexpr Clock kMaxClock = (Clock{1} << 21) - 1;

/// The vector clocks of a warp's lanes. As long as all lanes met at all barriers, which is nearly always, they are
/// two numbers: `clock` of every lane, and `known`, up to which each lane knows every other.
class WarpClocks {
 public:
  void start(LaneMask lanes);

  LaneMask lanes() const { return lanes_; }
  bool is_uniform() const { return is_uniform_; }
  Clock clock(int lane) const { return is_uniform_ ? clock_ : clocks_[kPadding + static_cast<std::size_t>(lane)]; }
  /// What of `other` is ordered before what `lane` does next.
  Clock known(int lane, int other) const {
    if (lane == other) return clock(lane);
    return is_uniform_ ? known_ : rows_[static_cast<std::size_t>(lane)][static_cast<std::size_t>(other)];
  }
  Clock uniform_clock() const { return clock_; }
  Clock uniform_known() const { return known_; }
  /// Clock of lane l at [l]; may be read from 4 lanes before the first to 4 behind the last.
  const Clock* clocks() const { return clocks_.data() + kPadding; }

  void barrier(LaneMask lanes);
  /// What the lanes do from here on is not what they did before, though nobody knows yet.
  void advance(LaneMask lanes);
  /// Gives all lanes one clock, the latest of theirs, and returns it; what they do next is later.
  Clock gather(bool learn_each_other);

 private:
  static constexpr std::size_t kPadding = 4;

  void leave_uniform();
  void join(LaneMask lanes);
  Clock latest() const;

  LaneMask lanes_ = 0;
  bool is_uniform_ = true;
  Clock clock_ = 1, known_ = 0;
  std::array<Clock, kWarpSize + 2 * kPadding> clocks_{};
  std::array<std::array<Clock, kWarpSize>, kWarpSize> rows_{};
};

/// The clocks of a block, for one barrier interval.
class BlockClocks {
 public:
  /// Of a block of `num_threads` threads.
  void start(int num_threads);
  /// A barrier of the whole block: everything before it is an epoch that has ended.
  void restart();

  WarpClocks& warp(int index) { return warps_[static_cast<std::size_t>(index)]; }
  const WarpClocks& warp(int index) const { return warps_[static_cast<std::size_t>(index)]; }
  int num_warps() const { return num_warps_; }

  void named_barrier(std::uint32_t arrived_warps, std::uint32_t waiting_warps);
  /// Whether a named barrier was used in this interval; without one no warp knows another.
  bool has_named() const { return has_named_; }
  /// What of all lanes of warp `other` is ordered before what warp `warp` does next.
  Clock known_warp(int warp, int other) const {
    return has_named_ ? known_[static_cast<std::size_t>(warp)][static_cast<std::size_t>(other)] : 0;
  }
  /// What of a lane of any warp is ordered before what a lane does next.
  Clock known(int warp, int lane, int other_warp, int other_lane) const {
    return warp == other_warp ? this->warp(warp).known(lane, other_lane) : known_warp(warp, other_warp);
  }

 private:
  using WarpRow = std::array<Clock, kMaxWarps>;

  int num_warps_ = 0;
  bool has_named_ = false;
  std::array<WarpClocks, kMaxWarps> warps_;
  std::array<WarpRow, kMaxWarps> known_{};
};

}  // namespace emulator

#endif

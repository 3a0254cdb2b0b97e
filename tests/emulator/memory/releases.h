#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_RELEASES_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_RELEASES_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "memory/clocks.h"
#include "memory/epochs.h"
#include "memory/lanes.h"

namespace emulator {

/// A recorded access as far as memory remembers it: kUnknown for a warp or lane it does not.
struct Recorded {
  static constexpr int kUnknown = -1;
  Epoch epoch;
  int warp, lane;
  Clock clock;
};

/// What orders blocks of one launch: a thread that executes a fence and then an atomic publishes, at the address of the
/// atomic, what was visible to the device at its fence; who executes an atomic there later is ordered after it. An
/// atomic without a fence takes over and publishes nothing, and a write between the fence and the atomic stays private.
class Releases {
 public:
  void begin_launch();
  void begin_block(std::uint32_t block_run, int num_threads);
  /// All of the block take over what any of its threads has taken over.
  void block_barrier();
  void warp_barrier(int warp, LaneMask lanes);
  void named_barrier(std::uint32_t arrived_warps, std::uint32_t waiting_warps);

  /// Everything ordered before these lanes is visible from here on.
  void fence(const BlockClocks& clocks, Epoch now, int warp, LaneMask lanes);
  /// A lane's atomic at `address`.
  void atomic(const BlockClocks& clocks, Epoch now, Address address, int warp, int lane);

  /// Whether what a run of a block did is ordered before a lane of the current one, through atomics.
  bool covers(std::uint32_t block_run, const Recorded& recorded, int warp, int lane) const;

 private:
  struct ThreadClock {
    int warp, lane;
    Clock clock;
  };
  /// Everything of a run of a block before `epoch`, and in `epoch` what is listed.
  struct Release {
    std::uint32_t block_run;
    Epoch epoch;
    std::vector<ThreadClock> threads;
    bool covers(const Recorded& recorded) const;
  };
  struct Place;
  /// The first `count` releases at a place.
  struct Taken {
    const Place* place;
    std::size_t count;
  };
  /// What the thread of release number `release` had taken over elsewhere.
  struct Handed {
    std::size_t release;
    Taken taken;
  };
  /// All releases at one address.
  struct Place {
    std::vector<Release> releases;
    std::unordered_map<std::uint32_t, std::vector<std::size_t>> by_block_run;
    std::vector<Handed> handed;
  };
  using Takings = std::vector<Taken>;

  static bool add(Takings& takings, const Taken& taken);
  static void add_all(Takings& takings, const Takings& more);
  static bool covers(const Taken& taken, std::uint32_t block_run, const Recorded& recorded);
  static bool covers_handed(Takings open, std::uint32_t block_run, const Recorded& recorded);
  Release release_of(const BlockClocks& clocks, Epoch now, int warp, int lane) const;
  Takings& takings(int warp, int lane) { return taken_by_lane_[static_cast<std::size_t>(warp * kWarpSize + lane)]; }
  const Takings& takings(int warp, int lane) const {
    return taken_by_lane_[static_cast<std::size_t>(warp * kWarpSize + lane)];
  }

  std::unordered_map<Address, Place> places_;

  std::uint32_t block_run_ = 0;
  int num_threads_ = 0;
  std::array<LaneMask, kMaxWarps> fenced_{};
  // What is visible: all before this epoch, and in it each thread up to its clock.
  Epoch visible_epoch_ = 0;
  std::array<Clock, kMaxThreads> visible_{};

  Takings taken_by_block_;
  std::array<Takings, kMaxThreads> taken_by_lane_;
  std::uint32_t taking_warps_ = 0;  // that have lanes with takings of their own
};

}  // namespace emulator

#endif

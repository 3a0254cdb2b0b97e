/// The checker against the plain model of what races mean, on random programs. A program ends with its first race:
/// after it a checker that keeps one write and one set of readers per byte need not say the same.
#include "race_model.h"

#include <random>

#include "checked_block.h"

namespace emulator {
namespace {

/// What a random program is made of.
struct Mix {
  bool is_shared;
  bool has_atomics;
  bool has_partial_warps;  // barriers of some lanes
  bool has_named_barriers;
  bool has_blocks;  // several, with fences between them
};

class RaceModelTest : public CheckedBlock {
 protected:
  struct Outcome {
    int agreed_races = 0, agreed_clean = 0, missed = 0, invented = 0;
  };

  Outcome run(const Mix& mix, int num_programs) {
    Outcome outcome;
    device_ = device(kDataBytes + 16);
    for (int program = 0; program < num_programs; ++program) {
      random_.seed(static_cast<std::uint32_t>(program));
      next_launch();
      run_program(mix, outcome);
    }
    expects_reports_ = true;
    return outcome;
  }

 private:
  static constexpr Address kDataBytes = 32;
  static constexpr int kSteps = 150;
  static constexpr AccessKind kKinds[] = {AccessKind::kRead, AccessKind::kRead, AccessKind::kRead, AccessKind::kWrite,
                                          AccessKind::kAtomic};

  int below(int count) { return static_cast<int>(random_() % static_cast<std::uint32_t>(count)); }
  LaneMask some_lanes() { return static_cast<LaneMask>(1 + below((1 << RaceModel::kLanes) - 1)); }
  std::uint32_t some_warps() { return static_cast<std::uint32_t>(1 + below((1 << RaceModel::kWarps) - 1)); }

  void run_program(const Mix& mix, Outcome& outcome) {
    RaceModel model;
    for (int step = 0; step < kSteps; ++step) {
      Reports::get().clear();
      const bool expected = take_step(mix, model);
      bool found = false;
      for (const Kind kind : reported()) found |= kind == Kind::kSharedRace || kind == Kind::kGlobalRace;
      if (expected != found) {
        ++(expected ? outcome.missed : outcome.invented);
        return;
      }
      if (expected) {
        ++outcome.agreed_races;
        return;
      }
    }
    ++outcome.agreed_clean;
  }

  /// True where the model finds a race.
  bool take_step(const Mix& mix, RaceModel& model) {
    const int choice = below(100);
    const int warp = below(RaceModel::kWarps);
    if (choice < 60) return access_data(mix, model, warp);
    if (choice < 75) {
      const LaneMask lanes = mix.has_partial_warps && below(2) == 0 ? some_lanes() : kAllLanes;
      memory_.warp_barrier(warp, lanes);
      model.warp_barrier(warp, lanes);
    } else if (choice < 82) {
      memory_.block_barrier();
      model.block_barrier();
    } else if (choice < 90 && mix.has_named_barriers) {
      const std::uint32_t arrived = some_warps(), waiting = arrived & some_warps();
      memory_.named_barrier(arrived, waiting);
      model.named_barrier(arrived, waiting);
    } else if (choice < 93 && mix.has_blocks) {
      const LaneMask lanes = below(2) == 0 ? some_lanes() : kAllLanes;
      memory_.fence(warp, lanes);
      model.fence(warp, lanes);
    } else if (choice < 98 && mix.has_blocks) {
      return access_counter(model, warp);
    } else if (mix.has_blocks) {
      next_block();
      model.next_block();
    }
    return false;
  }

  /// An instruction of some lanes: neighbouring places, one place, or places in reverse.
  bool access_data(const Mix& mix, RaceModel& model, int warp) {
    const int kinds = mix.has_atomics ? 5 : 4;
    const AccessKind kind = kKinds[below(kinds)];
    const auto bytes = static_cast<std::uint32_t>(1 << below(5));
    const LaneMask lanes = bytes < 16 && below(2) == 0 ? some_lanes() : LaneMask{1} << below(RaceModel::kLanes);
    const int step = below(3) - 1;
    const auto places = static_cast<int>(kDataBytes / bytes);
    const int first = below(places);
    bool races = false;
    Address addresses[kWarpSize] = {};
    for_each_lane(lanes, [&](int lane) {
      const auto place = static_cast<Address>(((first + step * lane) % places + places) % places);
      addresses[lane] = (mix.is_shared ? kS : device_) + place * bytes;
      races |= model.access(kind, mix.is_shared, warp, lane, addresses[lane], bytes);
    });
    // Nearly all racing accesses are left out, so that programs become long.
    if (races && below(30) != 0) {
      model.undo();
      return false;
    }
    model.keep();
    const Space space = mix.is_shared ? Space::kShared : Space::kGlobal;
    memory_.access({kind, space, false, warp, lanes, bytes, 1}, addresses, places_);
    if (kind == AccessKind::kAtomic && !mix.is_shared)
      for_each_lane(lanes, [&](int lane) { model.atomic(warp, lane, addresses[lane]); });
    return races;
  }

  bool access_counter(RaceModel& model, int warp) {
    const int lane = below(RaceModel::kLanes);
    const Address counter = device_ + kDataBytes + static_cast<Address>(below(2)) * 8;
    model.atomic(warp, lane, counter);
    const bool races = model.access(AccessKind::kAtomic, false, warp, lane, counter, 4);
    model.keep();
    atomic(warp, lane, counter);
    return races;
  }

  std::mt19937 random_;
  Address device_ = 0;
};

TEST_F(RaceModelTest, SharedMemory) {
  for (const bool has_partial_warps : {false, true}) {
    for (const bool has_named_barriers : {false, true}) {
      const Outcome outcome = run({true, false, has_partial_warps, has_named_barriers, false}, 1000);
      EXPECT_EQ(outcome.invented, 0);
      EXPECT_EQ(outcome.missed, 0);
      EXPECT_GT(outcome.agreed_races, 300);
      EXPECT_GT(outcome.agreed_clean, 300);
    }
  }
}

// A read replaces the atomics it comes after, of which one is remembered: a later access may be ordered after that one
// only. It takes two atomics without order, then a read ordered after both, and an access ordered after one.
TEST_F(RaceModelTest, SharedMemoryWithAtomics) {
  const Outcome outcome = run({true, true, true, true, false}, 3000);
  EXPECT_EQ(outcome.invented, 0);
  EXPECT_LT(outcome.missed, outcome.agreed_races / 50);
  EXPECT_GT(outcome.agreed_clean, 300);
}

// Two readers of different blocks are remembered: with three, a write may be ordered after those two only.
TEST_F(RaceModelTest, DeviceMemory) {
  for (const bool has_partial_warps : {false, true}) {
    for (const bool has_named_barriers : {false, true}) {
      const Outcome outcome = run({false, false, has_partial_warps, has_named_barriers, true}, 1000);
      EXPECT_EQ(outcome.invented, 0);
      EXPECT_LT(outcome.missed, outcome.agreed_races / 50);
      EXPECT_GT(outcome.agreed_clean, 200);
    }
  }
}

TEST_F(RaceModelTest, DeviceMemoryWithAtomics) {
  const Outcome outcome = run({false, true, true, true, true}, 3000);
  EXPECT_EQ(outcome.invented, 0);
  EXPECT_LT(outcome.missed, outcome.agreed_races / 50);
  EXPECT_GT(outcome.agreed_clean, 300);
}

}  // namespace
}  // namespace emulator

#ifndef ARLOSS_TESTS_EMULATOR_MACHINE_SCHEDULE_H
#define ARLOSS_TESTS_EMULATOR_MACHINE_SCHEDULE_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "machine/schedule_random.h"
#include "memory/lanes.h"

namespace emulator {

/// In which order things run that CUDA leaves open: blocks of a grid, warps of a block, lanes of a warp. Drawn from the
/// seed and the block alone, so that a seed means the same schedule in every run.
class Schedule {
 public:
  Schedule(std::uint64_t seed, std::uint32_t block);

  /// The warp to run, of those in `ready` (not 0), and whether it may run until it blocks.
  int pick_warp(std::uint32_t ready);
  /// How many instructions the picked group runs before another may.
  std::uint32_t quantum();
  /// True with probability 1 / n: drawing for each of n candidates in turn picks one of them evenly.
  bool one_in(std::size_t n) { return random_.below(n) == 0; }
  /// Lanes of a group that leave a meeting point together and shall run on apart from the rest; 0: all stay together.
  LaneMask split(LaneMask lanes);
  /// Whether groups of a warp that meet at an instruction run on as one.
  bool merges() const { return style_ != Style::kLanesApart; }

 private:
  enum class Style {
    kInOrder,      // lowest warp first, until it blocks
    kReverse,      // highest warp first
    kFarAhead,     // one warp, drawn anew when it blocks, as far ahead as it gets
    kInterleaved,  // warps change after a few instructions
    kLanesApart,   // as kInterleaved, and lanes of a warp run apart until something makes them meet
  };
  Style style_;
  Random random_;
  int last_warp_ = 0;
};

/// The order in which blocks are started.
std::vector<std::uint32_t> block_order(std::uint64_t seed, std::uint32_t num_blocks);

}  // namespace emulator

#endif

#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_GRID_WAITS_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_GRID_WAITS_H

#include <array>
#include <vector>

#include "memory/clocks.h"
#include "memory/epochs.h"
#include "memory/lanes.h"
#include "memory/releases.h"

namespace emulator {

/// Who has executed griddepcontrol.wait in a launch that may overlap the kernel before it. It is kept as accesses are:
/// what is ordered after anybody's wait is ordered after what it waited for.
class GridWaits {
 public:
  /// Launches that overlap nothing need no wait.
  void begin_launch(bool may_overlap);
  void begin_block();
  /// After one, the whole block has waited if anybody had.
  void block_barrier();
  void wait(const BlockClocks& clocks, Epoch now, int warp, LaneMask lanes);

  /// Whether these lanes have, themselves or through a barrier of the block; false where other order has to be asked.
  bool have_waited(int warp, LaneMask lanes) const { return (lanes & ~waited_[static_cast<std::size_t>(warp)]) == 0; }
  /// All waits of the launch so far, as far as other order is to be asked.
  const std::vector<Recorded>& all() const { return all_; }

 private:
  bool may_overlap_ = false;
  bool has_any_in_block_ = false;
  std::array<LaneMask, kMaxWarps> waited_{};
  std::vector<Recorded> all_;
};

}  // namespace emulator

#endif

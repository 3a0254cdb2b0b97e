#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_READ_SETS_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_READ_SETS_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory/clocks.h"
#include "memory/lanes.h"

namespace emulator {

/// Lanes of a warp that read a cell at the same clock.
struct Readers {
  int warp;
  LaneMask lanes;
  Clock clock;
  std::uint32_t site;
};

/// Readers of cells for which a quad's fields do not suffice: several warps where named barriers order some of them,
/// or lanes of a warp at different clocks. They are numbered anew in every epoch.
class ReadSets {
 public:
  using Set = std::vector<Readers>;

  void clear() { used_ = 0; }

  /// The number of a new, empty set that belongs to `cell`.
  std::int32_t open(const void* cell) {
    if (used_ == owned_.size()) owned_.emplace_back();
    owned_[used_].cell = cell;
    owned_[used_].set.clear();
    return static_cast<std::int32_t>(used_++);
  }

  Set& operator[](std::int32_t number) { return owned_[static_cast<std::size_t>(number)].set; }
  const Set& operator[](std::int32_t number) const { return owned_[static_cast<std::size_t>(number)].set; }
  /// A word that is split leaves its set to the cells of its bytes; each needs one of its own before it adds to it.
  bool belongs_to(std::int32_t number, const void* cell) const {
    return owned_[static_cast<std::size_t>(number)].cell == cell;
  }

 private:
  struct Owned {
    const void* cell = nullptr;
    Set set;
  };
  std::vector<Owned> owned_;
  std::size_t used_ = 0;
};

}  // namespace emulator

#endif

#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_WINDOW_CHECK_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_WINDOW_CHECK_H

#include <cstddef>
#include <cstdint>

#include "memory/access_report.h"
#include "memory/block_memory.h"
#include "memory/block_order.h"
#include "memory/cell_check.h"
#include "memory/quad_check.h"
#include "memory/shadow.h"
#include "memory/shared_layout.h"

namespace emulator {

/// A range of addresses with the bytes behind them and their shadow.
struct Window {
  bool is_shared;
  bool is_locked;  // other host threads check it, too
  Address begin;
  std::size_t size;
  std::byte* bytes;
  Shadow* shadow;

  /// Whether [address, address + num_bytes) lies in it.
  bool contains(Address address, std::size_t num_bytes) const {
    return address - begin < size && num_bytes <= size - (address - begin);
  }
};

/// Whether an address is a multiple of a size, a power of two.
constexpr bool is_aligned(Address address, std::uint32_t bytes) { return (address & (bytes - 1)) == 0; }

/// Checks and records accesses to a window, whichever cells and states its words have. Positions are aligned to the
/// bytes of a lane and inside the window. Throws LaunchFailure, after its report, outside allocations.
class WindowCheck {
 public:
  WindowCheck(const BlockOrder& order, const SharedLayout& layout, const AccessReport& report)
      : order_(order), layout_(layout), report_(report), cells_(order, report) {}

  /// What the accesses of a warp to one window have in common.
  struct Job {
    const Window* window;
    const Horizon* horizon;
    WarpAccess access;
    QuadAccess quad_access;
  };
  /// Holds until the next barrier, fence or wait.
  Job job(const Window& window, const WarpAccess& access) const {
    const Horizon& horizon = window.is_shared ? order_.shared() : order_.device(access.warp, access.lanes);
    return {&window, &horizon, access,
            QuadAccess(horizon, order_, order_.clocks().warp(access.warp), access.warp, access.site)};
  }

  /// Lanes [first_lane, first_lane + num_lanes) access one place after the other.
  void check_run(const Job& job, int first_lane, int num_lanes, std::size_t position);
  /// The lanes access the same place: one lane, or reads or atomics of lanes with one clock.
  void check_place(const Job& job, LaneMask lanes, std::size_t position);
  /// As check_place, of one lane and with any number of bytes.
  void check_range(Job job, int lane, std::size_t position, std::size_t bytes);

  /// A lane's part of an access, for reports.
  LaneAccess lane_access(const Window& window, const WarpAccess& access, int lane, std::size_t position) const;
  void begin_epoch() { cells_.begin_epoch(); }

 private:
  template <class Lanes>
  void check_words(const Job& job, std::size_t first, std::size_t end, const Lanes& lanes);
  template <class Lanes>
  void check_bytes(const Job& job, std::size_t first, std::size_t end, const Lanes& lanes);
  template <class Lanes>
  void check_cells(const Job& job, const Plane& plane, std::size_t first, std::size_t end, const Lanes& lanes);
  template <AccessKind kKind, class Lanes>
  void check_cells_of(const Job& job, const Plane& plane, std::size_t first, std::size_t end, const Lanes& lanes);

  void check_slowly(const Job& job, const Plane& plane, std::size_t quad, const Int4& cells, const QuadLanes& lanes);
  void check_unplain_word(const Job& job, std::size_t word, const QuadLanes& lanes);
  /// Makes the byte cells of a word hold. False, and reported, where an asynchronous copy is in flight to it.
  bool split_word(const Job& job, std::size_t word, std::size_t first_byte, std::size_t end_byte,
                  const QuadLanes& lanes);
  void report_pending(const Job& job, std::size_t position, LaneMask lanes);
  bool is_allocated(const Window& window, std::size_t position) const;
  bool can_join(const Job& job, std::size_t word) const;

  const BlockOrder& order_;
  const SharedLayout& layout_;
  const AccessReport& report_;
  CellCheck cells_;
};

}  // namespace emulator

#endif

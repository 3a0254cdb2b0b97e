#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_QUAD_CHECK_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_QUAD_CHECK_H

#include <array>
#include <cstddef>
#include <cstdint>

#include "memory/block_memory.h"
#include "memory/block_order.h"
#include "memory/clocks.h"
#include "memory/lanes.h"
#include "memory/quad.h"
#include "memory/shadow.h"

namespace emulator {

// Four cells are checked and recorded at once where nothing is unusual, which is where nearly all of the emulator's
// accesses end: 32 lanes in some 200 cycles. Everything else is for CellCheck, cell by cell.

/// Which lanes access the four cells.
struct QuadLanes {
  Int4 threads;  // in the block; -1 where several lanes read one cell
  Int4 bits;     // of the lanes in their warp
  Int4 clocks;
};

/// What all cells of one access of a warp have in common.
struct QuadAccess {
  QuadAccess(const Horizon& horizon, const BlockOrder& order, const WarpClocks& clocks, int warp_index,
             std::uint32_t site_number)
      : initialised_from(spread(horizon.initialised_from)),
        settled(spread(horizon.settled)),
        own_begin(spread(horizon.own_begin)),
        now(spread(horizon.now)),
        warp(spread(warp_index)),
        warp_bit(spread(static_cast<std::int32_t>(std::uint32_t{1} << warp_index))),
        known(spread(clocks.is_uniform() ? clocks.uniform_known() : -1)),
        site(spread(static_cast<std::int32_t>(site_number))),
        only_self(spread(clocks.is_uniform() ? 0 : -1)),
        only_warp(spread(order.clocks().has_named() ? -1 : 0)),
        own(horizon.has_all_own ? nullptr : &order) {}

  Int4 initialised_from, settled, own_begin, now;
  Int4 warp, warp_bit;
  Int4 known;  // up to which the warp's lanes know each other; -1 where that differs
  Int4 site;
  Int4 only_self;         // set: readers of the own warp are joined only by the same lane
  Int4 only_warp;         // set: readers of this epoch are joined only where all are of the own warp
  const BlockOrder* own;  // null: no epoch outside the horizon is this block's

  Int4 is_past(Int4 epoch) const { return (epoch < settled) | ((epoch >= own_begin) & (epoch < now)); }
  bool is_any_own(Int4 epochs) const {
    return own != nullptr &&
           (own->is_own(epochs[0]) || own->is_own(epochs[1]) || own->is_own(epochs[2]) || own->is_own(epochs[3]));
  }
  /// Where the last write is this thread's own or known to it; only for epoch `now`.
  Int4 is_known_write(const Quad& quad, const QuadLanes& lanes) const {
    const Int4 by = load(quad.write_by);
    const Int4 thread = by & ((1 << Quad::kThreadBits) - 1);
    return (thread == lanes.threads) | (((thread >> 5) == warp) & ((by >> Quad::kThreadBits) <= known));
  }
};

/// Reads, or atomics, of the cells in `cells` (all ones). False, and nothing recorded, where CellCheck must look.
template <AccessKind kKind>
[[gnu::always_inline]] inline bool read_quad(Quad& quad, Plane::Others& others, Int4 cells, const QuadLanes& lanes,
                                             const QuadAccess& access) {
  constexpr std::int32_t kFlags = kKind == AccessKind::kAtomic ? Quad::kAtomicReaders : 0;
  const Int4 written = load(quad.write_epoch);
  Int4 fine = access.is_past(written) & (written >= access.initialised_from);
  if (!is_zero(cells & ~fine)) {
    fine |= (written == access.now) & access.is_known_write(quad, lanes);
    if (!is_zero(cells & ~fine)) return false;
  }

  const Int4 epoch = load(quad.read_epoch), bits = load(quad.read_lanes), warps = load(quad.read_warps);
  const Int4 clock = load(quad.read_clock), site = load(quad.read_site);
  const Int4 is_now = epoch == access.now, is_past = access.is_past(epoch), is_alone = warps == access.warp_bit;
  const Int4 joins =
      is_now & ((is_alone & (~access.only_self | (bits == lanes.bits))) | (~is_alone & ~access.only_warp));
  const Int4 is_foreign = ~(is_past | is_now);
  const Int4 flags = site >> Quad::kSiteBits;
  Int4 is_alike = (flags == (kFlags >> Quad::kSiteBits)) & (is_past | joins | is_foreign);
  if constexpr (kKind == AccessKind::kAtomic) is_alike |= (flags == 0) & is_past & access.is_past(load(others));
  if (!is_zero(cells & ~is_alike)) return false;

  const Int4 moved = cells & is_foreign;
  if (!is_zero(moved)) {
    if (access.is_any_own(moved & epoch)) return false;
    store(others, select(moved, epoch, load(others)));
  }
  const Int4 kept = is_now & is_alone & (clock > access.known);
  store(quad.read_epoch, select(cells, access.now, epoch));
  store(quad.read_lanes, select(cells, (bits & kept) | lanes.bits, bits));
  store(quad.read_warps, select(cells, (warps & is_now) | access.warp_bit, warps));
  store(quad.read_clock, select(cells, lanes.clocks, clock));
  store(quad.read_site, select(cells, access.site | kFlags, site));
  return true;
}

/// Writes of the cells in `cells`. False, and nothing recorded, where CellCheck must look.
[[gnu::always_inline]] inline bool write_quad(Quad& quad, Plane::Others& others, Int4 cells, const QuadLanes& lanes,
                                              const QuadAccess& access) {
  const Int4 written = load(quad.write_epoch);
  Int4 fine = access.is_past(written);
  if (!is_zero(cells & ~fine)) {
    fine |= (written == access.now) & access.is_known_write(quad, lanes);
    if (!is_zero(cells & ~fine)) return false;
  }

  const Int4 epoch = load(quad.read_epoch), site = load(quad.read_site);
  Int4 quiet = access.is_past(epoch);
  if (!is_zero(cells & ~quiet)) {
    const Int4 is_own = (load(quad.read_lanes) == lanes.bits) | (load(quad.read_clock) <= access.known);
    quiet |= (epoch == access.now) & (load(quad.read_warps) == access.warp_bit) & is_own;
  }
  quiet &= ((site >> Quad::kSiteBits) == 0) & access.is_past(load(others));
  if (!is_zero(cells & ~quiet)) return false;

  store(quad.write_epoch, select(cells, access.now, written));
  store(quad.write_by, select(cells, (lanes.clocks << Quad::kThreadBits) | lanes.threads, load(quad.write_by)));
  store(quad.write_site, select(cells, access.site, load(quad.write_site)));
  return true;
}

/// The same lanes at every cell: one lane, or all that read one place.
class OneLane {
 public:
  OneLane(int warp, int lane, Clock clock)
      : lanes_{spread(warp * kWarpSize + lane), spread(static_cast<std::int32_t>(LaneMask{1} << lane)), spread(clock)} {
  }
  /// Lanes with one clock.
  OneLane(LaneMask lanes, Clock clock) : lanes_{spread(-1), spread(static_cast<std::int32_t>(lanes)), spread(clock)} {}

  const QuadLanes& operator()(std::size_t) const { return lanes_; }

 private:
  QuadLanes lanes_;
};

/// Lane after lane, each with 2^kShift cells, from cell `first_cell` and lane `first_lane`.
template <int kShift>
class LaneAfterLane {
 public:
  LaneAfterLane(int warp, int first_lane, std::size_t first_cell, const WarpClocks& clocks)
      : first_cell_(static_cast<std::ptrdiff_t>(first_cell)),
        first_lane_(first_lane),
        first_thread_(spread(warp * kWarpSize)),
        clock_(spread(clocks.uniform_clock())),
        clocks_(clocks.is_uniform() ? nullptr : clocks.clocks()) {}

  [[gnu::always_inline]] QuadLanes operator()(std::size_t quad) const {
    // Cells of the first quad that lie before the first cell give lanes before the first one; they are masked out.
    const auto offset = static_cast<std::ptrdiff_t>(quad * Quad::kCells) - first_cell_;
    const std::ptrdiff_t lane = first_lane_ + (offset >> kShift);
    const Int4 lanes = spread(static_cast<std::int32_t>(lane)) + (Int4{0, 1, 2, 3} >> kShift);
    const Int4 clocks = clocks_ == nullptr ? clock_ : spread_out(clocks_ + lane);
    return {first_thread_ + lanes, spread_out(kBits.data() + kPadding + lane), clocks};
  }

 private:
  static constexpr std::size_t kPadding = 4;

  static constexpr std::array<std::int32_t, kWarpSize + 2 * kPadding> bit_table() {
    std::array<std::int32_t, kWarpSize + 2 * kPadding> bits{};
    for (std::size_t lane = 0; lane < kWarpSize; ++lane)
      bits[kPadding + lane] = static_cast<std::int32_t>(std::uint32_t{1} << lane);
    return bits;
  }
  static constexpr std::array<std::int32_t, kWarpSize + 2 * kPadding> kBits = bit_table();

  /// The values of the four cells' lanes.
  static Int4 spread_out(const std::int32_t* from) {
    if constexpr (kShift == 0) return load(from);
    if constexpr (kShift == 1) return Int4{from[0], from[0], from[1], from[1]};
    return spread(from[0]);
  }

  std::ptrdiff_t first_cell_;
  std::ptrdiff_t first_lane_;
  Int4 first_thread_, clock_;
  const Clock* clocks_;
};

}  // namespace emulator

#endif

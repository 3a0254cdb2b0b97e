#include "memory/cell_check.h"

#include <algorithm>

namespace emulator {
namespace {

constexpr LaneMask bit(int lane) { return LaneMask{1} << lane; }

LaneMask lanes_of(std::int32_t mask) { return static_cast<LaneMask>(mask); }

bool is_single(std::int32_t mask) { return (lanes_of(mask) & (lanes_of(mask) - 1)) == 0; }

bool are_atomics(Cell& cell) { return (cell.read_site() & Quad::kAtomicReaders) != 0; }
bool is_set(Cell& cell) { return (cell.read_site() & Quad::kReadSet) != 0; }

std::uint32_t site_of(std::int32_t site_and_flags) {
  return static_cast<std::uint32_t>(site_and_flags & ((1 << Quad::kSiteBits) - 1));
}

void clear_readers(Cell& cell) {
  cell.read_epoch() = 0;
  cell.read_site() = 0;
  cell.other_epoch() = 0;
}

Recorded last_write(Cell& cell) {
  const int thread = cell.write_by() & ((1 << Quad::kThreadBits) - 1);
  return {cell.write_epoch(), thread / kWarpSize, thread % kWarpSize, cell.write_by() >> Quad::kThreadBits};
}

}  // namespace

void CellCheck::check(const Horizon& horizon, Cell cell, const LaneAccess& access) {
  switch (access.kind) {
    case AccessKind::kRead: return read(horizon, cell, access);
    case AccessKind::kWrite: return write(horizon, cell, access);
    case AccessKind::kAtomic: return atomic(horizon, cell, access);
  }
}

void CellCheck::read(const Horizon& horizon, Cell& cell, const LaneAccess& access) {
  check_written(horizon, cell, access);
  if (are_atomics(cell)) {
    check_readers(horizon, cell, access);
    write_atomics(cell);
  }
  add_reader(horizon, cell, access);
  cell.read_site() = static_cast<std::int32_t>(access.site) | (cell.read_site() & Quad::kReadSet);
}

void CellCheck::write(const Horizon& horizon, Cell& cell, const LaneAccess& access) {
  if (cell.write_epoch() >= horizon.initialised_from) check_write_order(cell, access);
  check_readers(horizon, cell, access);
  clear_readers(cell);
  const Clock clock = order_.clocks().warp(access.warp).clock(access.lane);
  cell.write_epoch() = order_.now();
  cell.write_by() = Quad::pack(clock, access.warp * kWarpSize + access.lane);
  cell.write_site() = static_cast<std::int32_t>(access.site);
}

void CellCheck::atomic(const Horizon& horizon, Cell& cell, const LaneAccess& access) {
  check_written(horizon, cell, access);
  if (!are_atomics(cell)) {
    check_readers(horizon, cell, access);
    clear_readers(cell);
  }
  add_reader(horizon, cell, access);
  cell.read_site() =
      static_cast<std::int32_t>(access.site) | Quad::kAtomicReaders | (cell.read_site() & Quad::kReadSet);
}

void CellCheck::check_written(const Horizon& horizon, Cell& cell, const LaneAccess& access) {
  if (cell.write_epoch() >= horizon.initialised_from) return check_write_order(cell, access);
  report_.uninitialised(access);
  cell.write_epoch() = horizon.initialised_from;
  cell.write_by() = 0;
  cell.write_site() = 0;
}

void CellCheck::check_write_order(Cell& cell, const LaneAccess& access) {
  const Recorded written = last_write(cell);
  if (order_.is_before(written, access.warp, access.lane)) return;
  const bool was_atomic = (cell.write_site() & Quad::kAtomicWrite) != 0;
  if (was_atomic && access.kind == AccessKind::kAtomic) return;
  report_.race(access, {was_atomic ? AccessKind::kAtomic : AccessKind::kWrite, written, site_of(cell.write_site())});
}

void CellCheck::check_readers(const Horizon& horizon, Cell& cell, const LaneAccess& access) {
  if (const auto reader = unordered_reader(horizon, cell, access)) report_.race(access, *reader);
}

std::optional<EarlierAccess> CellCheck::unordered_reader(const Horizon& horizon, Cell& cell, const LaneAccess& access) {
  if (!horizon.is_past(cell.read_epoch())) {
    for (const Readers& some : readers(cell)) {
      if (auto found = unordered_in(cell, some, access)) return found;
    }
  }
  if (horizon.is_past(cell.other_epoch())) return {};
  const Recorded other{cell.other_epoch(), Recorded::kUnknown, Recorded::kUnknown, 1};
  if (order_.is_before(other, access.warp, access.lane)) return {};
  return EarlierAccess{are_atomics(cell) ? AccessKind::kAtomic : AccessKind::kRead, other, site_of(cell.read_site())};
}

std::optional<EarlierAccess> CellCheck::unordered_in(Cell& cell, const Readers& readers, const LaneAccess& access) {
  const bool are_lanes_known = readers.lanes != 0;
  if (!are_lanes_known && cell.read_epoch() == order_.now() && readers.warp == access.warp) return {};
  const AccessKind kind = are_atomics(cell) ? AccessKind::kAtomic : AccessKind::kRead;
  std::optional<EarlierAccess> found;
  const auto look_at = [&](int lane) {
    const Recorded recorded{cell.read_epoch(), readers.warp, lane, readers.clock};
    if (!found && !order_.is_before(recorded, access.warp, access.lane))
      found = EarlierAccess{kind, recorded, readers.site};
  };
  if (are_lanes_known) {
    for_each_lane(readers.lanes, look_at);
  } else {
    look_at(Recorded::kUnknown);
  }
  return found;
}

ReadSets::Set CellCheck::readers(Cell& cell) const {
  if (is_set(cell) && cell.read_epoch() == order_.now()) return sets_[cell.read_lanes()];
  const std::uint32_t site = site_of(cell.read_site());
  if (!is_set(cell) && is_single(cell.read_warps()))
    return {{__builtin_ctz(lanes_of(cell.read_warps())), lanes_of(cell.read_lanes()), cell.read_clock(), site}};
  // Of several warps only that is known, and that they read before the first named barrier of the interval. A warp that
  // has since learnt of the others at such a barrier has met its own lanes there, too; one that has not races with
  // them.
  ReadSets::Set warps;
  for_each_lane(lanes_of(cell.read_warps()), [&](int warp) { warps.push_back({warp, 0, 1, site}); });
  return warps;
}

void CellCheck::add_reader(const Horizon& horizon, Cell& cell, const LaneAccess& access) {
  if (cell.read_epoch() == order_.now()) return join_readers(cell, access);
  if (!horizon.is_past(cell.read_epoch())) {
    for (const Readers& some : readers(cell)) {
      if (!unordered_in(cell, some, access)) continue;
      cell.other_epoch() = cell.read_epoch();
      break;
    }
  }
  cell.read_epoch() = order_.now();
  cell.read_lanes() = static_cast<std::int32_t>(bit(access.lane));
  cell.read_warps() = static_cast<std::int32_t>(bit(access.warp));
  cell.read_clock() = order_.clocks().warp(access.warp).clock(access.lane);
  cell.read_site() &= ~Quad::kReadSet;
}

void CellCheck::join_readers(Cell& cell, const LaneAccess& access) {
  const WarpClocks& clocks = order_.clocks().warp(access.warp);
  const Clock clock = clocks.clock(access.lane);
  const bool is_alone = lanes_of(cell.read_warps()) == bit(access.warp);
  if (is_set(cell) || (!is_alone && order_.clocks().has_named())) return add_to_set(cell, access);
  LaneMask lanes = bit(access.lane);
  if (is_alone && clocks.is_uniform()) {
    if (cell.read_clock() > clocks.uniform_known()) lanes |= lanes_of(cell.read_lanes());
  } else if (is_alone) {
    if (cell.read_clock() != clock) return add_to_set(cell, access);
    lanes |= lanes_of(cell.read_lanes());
  }
  cell.read_lanes() = static_cast<std::int32_t>(lanes);
  cell.read_warps() |= static_cast<std::int32_t>(bit(access.warp));
  cell.read_clock() = clock;
}

void CellCheck::add_to_set(Cell& cell, const LaneAccess& access) {
  if (!is_set(cell) || !sets_.belongs_to(cell.read_lanes(), &cell.read_lanes())) {
    ReadSets::Set before = readers(cell);
    cell.read_lanes() = sets_.open(&cell.read_lanes());
    cell.read_site() |= Quad::kReadSet;
    for (Readers& some : before) {
      if (some.lanes == 0) some.lanes = order_.clocks().warp(some.warp).lanes();
    }
    sets_[cell.read_lanes()] = std::move(before);
  }
  ReadSets::Set& set = sets_[cell.read_lanes()];
  drop_ordered(set, access);
  const Clock clock = order_.clocks().warp(access.warp).clock(access.lane);
  const auto same = std::find_if(set.begin(), set.end(),
                                 [&](const Readers& some) { return some.warp == access.warp && some.clock == clock; });
  if (same == set.end()) {
    set.push_back({access.warp, bit(access.lane), clock, access.site});
  } else {
    same->lanes |= bit(access.lane);
  }
  cell.read_warps() = 0;
  for (const Readers& some : set) cell.read_warps() |= static_cast<std::int32_t>(bit(some.warp));
}

void CellCheck::drop_ordered(ReadSets::Set& set, const LaneAccess& access) const {
  for (Readers& some : set) {
    for_each_lane(some.lanes, [&](int lane) {
      if (order_.is_before({order_.now(), some.warp, lane, some.clock}, access.warp, access.lane))
        some.lanes &= ~bit(lane);
    });
  }
  set.erase(std::remove_if(set.begin(), set.end(), [](const Readers& some) { return some.lanes == 0; }), set.end());
}

/// Readers that follow atomics replace them in the cell, and yet race with them where they are not ordered after them:
/// one of the atomics takes the place of the last write.
void CellCheck::write_atomics(Cell& cell) {
  if (cell.read_epoch() != 0) {
    const Readers first = readers(cell).front();
    const int lane = first.lanes == 0 ? 0 : __builtin_ctz(first.lanes);
    cell.write_epoch() = cell.read_epoch();
    cell.write_by() = Quad::pack(first.clock, first.warp * kWarpSize + lane);
    cell.write_site() = static_cast<std::int32_t>(first.site) | Quad::kAtomicWrite;
  }
  clear_readers(cell);
}

}  // namespace emulator

#include <cstdint>
#include <optional>

#include "memory/checker.h"
#include "memory/device_heap.h"
#include "report.h"

namespace emulator {
namespace {

constexpr Address kNullPage = 4096;

/// Whether place k of `count` begins k * step bytes behind the first, for all k.
bool are_neighbours(const Address* addresses, int count, std::uint32_t step) {
  Address wrong = 0;
  if (count == kWarpSize) {  // a count the compiler knows: vectorised
    for (std::uint32_t k = 0; k < kWarpSize; ++k) wrong |= addresses[k] ^ (addresses[0] + k * step);
  } else {
    for (std::uint32_t k = 0; k < static_cast<std::uint32_t>(count); ++k)
      wrong |= addresses[k] ^ (addresses[0] + k * step);
  }
  return wrong == 0;
}

bool are_equal(const Address* addresses, int count) {
  Address differing = 0;
  for (int k = 0; k < count; ++k) differing |= addresses[k] ^ addresses[0];
  return differing == 0;
}

std::byte* bytes_at(const Window& window, Address address) { return window.bytes + (address - window.begin); }

/// bytes[lane] = from + lane * step.
void set_bytes(LaneMask lanes, std::byte* from, std::uint32_t step, std::byte** bytes) {
  if (lanes == kAllLanes) {
    for (std::uint32_t lane = 0; lane < kWarpSize; ++lane) bytes[lane] = from + lane * step;
  } else {
    for_each_lane(lanes, [&](int lane) { bytes[lane] = from + static_cast<std::uint32_t>(lane) * step; });
  }
}

/// Lanes with one clock may read one place at once, and so may their atomics, which do not race.
bool may_share(const WarpAccess& access, const BlockOrder& order) {
  return access.kind != AccessKind::kWrite && order.clocks().warp(access.warp).is_uniform();
}

/// Checks lane by lane, and at once those neighbouring lanes that may share a place.
class SamePlace {
 public:
  SamePlace(WindowCheck& check, const WarpAccess& access, bool is_shareable)
      : check_(check), access_(access), is_shareable_(is_shareable) {}

  void add(const Window& window, std::size_t position, int lane) {
    const bool is_other = !job_ || job_->window != &window;
    if (is_other || !is_shareable_ || position != position_) flush();
    if (is_other) job_.emplace(check_.job(window, access_));
    position_ = position;
    lanes_ |= LaneMask{1} << lane;
  }

  void flush() {
    if (lanes_ != 0) check_.check_place(*job_, lanes_, position_);
    lanes_ = 0;
  }

 private:
  WindowCheck& check_;
  const WarpAccess& access_;
  const bool is_shareable_;
  std::optional<WindowCheck::Job> job_;
  std::size_t position_ = 0;
  LaneMask lanes_ = 0;
};

}  // namespace

void BlockMemory::Checker::access(const WarpAccess& access, const Address* addresses, std::byte** bytes) {
  num_accesses += static_cast<std::uint64_t>(__builtin_popcount(access.lanes));
  if (access.kind == AccessKind::kAtomic) acquire(access, addresses);
  if (!access_at_once(access, addresses, bytes)) access_each(access, addresses, bytes);
}

bool BlockMemory::Checker::access_at_once(const WarpAccess& access, const Address* addresses, std::byte** bytes) {
  if (access.space == Space::kLocal) return false;
  const int first = __builtin_ctz(access.lanes), count = __builtin_popcount(access.lanes);
  const LaneMask run = access.lanes >> first;
  if ((run & (run + 1)) != 0) return false;
  const Address begin = addresses[first];
  const std::size_t run_bytes = access.bytes * static_cast<std::size_t>(count);
  if (!is_aligned(begin, access.bytes)) return false;
  if (are_neighbours(addresses + first, count, access.bytes)) {
    const Window* const window = window_of(access.space, begin, run_bytes);
    if (window == nullptr) return false;
    check.check_run(check.job(*window, access), first, count, begin - window->begin);
    std::byte* const from = bytes_at(*window, begin) - static_cast<std::ptrdiff_t>(first) * access.bytes;
    set_bytes(access.lanes, from, access.bytes, bytes);
    return true;
  }
  if (!may_share(access, order) || !are_equal(addresses + first, count)) return false;
  const Window* const window = window_of(access.space, begin, access.bytes);
  if (window == nullptr) return false;
  check.check_place(check.job(*window, access), access.lanes, begin - window->begin);
  set_bytes(access.lanes, bytes_at(*window, begin), 0, bytes);
  return true;
}

void BlockMemory::Checker::access_each(const WarpAccess& access, const Address* addresses, std::byte** bytes) {
  SamePlace place(check, access, may_share(access, order));
  for_each_lane(access.lanes, [&](int lane) {
    const Address address = addresses[lane];
    if (access.space == Space::kLocal || (access.space == Space::kGeneric && is_local(address)))
      return access_local(access, lane, address, bytes);
    const Window* const window = window_of(access.space, address, access.bytes);
    if (window == nullptr) fail_address(access, lane, address);
    const std::size_t position = address - window->begin;
    if (!is_aligned(address, access.bytes)) {
      const LaneAccess wrong = check.lane_access(*window, access, lane, position);
      report.fail(Kind::kMisaligned, wrong, report.place(wrong) + ": not a multiple of its size");
    }
    bytes[lane] = bytes_at(*window, address);
    place.add(*window, position, lane);
  });
  place.flush();
}

void BlockMemory::Checker::access_local(const WarpAccess& access, int lane, Address address, std::byte** bytes) {
  const int thread = access.warp * kWarpSize + lane;
  const Address offset = address - memory.local_window(thread);
  const LaneAccess lane_access{access.kind, false, access.warp, lane, access.bytes, access.site, address};
  if (offset < local_bytes && access.bytes <= local_bytes - offset) {
    if (is_aligned(address, access.bytes)) {
      bytes[lane] = local->data() + (address - memory.local_window_);
      return;
    }
    report.fail(Kind::kMisaligned, lane_access,
                "local memory + " + std::to_string(offset) + ": not a multiple of its size");
  }
  const std::string size = " (" + std::to_string(local_bytes) + " bytes)";
  if (access.space == Space::kGeneric) {
    const Address window_offset = address - memory.local_window_, other_offset = window_offset % memory.local_stride_;
    const Address other = window_offset / memory.local_stride_;
    if (other != static_cast<Address>(thread) && other_offset < local_bytes) {
      report.fail(Kind::kLocalEscape, lane_access,
                  "local memory of thread " + std::to_string(other) + size + " + " + std::to_string(other_offset));
    }
  }
  report.fail(Kind::kOutOfBounds, lane_access,
              "local memory" + size + " + " + std::to_string(static_cast<std::int64_t>(offset)));
}

void BlockMemory::Checker::acquire(const WarpAccess& access, const Address* addresses) {
  if (access.is_release) order.fence(access.warp, access.lanes);
  if (access.space == Space::kShared) return;
  for_each_lane(access.lanes, [&](int lane) {
    if (device.contains(addresses[lane], access.bytes)) order.atomic(addresses[lane], access.warp, lane);
  });
}

const Window* BlockMemory::Checker::window_of(Space space, Address address, std::size_t bytes) const {
  if (space == Space::kShared) return shared_offsets.contains(address, bytes) ? &shared_offsets : nullptr;
  if (device.contains(address, bytes)) return &device;
  return space == Space::kGeneric && shared_generic.contains(address, bytes) ? &shared_generic : nullptr;
}

void BlockMemory::Checker::fail_address(const WarpAccess& access, int lane, Address address) const {
  LaneAccess lane_access{access.kind, access.space == Space::kShared, access.warp, lane, access.bytes, access.site,
                         address};
  if (access.space == Space::kShared) report.fail(Kind::kOutOfBounds, lane_access, report.place(lane_access));
  if (DeviceHeap::get().contains(address)) report.fail(Kind::kOutOfBounds, lane_access, report.place(lane_access));
  if (shared_generic.contains(address, 1)) {
    lane_access.is_shared = true;
    lane_access.address = address - shared_generic.begin;
    report.fail(Kind::kOutOfBounds, lane_access, report.place(lane_access) + ", accessed as global memory");
  }
  if (is_local(address)) report.fail(Kind::kOutOfBounds, lane_access, "local memory, accessed as global memory");
  report.fail(Kind::kHostPointer, lane_access,
              address < kNullPage ? "null pointer + " + std::to_string(address)
                                  : "neither device memory nor shared nor local memory: a pointer of the host?");
}

}  // namespace emulator

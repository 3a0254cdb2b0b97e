#include <cstring>

#include "memory/checker.h"
#include "memory/device_heap.h"
#include "program/sites.h"

namespace emulator {
namespace {

constexpr int kPoison = 0xFF;

std::size_t first_word(const BlockMemory::AsyncCopy& copy) { return copy.destination / Shadow::kWordBytes; }
std::size_t num_words(const BlockMemory::AsyncCopy& copy) { return copy.bytes / Shadow::kWordBytes; }

}  // namespace

void BlockMemory::Checker::check_copy(const LaneAccess& destination, const AsyncCopy& copy) const {
  if (copy.bytes != 4 && copy.bytes != 8 && copy.bytes != 16)
    report.fail(Kind::kAsyncCopy, destination, "an asynchronous copy has 4, 8 or 16 bytes");
  if (copy.source_bytes > copy.bytes)
    report.fail(Kind::kAsyncCopy, destination, "it reads " + std::to_string(copy.source_bytes) + " bytes");
  if (!shared_offsets.contains(copy.destination, copy.bytes))
    report.fail(Kind::kOutOfBounds, destination, report.place(destination));
  if (!is_aligned(copy.destination, copy.bytes))
    report.fail(Kind::kMisaligned, destination, report.place(destination) + ": not a multiple of its size");
}

void BlockMemory::Checker::issue(int warp, int lane, const AsyncCopy& copy, std::uint32_t site) {
  ++num_accesses;
  const LaneMask lanes = LaneMask{1} << lane;
  const WarpAccess write{AccessKind::kWrite, Space::kShared, false, warp, lanes, copy.bytes, site};
  const WarpAccess read{AccessKind::kRead, Space::kGlobal, false, warp, lanes, copy.source_bytes, site};
  check_copy({write.kind, true, warp, lane, copy.bytes, site, copy.destination}, copy);
  if (!is_aligned(copy.source, copy.bytes)) {
    report.fail(
        Kind::kMisaligned, {read.kind, false, warp, lane, copy.source_bytes, site, copy.source},
        "the source of an asynchronous copy of " + std::to_string(copy.bytes) + " bytes, not a multiple of them");
  }
  if (copy.source_bytes != 0) {
    const Window* const source = window_of(Space::kGlobal, copy.source, copy.source_bytes);
    if (source == nullptr) fail_address(read, lane, copy.source);
    check.check_range(check.job(*source, read), lane, copy.source - source->begin, copy.source_bytes);
  }
  check.check_place(check.job(shared_offsets, write), lanes, copy.destination);
  std::memset(shared_bytes.data() + copy.destination, kPoison, copy.bytes);
  shared_shadow.set_pending(first_word(copy), num_words(copy));
  copies.issue(warp * kWarpSize + lane, copy, site);
}

/// The bytes arrive, and the thread that waited has written them at this moment.
void BlockMemory::Checker::land(int thread, const AsyncCopies::InFlight& landing) {
  const AsyncCopy& copy = landing.copy;
  std::byte* const destination = shared_bytes.data() + copy.destination;
  std::memset(destination, 0, copy.bytes);
  if (copy.source_bytes != 0) std::memcpy(destination, DeviceHeap::get().backing(copy.source), copy.source_bytes);
  const Clock clock = order.clocks().warp(thread / kWarpSize).clock(thread % kWarpSize);
  for (std::size_t word = first_word(copy); word < first_word(copy) + num_words(copy); ++word) {
    Cell cell(shared_shadow.words(), word);
    cell.write_epoch() = order.now();
    cell.write_by() = Quad::pack(clock, thread);
    cell.write_site() = static_cast<std::int32_t>(landing.site);
    cell.read_epoch() = 0;
    cell.read_site() = 0;
  }
  shared_shadow.set_plain(first_word(copy), num_words(copy));
}

void BlockMemory::issue_async_copy(int warp, int lane, const AsyncCopy& copy, std::uint32_t site) {
  checker_->issue(warp, lane, copy, site);
}

void BlockMemory::commit_async_copies(int warp, LaneMask lanes) {
  for_each_lane(lanes, [&](int lane) { checker_->copies.commit(warp * kWarpSize + lane); });
}

void BlockMemory::wait_async_copies(int warp, LaneMask lanes, int pending) {
  for_each_lane(lanes, [&](int lane) {
    const int thread = warp * kWarpSize + lane;
    checker_->copies.wait(thread, static_cast<std::uint64_t>(pending),
                          [&](const AsyncCopies::InFlight& landing) { checker_->land(thread, landing); });
  });
}

void BlockMemory::wait_all_async_copies(int warp, LaneMask lanes) {
  for_each_lane(lanes, [&](int lane) {
    const int thread = warp * kWarpSize + lane;
    checker_->copies.wait_all(thread, [&](const AsyncCopies::InFlight& landing) { checker_->land(thread, landing); });
  });
}

void BlockMemory::exit_threads(int warp, LaneMask lanes, std::uint32_t site) {
  if (!checker_->copies.has_any()) return;
  for_each_lane(lanes, [&](int lane) {
    checker_->copies.wait_all(warp * kWarpSize + lane, [&](const AsyncCopies::InFlight& lost) {
      const LaneAccess write{AccessKind::kWrite, true, warp, lane, lost.copy.bytes, lost.site, lost.copy.destination};
      checker_->report.other(Kind::kAsyncCopy, write,
                             "an asynchronous copy that is in flight when its thread exits at " + site_text(site),
                             site);
      checker_->has_abandoned_copies = true;
    });
  });
}

}  // namespace emulator

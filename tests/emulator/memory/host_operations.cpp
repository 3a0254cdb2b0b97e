#include <algorithm>
#include <string>

#include "memory/access_report.h"
#include "memory/block_memory.h"
#include "memory/device_heap.h"
#include "memory/quad.h"
#include "memory/shadow.h"
#include "report.h"

namespace emulator {
namespace {

/// A copy or memset: one access of no thread, at one moment of its stream.
class HostOperation {
 public:
  HostOperation(AccessKind kind, const OperationOrder& order, const char* what)
      : kind_(kind),
        order_(order),
        what_(what),
        settled_(Epochs::get().settle(order)),
        now_(Epochs::get().take_host(order, what)) {}

  void access(std::size_t position, std::size_t bytes) {
    const std::size_t end = position + bytes;
    while (position < end) {
      const std::size_t word = position / Shadow::kWordBytes, in_word = position % Shadow::kWordBytes;
      if (in_word == 0 && end - position >= Shadow::kWordBytes) {
        const std::size_t line_end = (word / Shadow::kLineWords + 1) * Shadow::kLineWords;
        const std::size_t stop = std::min(end / Shadow::kWordBytes, line_end);
        access_words(word, stop);
        position = stop * Shadow::kWordBytes;
      } else {
        const std::size_t stop = std::min(end, (word + 1) * Shadow::kWordBytes);
        if ((shadow_.line_of(word).plain & Shadow::bit(word)) != 0) shadow_.split(word);
        access_cells(shadow_.bytes(), position, stop);
        position = stop;
      }
    }
  }

 private:
  /// Words of one line.
  void access_words(std::size_t first, std::size_t end) {
    if (shadow_.line_of(first).plain == kAllLanes) return access_cells(shadow_.words(), first, end);
    for (std::size_t word = first; word < end; ++word) {
      if ((shadow_.line_of(word).plain & Shadow::bit(word)) != 0) {
        access_cells(shadow_.words(), word, word + 1);
        continue;
      }
      const std::size_t position = word * Shadow::kWordBytes;
      access_cells(shadow_.bytes(), position, position + Shadow::kWordBytes);
      const bool is_split = (shadow_.line_of(word).split & Shadow::bit(word)) != 0;
      if (is_split && kind_ == AccessKind::kWrite) shadow_.join(word);
    }
  }

  void access_cells(const Plane& plane, std::size_t first, std::size_t end) {
    while (first < end) {
      const std::size_t quad = first / Quad::kCells, stop = std::min(end, (quad + 1) * Quad::kCells);
      const bool is_whole = stop - first == Quad::kCells;
      if (!is_whole || kind_ != AccessKind::kWrite || !write_quad(plane.quads[quad], plane.others[quad])) {
        for (std::size_t cell = first; cell < stop; ++cell) access_cell(Cell(plane, cell), cell << plane.shift);
      }
      first = stop;
    }
  }

  /// Four cells at once where everything before is ordered.
  bool write_quad(Quad& quad, const Plane::Others& others) const {
    const Int4 settled = spread(settled_);
    const Int4 is_settled = (load(quad.write_epoch) < settled) & (load(quad.read_epoch) < settled) &
                            (load(others) < settled) & ((load(quad.read_site) >> Quad::kSiteBits) == 0);
    if (!is_zero(~is_settled)) return false;
    store(quad.write_epoch, spread(now_));
    store(quad.write_by, spread(0));
    store(quad.write_site, spread(0));
    return true;
  }

  void access_cell(Cell cell, std::size_t position) {
    const bool are_atomics = (cell.read_site() & Quad::kAtomicReaders) != 0;
    const bool was_atomic = (cell.write_site() & Quad::kAtomicWrite) != 0;
    const AccessKind readers = are_atomics ? AccessKind::kAtomic : AccessKind::kRead;
    check(was_atomic ? AccessKind::kAtomic : AccessKind::kWrite, cell.write_epoch(), cell.write_site(), position);
    if (kind_ == AccessKind::kWrite || are_atomics) {
      check(readers, cell.read_epoch(), cell.read_site(), position);
      check(readers, cell.other_epoch(), cell.read_site(), position);
    }
    if (kind_ == AccessKind::kWrite) {
      record_write(cell, now_, 0);
    } else {
      if (are_atomics) record_write(cell, cell.read_epoch(), cell.read_site());
      if (!is_before(cell.read_epoch())) cell.other_epoch() = cell.read_epoch();
      cell.read_epoch() = now_;
      cell.read_lanes() = 1;
      cell.read_warps() = 1;
      cell.read_clock() = 1;
      cell.read_site() = 0;
    }
  }

  static void record_write(Cell& cell, Epoch epoch, std::int32_t site) {
    cell.write_epoch() = epoch;
    cell.write_by() = 0;
    cell.write_site() = site;
    cell.read_epoch() = 0;
    cell.read_site() = 0;
    cell.other_epoch() = 0;
  }

  bool is_before(Epoch epoch) const {
    if (epoch < settled_) return true;
    const EpochOwner& owner = Epochs::get().owner(epoch);
    return owner.operation == order_.operation || order_.is_after(owner.operation, owner.stream);
  }

  void check(AccessKind kind, Epoch epoch, std::int32_t site_and_flags, std::size_t position) const {
    if (is_before(epoch)) return;
    const auto site = static_cast<std::uint32_t>(site_and_flags & kLastSite);
    const EarlierAccess earlier{
        kind, {epoch, Recorded::kUnknown, Recorded::kUnknown, 1}, static_cast<std::uint32_t>(site)};
    const EpochOwner& viewer = Epochs::get().owner(now_);
    const auto text = [&] {
      const DeviceHeap& heap = DeviceHeap::get();
      return std::string(what_) + " (operation " + std::to_string(viewer.operation) + " of stream " +
             std::to_string(viewer.stream) + ") " + (kind_ == AccessKind::kWrite ? "writes " : "reads ") +
             heap.describe(heap.first_address() + position) + ": unordered with " + earlier_text(earlier, viewer);
    };
    Reports::get().add(Kind::kGlobalRace,
                       race_key(kind_, static_cast<std::uint32_t>(kLastSite) - viewer.block, earlier), std::ref(text));
  }

  // Host-side operations have no site; for keys their names count down from here.
  static constexpr std::int32_t kLastSite = (1 << Quad::kSiteBits) - 1;

  AccessKind kind_;
  const OperationOrder& order_;
  const char* what_;
  Epoch settled_, now_;
  Shadow& shadow_ = device_shadow();
};

}  // namespace

void note_host_write(Address address, std::size_t bytes, const OperationOrder& order, const char* what) {
  HostOperation(AccessKind::kWrite, order, what).access(DeviceHeap::get().position(address), bytes);
}

void note_host_read(Address address, std::size_t bytes, const OperationOrder& order, const char* what) {
  HostOperation(AccessKind::kRead, order, what).access(DeviceHeap::get().position(address), bytes);
}

void open_device_range(Address address, std::size_t bytes) {
  device_shadow().open(DeviceHeap::get().position(address), bytes);
}

void close_device_range(Address address, std::size_t bytes) {
  device_shadow().erase(DeviceHeap::get().position(address), bytes);
}

}  // namespace emulator

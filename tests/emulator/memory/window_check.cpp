#include "memory/window_check.h"

#include <algorithm>
#include <array>

#include "memory/device_heap.h"

namespace emulator {
namespace {

/// Holds a line of a shadow that several host threads check.
class LineGuard {
 public:
  LineGuard(const Window& window, std::size_t line) : shadow_(window.is_locked ? window.shadow : nullptr), line_(line) {
    if (shadow_ != nullptr) shadow_->lock(line_);
  }
  ~LineGuard() {
    if (shadow_ != nullptr) shadow_->unlock(line_);
  }
  LineGuard(const LineGuard&) = delete;
  LineGuard& operator=(const LineGuard&) = delete;

 private:
  Shadow* shadow_;
  std::size_t line_;
};

constexpr std::array<Int4, 16> cell_masks() {
  std::array<Int4, 16> masks{};
  for (std::size_t bits = 0; bits < masks.size(); ++bits) {
    masks[bits] = Int4{bits & 1 ? -1 : 0, bits & 2 ? -1 : 0, bits & 4 ? -1 : 0, bits & 8 ? -1 : 0};
  }
  return masks;
}
constexpr std::array<Int4, 16> kCellMasks = cell_masks();

/// The cells of a quad that lie in [first, end).
const Int4& cells_between(std::size_t quad, std::size_t first, std::size_t end) {
  const std::size_t begin = quad * Quad::kCells;
  const std::size_t low = first > begin ? first - begin : 0, high = std::min<std::size_t>(end - begin, Quad::kCells);
  return kCellMasks[(std::size_t{1} << high) - (std::size_t{1} << low)];
}

/// The bits of a line's words in [first, end).
std::uint32_t words_between(std::size_t first, std::size_t end) {
  return kAllLanes >> (Shadow::kLineWords - (end - first)) << first % Shadow::kLineWords;
}

std::size_t line_end(std::size_t line) { return (line + 1) * Shadow::kLineWords; }

LaneMask bits_of(const QuadLanes& lanes, std::size_t cell) { return static_cast<LaneMask>(lanes.bits[cell]); }

/// The lanes of one cell at every cell.
QuadLanes repeat(const QuadLanes& lanes, std::size_t cell) {
  return {spread(lanes.threads[cell]), spread(lanes.bits[cell]), spread(lanes.clocks[cell])};
}

bool are_equal(const std::int32_t (&values)[Quad::kCells]) {
  return std::all_of(values, values + Quad::kCells, [&](std::int32_t value) { return value == values[0]; });
}

}  // namespace

LaneAccess WindowCheck::lane_access(const Window& window, const WarpAccess& access, int lane,
                                    std::size_t position) const {
  const Address address = window.is_shared ? position : window.begin + position;
  return {access.kind, window.is_shared, access.warp, lane, access.bytes, access.site, address};
}

void WindowCheck::check_run(const Job& job, int first_lane, int num_lanes, std::size_t position) {
  const int warp = job.access.warp;
  const WarpClocks& clocks = order_.clocks().warp(warp);
  const std::size_t end = position + static_cast<std::size_t>(num_lanes) * job.access.bytes;
  const std::size_t first_word = position / Shadow::kWordBytes, end_word = end / Shadow::kWordBytes;
  switch (job.access.bytes) {
    case 1: return check_bytes(job, position, end, LaneAfterLane<0>(warp, first_lane, position, clocks));
    case 2: return check_bytes(job, position, end, LaneAfterLane<1>(warp, first_lane, position, clocks));
    case 4: return check_words(job, first_word, end_word, LaneAfterLane<0>(warp, first_lane, first_word, clocks));
    case 8: return check_words(job, first_word, end_word, LaneAfterLane<1>(warp, first_lane, first_word, clocks));
    default: return check_words(job, first_word, end_word, LaneAfterLane<2>(warp, first_lane, first_word, clocks));
  }
}

void WindowCheck::check_place(const Job& job, LaneMask lanes, std::size_t position) {
  const int lane = __builtin_ctz(lanes);
  const Clock clock = order_.clocks().warp(job.access.warp).clock(lane);
  const bool is_one = (lanes & (lanes - 1)) == 0;
  const OneLane who = is_one ? OneLane(job.access.warp, lane, clock) : OneLane(lanes, clock);
  const std::size_t end = position + job.access.bytes;
  if (job.access.bytes < Shadow::kWordBytes) return check_bytes(job, position, end, who);
  check_words(job, position / Shadow::kWordBytes, end / Shadow::kWordBytes, who);
}

void WindowCheck::check_range(Job job, int lane, std::size_t position, std::size_t bytes) {
  const LaneMask lanes = LaneMask{1} << lane;
  while (bytes != 0) {
    std::uint32_t& step = job.access.bytes;
    step = 1;
    while (step * 2 <= bytes && step < 16 && position % (step * 2) == 0) step *= 2;
    check_place(job, lanes, position);
    position += step;
    bytes -= step;
  }
}

template <class Lanes>
void WindowCheck::check_words(const Job& job, std::size_t first, std::size_t end, const Lanes& lanes) {
  Shadow& shadow = *job.window->shadow;
  while (first < end) {
    const std::size_t line = first / Shadow::kLineWords, stop = std::min(end, line_end(line));
    const LineGuard guard(*job.window, line);
    const std::uint32_t wanted = words_between(first, stop);
    if ((shadow.line(line).plain & wanted) == wanted) {
      check_cells(job, shadow.words(), first, stop, lanes);
    } else {
      for (std::size_t word = first; word < stop; ++word) {
        if ((shadow.line(line).plain & Shadow::bit(word)) != 0) {
          check_cells(job, shadow.words(), word, word + 1, lanes);
        } else {
          check_unplain_word(job, word, repeat(lanes(word / Quad::kCells), word % Quad::kCells));
        }
      }
    }
    first = stop;
  }
}

template <class Lanes>
void WindowCheck::check_bytes(const Job& job, std::size_t first, std::size_t end, const Lanes& lanes) {
  Shadow& shadow = *job.window->shadow;
  while (first < end) {
    const std::size_t word = first / Shadow::kWordBytes, line = word / Shadow::kLineWords;
    const std::size_t stop = std::min(end, line_end(line) * Shadow::kWordBytes);
    const std::size_t end_word = (stop + Shadow::kWordBytes - 1) / Shadow::kWordBytes;
    const LineGuard guard(*job.window, line);
    const std::uint32_t wanted = words_between(word, end_word);
    if ((shadow.line(line).split & wanted) == wanted) {
      check_cells(job, shadow.bytes(), first, stop, lanes);
      first = stop;
      continue;
    }
    for (std::size_t each = word; each < end_word; ++each) {
      const std::size_t end_byte = std::min(stop, (each + 1) * Shadow::kWordBytes);
      if (split_word(job, each, first, end_byte, lanes(each))) check_cells(job, shadow.bytes(), first, end_byte, lanes);
      first = end_byte;
    }
  }
}

template <class Lanes>
void WindowCheck::check_cells(const Job& job, const Plane& plane, std::size_t first, std::size_t end,
                              const Lanes& lanes) {
  switch (job.access.kind) {
    case AccessKind::kRead: return check_cells_of<AccessKind::kRead>(job, plane, first, end, lanes);
    case AccessKind::kWrite: return check_cells_of<AccessKind::kWrite>(job, plane, first, end, lanes);
    case AccessKind::kAtomic: return check_cells_of<AccessKind::kAtomic>(job, plane, first, end, lanes);
  }
}

template <AccessKind kKind, class Lanes>
void WindowCheck::check_cells_of(const Job& job, const Plane& plane, std::size_t first, std::size_t end,
                                 const Lanes& lanes) {
  for (std::size_t quad = first / Quad::kCells; quad * Quad::kCells < end; ++quad) {
    const Int4& cells = cells_between(quad, first, end);
    const QuadLanes& quad_lanes = lanes(quad);  // OneLane has it ready
    bool is_done = false;
    if constexpr (kKind == AccessKind::kWrite) {
      is_done = write_quad(plane.quads[quad], plane.others[quad], cells, quad_lanes, job.quad_access);
    } else {
      is_done = read_quad<kKind>(plane.quads[quad], plane.others[quad], cells, quad_lanes, job.quad_access);
    }
    if (!is_done) check_slowly(job, plane, quad, cells, quad_lanes);
  }
}

void WindowCheck::check_slowly(const Job& job, const Plane& plane, std::size_t quad, const Int4& cells,
                               const QuadLanes& lanes) {
  for (std::size_t index = 0; index < Quad::kCells; ++index) {
    if (cells[index] == 0) continue;
    const std::size_t cell = quad * Quad::kCells + index;
    for_each_lane(bits_of(lanes, index), [&](int lane) {
      cells_.check(*job.horizon, Cell(plane, cell), lane_access(*job.window, job.access, lane, cell << plane.shift));
    });
  }
}

void WindowCheck::check_unplain_word(const Job& job, std::size_t word, const QuadLanes& lanes) {
  Shadow& shadow = *job.window->shadow;
  const std::size_t position = word * Shadow::kWordBytes;
  if ((shadow.line_of(word).pending & Shadow::bit(word)) != 0) return report_pending(job, position, bits_of(lanes, 0));
  if ((shadow.line_of(word).split & Shadow::bit(word)) == 0) {
    const LaneAccess access = lane_access(*job.window, job.access, __builtin_ctz(bits_of(lanes, 0)), position);
    report_.fail(Kind::kOutOfBounds, access, report_.place(access));
  }
  check_cells(job, shadow.bytes(), position, position + Shadow::kWordBytes, [&](std::size_t) { return lanes; });
  if (job.access.kind == AccessKind::kWrite || can_join(job, word)) shadow.join(word);
}

bool WindowCheck::split_word(const Job& job, std::size_t word, std::size_t first_byte, std::size_t end_byte,
                             const QuadLanes& lanes) {
  Shadow& shadow = *job.window->shadow;
  const Shadow::Line& line = shadow.line_of(word);
  if ((line.split & Shadow::bit(word)) != 0) return true;
  if ((line.plain & Shadow::bit(word)) != 0) {
    shadow.split(word);
    return true;
  }
  if ((line.pending & Shadow::bit(word)) != 0) {
    report_pending(job, first_byte, bits_of(lanes, first_byte % Quad::kCells));
    return false;
  }
  for (std::size_t byte = first_byte; byte < end_byte; ++byte) {
    if (is_allocated(*job.window, byte)) continue;
    const int lane = __builtin_ctz(bits_of(lanes, byte % Quad::kCells));
    const LaneAccess access = lane_access(*job.window, job.access, lane, byte);
    report_.fail(Kind::kOutOfBounds, access, report_.place(access));
  }
  return true;
}

void WindowCheck::report_pending(const Job& job, std::size_t position, LaneMask lanes) {
  const LaneAccess access = lane_access(*job.window, job.access, __builtin_ctz(lanes), position);
  report_.other(Kind::kAsyncCopy, access, "an asynchronous copy to it is in flight, nobody has waited for it");
}

bool WindowCheck::is_allocated(const Window& window, std::size_t position) const {
  if (window.is_shared) return layout_.contains(position, 1);
  return DeviceHeap::get().find(window.begin + position) != nullptr;
}

/// Whether one cell can say of a split word what its byte cells say. Who wrote does not matter where only the epoch
/// decides: of settled epochs, and of past ones in shared memory.
bool WindowCheck::can_join(const Job& job, std::size_t word) const {
  const Plane& bytes = job.window->shadow->bytes();
  const Quad& quad = bytes.quads[word];
  const Epoch written = quad.write_epoch[0];
  const bool is_by_equal = are_equal(quad.write_by) && are_equal(quad.write_site);
  const bool is_epoch_enough =
      written < job.horizon->settled || (job.window->is_shared && job.horizon->is_past(written));
  return are_equal(quad.write_epoch) && (is_by_equal || is_epoch_enough) && are_equal(quad.read_epoch) &&
         are_equal(quad.read_lanes) && are_equal(quad.read_warps) && are_equal(quad.read_clock) &&
         are_equal(quad.read_site) && are_equal(bytes.others[word]);
}

}  // namespace emulator

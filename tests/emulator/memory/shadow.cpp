#include "memory/shadow.h"

#include <thread>

#include "memory/device_heap.h"

namespace emulator {
namespace {

std::size_t quads_of(std::size_t cells) { return cells / Quad::kCells; }

/// The bits of words [begin, end) of a line.
std::uint32_t bits_between(std::size_t begin, std::size_t end) {
  return static_cast<std::uint32_t>((std::uint64_t{1} << end) - (std::uint64_t{1} << begin));
}

/// Calls body(line, bits) for every line that has words in [first, end).
template <class Body>
void for_each_line(std::size_t first, std::size_t end, Body&& body) {
  while (first < end) {
    const std::size_t line = first / Shadow::kLineWords, begin = line * Shadow::kLineWords;
    const std::size_t stop = end < begin + Shadow::kLineWords ? end : begin + Shadow::kLineWords;
    body(line, bits_between(first - begin, stop - begin));
    first = stop;
  }
}

}  // namespace

void Cell::copy_from(Cell& from) {
  write_epoch() = from.write_epoch();
  write_by() = from.write_by();
  write_site() = from.write_site();
  read_epoch() = from.read_epoch();
  read_lanes() = from.read_lanes();
  read_warps() = from.read_warps();
  read_clock() = from.read_clock();
  read_site() = from.read_site();
  other_epoch() = from.other_epoch();
}

Shadow::Shadow(std::size_t bytes)
    : num_words_(bytes / kWordBytes),
      word_quads_(quads_of(num_words_) * sizeof(Quad)),
      word_others_(quads_of(num_words_) * sizeof(Plane::Others)),
      byte_quads_(num_words_ * sizeof(Quad)),
      byte_others_(num_words_ * sizeof(Plane::Others)),
      line_pages_(num_words_ / kLineWords * sizeof(Line)),
      words_{reinterpret_cast<Quad*>(word_quads_.data()), reinterpret_cast<Plane::Others*>(word_others_.data()), 2},
      bytes_{reinterpret_cast<Quad*>(byte_quads_.data()), reinterpret_cast<Plane::Others*>(byte_others_.data()), 0},
      lines_(reinterpret_cast<Line*>(line_pages_.data())) {}

void Shadow::open(std::size_t position, std::size_t bytes) {
  const std::size_t first = (position + kWordBytes - 1) / kWordBytes, end = (position + bytes) / kWordBytes;
  for_each_line(first, end, [&](std::size_t index, std::uint32_t words) {
    Line& line = lines_[index];
    line = {line.plain | words, line.split & ~words, line.pending & ~words};
  });
}

void Shadow::close(std::size_t position, std::size_t bytes) {
  const std::size_t first = position / kWordBytes, end = (position + bytes + kWordBytes - 1) / kWordBytes;
  for_each_line(first, end, [&](std::size_t index, std::uint32_t words) {
    Line& line = lines_[index];
    line = {line.plain & ~words, line.split & ~words, line.pending & ~words};
  });
}

void Shadow::erase(std::size_t position, std::size_t bytes) {
  close(position, bytes);
  const std::size_t first = position / kWordBytes, end = (position + bytes + kWordBytes - 1) / kWordBytes;
  const std::size_t first_quad = first / Quad::kCells, num_quads = quads_of(end + Quad::kCells - 1) - first_quad;
  word_quads_.discard(first_quad * sizeof(Quad), num_quads * sizeof(Quad));
  word_others_.discard(first_quad * sizeof(Plane::Others), num_quads * sizeof(Plane::Others));
  byte_quads_.discard(first * sizeof(Quad), (end - first) * sizeof(Quad));
  byte_others_.discard(first * sizeof(Plane::Others), (end - first) * sizeof(Plane::Others));
}

void Shadow::split(std::size_t word) {
  Cell whole(words_, word);
  for (std::size_t byte = 0; byte < kWordBytes; ++byte) Cell(bytes_, word * kWordBytes + byte).copy_from(whole);
  Line& line = line_of(word);
  line.plain &= ~bit(word);
  line.split |= bit(word);
}

void Shadow::join(std::size_t word) {
  Cell first(bytes_, word * kWordBytes);
  Cell(words_, word).copy_from(first);
  set_plain(word, 1);
}

void Shadow::set_plain(std::size_t first_word, std::size_t num_words) {
  const std::uint32_t words = bits_between(first_word % kLineWords, first_word % kLineWords + num_words);
  Line& line = line_of(first_word);
  line = {line.plain | words, line.split & ~words, line.pending & ~words};
}

void Shadow::set_pending(std::size_t first_word, std::size_t num_words) {
  const std::uint32_t words = bits_between(first_word % kLineWords, first_word % kLineWords + num_words);
  Line& line = line_of(first_word);
  line = {line.plain & ~words, line.split & ~words, line.pending | words};
}

void Shadow::lock(std::size_t line) {
  // A line is held for some 100 ns. On fewer cores than threads its holder may not be running: then yield.
  constexpr int kSpins = 100;
  for (int tries = 0; lock_of(line).test_and_set(std::memory_order_acquire); ++tries) {
    if (tries > kSpins) std::this_thread::yield();
  }
}

Shadow& device_shadow() {
  static auto* const shadow = new Shadow(DeviceHeap::kReserved);  // kernels may still run when the process exits
  return *shadow;
}

}  // namespace emulator

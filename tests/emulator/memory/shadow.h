#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_SHADOW_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_SHADOW_H

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "memory/clocks.h"
#include "memory/epochs.h"
#include "memory/mapping.h"

namespace emulator {

/// What is remembered of four neighbouring cells: the words of 16 bytes, or the bytes of one word. The last write; and
/// the latest accesses that do not conflict with each other, called readers: either reads or atomics of one epoch.
struct alignas(64) Quad {
  static constexpr int kCells = 4;

  std::int32_t write_epoch[kCells];  // 0: never written
  std::int32_t write_by[kCells];     // pack(clock, thread)
  std::int32_t write_site[kCells];   // with kAtomicWrite
  std::int32_t read_epoch[kCells];
  std::int32_t read_lanes[kCells];  // of the only warp in read_warps; meaningless where there are several
  std::int32_t read_warps[kCells];
  std::int32_t read_clock[kCells];  // of that only warp
  std::int32_t read_site[kCells];   // with kAtomicReaders or kReadSet

  static constexpr int kThreadBits = 10;
  static constexpr std::int32_t pack(Clock clock, int thread) { return clock << kThreadBits | thread; }

  static constexpr int kSiteBits = 24;
  /// The last write was an atomic, whose readers have followed it.
  static constexpr std::int32_t kAtomicWrite = 1 << kSiteBits;
  /// The readers are atomics, which do not race with each other.
  static constexpr std::int32_t kAtomicReaders = 1 << kSiteBits;
  /// Warps or clocks differ more than the fields can say: read_lanes is the number of a read set.
  static constexpr std::int32_t kReadSet = 2 << kSiteBits;
};

/// A memory's cells of one size. Beside the readers in its quad each cell has one epoch of readers of another block or
/// operation, so that of two blocks that read, one differs from any that writes.
struct Plane {
  using Others = std::int32_t[Quad::kCells];

  Quad* quads;
  Others* others;
  int shift;  // cell << shift: the position of its first byte
};

/// One cell, for code that looks at it alone.
class Cell {
 public:
  Cell(const Plane& plane, std::size_t cell)
      : quad_(plane.quads[cell / Quad::kCells]),
        others_(plane.others[cell / Quad::kCells]),
        index_(cell % Quad::kCells) {}

  std::int32_t& write_epoch() { return quad_.write_epoch[index_]; }
  std::int32_t& write_by() { return quad_.write_by[index_]; }
  std::int32_t& write_site() { return quad_.write_site[index_]; }
  std::int32_t& read_epoch() { return quad_.read_epoch[index_]; }
  std::int32_t& read_lanes() { return quad_.read_lanes[index_]; }
  std::int32_t& read_warps() { return quad_.read_warps[index_]; }
  std::int32_t& read_clock() { return quad_.read_clock[index_]; }
  std::int32_t& read_site() { return quad_.read_site[index_]; }
  std::int32_t& other_epoch() { return others_[index_]; }

  void copy_from(Cell& from);

 private:
  Quad& quad_;
  Plane::Others& others_;
  std::size_t index_;
};

/// All that is remembered about one memory, to the byte. A word has one cell as long as it is accessed as a whole; the
/// first access to a part of it splits it into cells of its bytes, which a write of the whole word joins again.
class Shadow {
 public:
  static constexpr std::size_t kWordBytes = 4;
  static constexpr std::size_t kLineWords = 32;
  static constexpr std::size_t kLineBytes = kLineWords * kWordBytes;

  /// States of the words of a line; a word in no state is not, or not wholly, inside an allocation.
  struct Line {
    std::uint32_t plain;    // its word cell holds
    std::uint32_t split;    // its byte cells hold
    std::uint32_t pending;  // an asynchronous copy is in flight to it
  };

  explicit Shadow(std::size_t bytes);

  const Plane& words() const { return words_; }
  const Plane& bytes() const { return bytes_; }
  Line& line(std::size_t index) { return lines_[index]; }
  Line& line_of(std::size_t word) { return lines_[word / kLineWords]; }
  static std::uint32_t bit(std::size_t word) { return std::uint32_t{1} << word % kLineWords; }

  /// The words that lie wholly in the range become plain.
  void open(std::size_t position, std::size_t bytes);
  /// The states of all words of the range are forgotten, their cells are not.
  void close(std::size_t position, std::size_t bytes);
  /// Their cells too; the pages go back to the system.
  void erase(std::size_t position, std::size_t bytes);

  void split(std::size_t word);
  /// The word cell takes over what the first byte cell says.
  void join(std::size_t word);
  /// The words' cells have been set; their byte cells are out of date. Words of one line, as those of set_pending.
  void set_plain(std::size_t first_word, std::size_t num_words);
  void set_pending(std::size_t first_word, std::size_t num_words);

  void lock(std::size_t line);
  void unlock(std::size_t line) { lock_of(line).clear(std::memory_order_release); }

 private:
  static constexpr std::size_t kLocks = 4096;
  std::atomic_flag& lock_of(std::size_t line) { return locks_[line % kLocks]; }

  std::size_t num_words_;
  Mapping word_quads_, word_others_, byte_quads_, byte_others_, line_pages_;
  Plane words_, bytes_;
  Line* lines_;
  std::array<std::atomic_flag, kLocks> locks_{};
};

/// The shadow of the device heap, by position in it.
Shadow& device_shadow();

}  // namespace emulator

#endif

#ifndef ARLOSS_TESTS_GUARDED_BUFFER_H
#define ARLOSS_TESTS_GUARDED_BUFFER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace support {

/// `bytes` of memory at an address of a chosen remainder modulo 64, between two red zones that must keep their pattern.
class GuardedBuffer {
 public:
  GuardedBuffer() = default;
  GuardedBuffer(std::size_t bytes, std::size_t remainder, unsigned char fill)
      : storage_(bytes + 2 * kZone + 2 * kLine, kPattern), bytes_(bytes) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage_.data());
    begin_ = kZone + (kLine - (address + kZone) % kLine) % kLine + remainder;
    std::fill_n(storage_.begin() + static_cast<std::ptrdiff_t>(begin_), bytes_, fill);
  }

  std::size_t bytes() const { return bytes_; }
  /// NULL where the buffer is empty: what the API is to be handed then.
  unsigned char* data() { return bytes_ == 0 ? nullptr : storage_.data() + begin_; }
  const unsigned char* data() const { return bytes_ == 0 ? nullptr : storage_.data() + begin_; }
  std::vector<unsigned char> contents() const { return {data(), data() + bytes_}; }
  void assign(const void* source) {
    const auto* from = static_cast<const unsigned char*>(source);
    std::copy(from, from + bytes_, data());
  }
  void fill(unsigned char value) { std::fill_n(data(), bytes_, value); }

  bool zones_are_intact() const {
    const auto begin = storage_.begin() + static_cast<std::ptrdiff_t>(begin_);
    const auto is_pattern = [](unsigned char value) { return value == kPattern; };
    return std::all_of(storage_.begin(), begin, is_pattern) &&
           std::all_of(begin + static_cast<std::ptrdiff_t>(bytes_), storage_.end(), is_pattern);
  }

 private:
  static constexpr std::size_t kLine = 64, kZone = 128;
  static constexpr unsigned char kPattern = 0xa5;

  // A buffer moves but is never copied: a copy could land at another remainder.
  std::vector<unsigned char> storage_;
  std::size_t begin_ = 0, bytes_ = 0;

 public:
  GuardedBuffer(GuardedBuffer&&) = default;
  GuardedBuffer& operator=(GuardedBuffer&&) = default;
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;
  ~GuardedBuffer() = default;
};

}  // namespace support

#endif

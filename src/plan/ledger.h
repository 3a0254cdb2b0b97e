#ifndef ARLOSS_PLAN_LEDGER_H
#define ARLOSS_PLAN_LEDGER_H

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "plan/refusal.h"

namespace arloss {

/// A part of a buffer the caller will hand in: where it lies, and how long it is.
struct Booking {
  std::string name;
  std::size_t offset;
  std::size_t bytes;
};

/// Where everything in one caller-owned buffer lies. The one source of both the total the plan asks for and every
/// offset the backend uses, so the two cannot differ.
class Ledger {
 public:
  static constexpr std::size_t kAlignment = 64;  // one cache line: bookings of different threads never share one

  /// Book the product of `counts` elements of T; returns their byte offset.
  template <class T>
  std::size_t book(std::string name, std::initializer_list<std::int64_t> counts) {
    const std::size_t offset = total_;
    std::size_t bytes = sizeof(T);
    bool is_too_large = false;
    for (const std::int64_t count : counts) is_too_large |= __builtin_mul_overflow(bytes, count, &bytes);
    // Two cache lines of room: what rounding this booking up, and moving the buffer up, may add.
    constexpr std::size_t kLargest = SIZE_MAX - 2 * kAlignment;
    is_too_large |= bytes > kLargest || offset > kLargest - bytes;
    if (is_too_large)
      throw Refusal(ARLOSS_STATUS_INVALID_ARGUMENT, Message() << "problem.batch, classes and sizes are too large "
                                                                 "together: \""
                                                              << name << "\" overflows 64-bit bytes");
    total_ = offset + (bytes + kAlignment - 1) / kAlignment * kAlignment;
    bookings_.push_back({std::move(name), offset, bytes});
    return offset;
  }

  std::size_t total() const { return total_; }
  const std::vector<Booking>& bookings() const { return bookings_; }

 private:
  std::size_t total_ = 0;
  std::vector<Booking> bookings_;
};

/// The workspace the caller is asked for: the total, and what moving a 16-byte aligned address up to kAlignment may
/// cost. Without it every 64-byte vector load of a buffer from malloc would straddle two cache lines.
inline std::size_t workspace_bytes(const Ledger& ledger) {
  return ledger.total() == 0 ? 0 : ledger.total() + Ledger::kAlignment - 16;
}
inline void* aligned(void* buffer) {
  const auto address = reinterpret_cast<std::uintptr_t>(buffer);
  return reinterpret_cast<void*>((address + Ledger::kAlignment - 1) / Ledger::kAlignment * Ledger::kAlignment);
}

/// The T at a booked offset of the buffer that opens at `base`.
template <class T>
T* at(void* base, std::size_t offset) {
  return reinterpret_cast<T*>(static_cast<char*>(base) + offset);
}
template <class T>
const T* at(const void* base, std::size_t offset) {
  return reinterpret_cast<const T*>(static_cast<const char*>(base) + offset);
}

}  // namespace arloss

#endif

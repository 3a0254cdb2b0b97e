#ifndef ARLOSS_TESTS_EMULATOR_SELF_TEST_CHECKS_H
#define ARLOSS_TESTS_EMULATOR_SELF_TEST_CHECKS_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "self_test/formats.h"

namespace emulator::self_test {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s8 = std::int8_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;

/// Two values of one type in one result: the lanes of a packed instruction, a value and a predicate.
template <class T, class U = T>
struct Two {
  T first;
  U second;
};

// ---- equal: the same bits; a NaN equals every NaN, since the ISA leaves payloads open for most instructions
template <class T>
bool is_same(T got, T wanted) {
  static_assert(!std::is_same_v<T, long double>, "its padding bytes would be compared");
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(got) && std::isnan(wanted)) return true;
  return std::memcmp(&got, &wanted, sizeof got) == 0;
}
inline bool is_same(Half got, Half wanted) {
  return got.bits == wanted.bits || (std::isnan(value_of(got)) && std::isnan(value_of(wanted)));
}
inline bool is_same(Bfloat got, Bfloat wanted) {
  return got.bits == wanted.bits || (std::isnan(value_of(got)) && std::isnan(value_of(wanted)));
}
template <class T, class U>
bool is_same(Two<T, U> got, Two<T, U> wanted) {
  return is_same(got.first, wanted.first) && is_same(got.second, wanted.second);
}

// ---- text of a value: its bits, and its value where it is a float
std::string hexadecimal(const void* value, std::size_t bytes);
std::string decimal(long double value);
template <class T>
std::string text(T value) {
  std::string result = hexadecimal(&value, sizeof value);
  if constexpr (std::is_floating_point_v<T>) result += " (" + decimal(value) + ")";
  return result;
}
inline std::string text(Half value) { return hexadecimal(&value, 2) + " (" + decimal(value_of(value)) + ")"; }
inline std::string text(Bfloat value) { return hexadecimal(&value, 2) + " (" + decimal(value_of(value)) + ")"; }
template <class T, class U>
std::string text(Two<T, U> value) {
  return "{" + text(value.first) + ", " + text(value.second) + "}";
}

/// Counts the checks of one operation, and fails the running test with the first few that are wrong.
class Checks {
 public:
  explicit Checks(std::string operation) : operation_(std::move(operation)) {}
  Checks(const Checks&) = delete;
  Checks& operator=(const Checks&) = delete;
  /// Says how many more were wrong.
  ~Checks();

  /// `where` is asked for the arguments or the position, only of a check that fails.
  template <class T, class Where>
  void same(T got, T wanted, Where&& where) {
    count(is_same(got, wanted),
          [&] { return std::string(where()) + ": got " + text(got) + ", wanted " + text(wanted); });
  }
  /// `got` within `tolerance` of `wanted`; an infinity or NaN must be met exactly.
  template <class Where>
  void close(long double got, long double wanted, long double tolerance, Where&& where) {
    const bool is_right = std::isfinite(wanted) ? std::fabs(got - wanted) <= tolerance
                          : std::isnan(wanted)  ? std::isnan(got)
                                                : got == wanted;
    count(is_right, [&] {
      return std::string(where()) + ": got " + decimal(got) + ", wanted " + decimal(wanted) + " within " +
             decimal(tolerance);
    });
  }
  /// All elements, by position.
  template <class T>
  void same_elements(const std::vector<T>& got, const std::vector<T>& wanted) {
    count(got.size() == wanted.size(), [] { return std::string("number of elements"); });
    for (std::size_t i = 0; i < got.size() && i < wanted.size(); ++i)
      same(got[i], wanted[i], [&] { return "[" + std::to_string(i) + "]"; });
  }

  /// Of the whole process.
  static std::size_t total();

 private:
  template <class Describe>
  void count(bool is_right, Describe&& describe) {
    note_check();
    if (!is_right) note_failure(is_worth_telling() ? describe() : std::string());
  }
  static void note_check();
  bool is_worth_telling() const { return failures_ < kTold; }
  void note_failure(const std::string& what);

  static constexpr int kTold = 4;
  std::string operation_;
  int failures_ = 0;
};

}  // namespace emulator::self_test

#endif

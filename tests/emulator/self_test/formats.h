#ifndef ARLOSS_TESTS_EMULATOR_SELF_TEST_FORMATS_H
#define ARLOSS_TESTS_EMULATOR_SELF_TEST_FORMATS_H

#include <cstdint>

namespace emulator::self_test {

/// A binary floating-point format of IEEE 754's kind: infinities, NaNs, subnormals.
struct Format {
  int precision;     // bits of the significand, the implied one included
  int max_exponent;  // of the largest finite value; the smallest normal one has 1 - max_exponent
};
constexpr Format kHalf{11, 15};
constexpr Format kBfloat{8, 127};
constexpr Format kTf32{11, 127};
constexpr Format kSingle{24, 127};
constexpr Format kDouble{53, 1023};

enum class Rounding { kNearestEven, kNearestAway, kZero, kDown, kUp };

long double round_to_integer(long double value, Rounding rounding);

/// The value of the format that `value` is rounded to; infinity or the largest finite value past the end, as the mode
/// asks. Exact: a long double holds every value of every format here, and every 64-bit integer.
long double round_to(long double value, const Format& format, Rounding rounding);

/// a + b rounded to odd: short of exact only in a last place that every format here rounds away, and never a tie, so
/// that rounding the result to a format gives what rounding the exact sum would.
long double add_to_odd(long double a, long double b);

/// The value a 16-bit encoding stands for.
long double decode(std::uint16_t bits, const Format& format);
/// The 16-bit encoding of a value of the format; 0x7FFF for a NaN.
std::uint16_t encode(long double value, const Format& format);

/// 16-bit floats by their bits, so that no conversion of the toolkit stands between a test and what it tests.
struct Half {
  std::uint16_t bits;
};
struct Bfloat {
  std::uint16_t bits;
};
inline long double value_of(Half half) { return decode(half.bits, kHalf); }
inline long double value_of(Bfloat bfloat) { return decode(bfloat.bits, kBfloat); }
inline Half to_half(long double value, Rounding rounding = Rounding::kNearestEven) {
  return {encode(round_to(value, kHalf, rounding), kHalf)};
}
inline Bfloat to_bfloat(long double value, Rounding rounding = Rounding::kNearestEven) {
  return {encode(round_to(value, kBfloat, rounding), kBfloat)};
}

}  // namespace emulator::self_test

#endif

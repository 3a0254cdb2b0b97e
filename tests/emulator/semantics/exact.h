#ifndef ARLOSS_TESTS_EMULATOR_SEMANTICS_EXACT_H
#define ARLOSS_TESTS_EMULATOR_SEMANTICS_EXACT_H

#include <cstdint>

#include "semantics/types.h"

/// Numbers of 128 bits that hold sums, products, quotients and roots of floats without error, or with an error that no
/// rounding can see; and the one place where such a number is rounded to a float of any format and in any direction.
namespace emulator::semantics {

__extension__ using U128 = unsigned __int128;

/// A binary float: bits of its significand with the hidden one, bits of its exponent.
struct FloatFormat {
  int significand_bits;
  int exponent_bits;

  constexpr int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  constexpr int smallest_exponent() const { return 1 - bias(); }
  constexpr int fraction_bits() const { return significand_bits - 1; }
  constexpr std::uint64_t infinity() const { return ((std::uint64_t{1} << exponent_bits) - 1) << fraction_bits(); }
  constexpr std::uint64_t largest() const { return infinity() - 1; }
  constexpr std::uint64_t sign() const { return std::uint64_t{1} << (fraction_bits() + exponent_bits); }
  constexpr std::uint64_t nan() const { return sign() - 1; }
  constexpr std::uint64_t magnitude(std::uint64_t bits) const { return bits & (sign() - 1); }
  constexpr bool is_nan(std::uint64_t bits) const { return magnitude(bits) > infinity(); }
  constexpr bool is_finite(std::uint64_t bits) const { return magnitude(bits) < infinity(); }
};

constexpr FloatFormat kFormatF16{11, 5};
constexpr FloatFormat kFormatBf16{8, 8};
constexpr FloatFormat kFormatTf32{11, 8};  // of 19 bits; a register has them at the top of its 32
constexpr FloatFormat kFormatF32{24, 8};
constexpr FloatFormat kFormatF64{53, 11};

/// significand * 2^exponent, negative or not. Where a result has more bits than fit, the lowest bit of the significand
/// is 1 instead of what followed it ("jammed"): as long as two bits lie below the last one that is kept, every rounding
/// comes out as that of the whole number, since neither a representable value nor the middle of two has its lowest
/// bit set.
struct Exact {
  U128 significand;
  int exponent;
  bool is_negative;
};

inline int bit_length(U128 value) {
  const auto high = static_cast<std::uint64_t>(value >> 64), low = static_cast<std::uint64_t>(value);
  if (high != 0) return 128 - __builtin_clzll(high);
  return low != 0 ? 64 - __builtin_clzll(low) : 0;
}

/// value / 2^shift with what falls off jammed. shift >= 0.
inline U128 shift_right_jammed(U128 value, int shift) {
  if (shift == 0) return value;
  if (shift >= 128) return value != 0 ? 1 : 0;
  return (value >> shift) | ((value << (128 - shift)) != 0 ? 1 : 0);
}

/// The value of a finite float.
inline Exact decode(const FloatFormat& format, std::uint64_t bits) {
  const std::uint64_t magnitude = format.magnitude(bits), hidden = std::uint64_t{1} << format.fraction_bits();
  const auto biased = static_cast<int>(magnitude >> format.fraction_bits());
  const std::uint64_t fraction = magnitude & (hidden - 1);
  return {biased != 0 ? fraction | hidden : fraction,
          (biased != 0 ? biased : 1) - format.bias() - format.fraction_bits(), (bits & format.sign()) != 0};
}

/// What is left of a number beyond its last kept bit: kept + half + (more: something under a half).
inline bool rounds_up(Rounding rounding, bool is_negative, bool is_odd, bool half, bool more) {
  switch (rounding) {
    case Rounding::kRn:
    case Rounding::kRni: return half && (more || is_odd);
    case Rounding::kRna: return half;
    case Rounding::kRm:
    case Rounding::kRmi: return is_negative && (half || more);
    case Rounding::kRp:
    case Rounding::kRpi: return !is_negative && (half || more);
    default: return false;
  }
}

/// The significand cut `shift` bits above its end and rounded there. shift > 0.
inline U128 round_off(const Exact& value, int shift, Rounding rounding) {
  if (shift > 128) return rounds_up(rounding, value.is_negative, false, false, value.significand != 0) ? 1 : 0;
  const U128 half_bit = U128{1} << (shift - 1);
  const U128 kept = shift < 128 ? value.significand >> shift : 0;
  const bool half = (value.significand & half_bit) != 0, more = (value.significand & (half_bit - 1)) != 0;
  return kept + (rounds_up(rounding, value.is_negative, (kept & 1) != 0, half, more) ? 1 : 0);
}

/// The bits of the value rounded to the format; too large a value becomes infinity or the largest finite one, as the
/// direction says. Zero keeps its sign.
inline std::uint64_t encode(const FloatFormat& format, const Exact& value, Rounding rounding) {
  const std::uint64_t sign = value.is_negative ? format.sign() : 0;
  if (value.significand == 0) return sign;
  const int leading = value.exponent + bit_length(value.significand) - 1;
  const bool is_normal = leading >= format.smallest_exponent();
  if (leading > format.bias())
    return sign | (rounds_up(rounding, value.is_negative, true, true, true) ? format.infinity() : format.largest());
  const int shift = (is_normal ? leading : format.smallest_exponent()) - format.fraction_bits() - value.exponent;
  const U128 kept = shift > 0 ? round_off(value, shift, rounding) : value.significand << -shift;
  // A normal value's hidden bit adds one to the exponent field, as does a carry out of the fraction.
  const auto exponent_field = is_normal ? static_cast<std::uint64_t>(leading + format.bias() - 1) : 0;
  return sign | ((exponent_field << format.fraction_bits()) + static_cast<std::uint64_t>(kept));
}

/// Both numbers' significands must have at most 64 bits.
inline Exact product(const Exact& a, const Exact& b) {
  return {a.significand * b.significand, a.exponent + b.exponent, a.is_negative != b.is_negative};
}

/// Significands of at most 106 bits (a product of doubles), so that with the leading bit moved to position 125 twenty
/// zeros follow. Jamming happens only where the smaller number is moved down by more than those, and then at most one
/// leading bit cancels: far more than two bits lie below the 53 kept ones.
inline Exact sum(Exact a, Exact b, Rounding rounding) {
  constexpr int kLeading = 125;  // room for one carry and to spare
  const auto normalise = [](Exact& value) {
    const int shift = kLeading + 1 - bit_length(value.significand);
    value.significand <<= shift;
    value.exponent -= shift;
  };
  if (a.significand == 0 && b.significand == 0) {
    const bool is_negative = a.is_negative == b.is_negative ? a.is_negative : rounding == Rounding::kRm;
    return {0, 0, is_negative};
  }
  if (a.significand == 0) return b;
  if (b.significand == 0) return a;
  normalise(a);
  normalise(b);
  if (a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand)) {
    const Exact larger = b;
    b = a;
    a = larger;
  }
  const U128 lowered = shift_right_jammed(b.significand, a.exponent - b.exponent);
  if (a.is_negative == b.is_negative) return {a.significand + lowered, a.exponent, a.is_negative};
  const U128 difference = a.significand - lowered;
  return {difference, a.exponent, difference != 0 ? a.is_negative : rounding == Rounding::kRm};
}

/// Significands of at most 53 bits, the divisor's not zero. With the dividend's leading bit at position 127 the
/// quotient has at least 75 bits; a remainder is jammed.
inline Exact quotient(const Exact& a, const Exact& b) {
  const bool is_negative = a.is_negative != b.is_negative;
  if (a.significand == 0) return {0, 0, is_negative};
  const int shift = 128 - bit_length(a.significand);
  const U128 dividend = a.significand << shift, whole = dividend / b.significand;
  return {whole | (whole * b.significand != dividend ? 1 : 0), a.exponent - shift - b.exponent, is_negative};
}

/// Significand of at most 53 bits, positive. With the radicand's leading bit at position 126 or 127 the root has 64
/// bits, eleven more than are kept; a remainder is jammed.
inline Exact square_root(const Exact& a) {
  if (a.significand == 0) return a;
  int shift = 128 - bit_length(a.significand);
  if (((a.exponent - shift) & 1) != 0) --shift;
  U128 remainder = a.significand << shift, root = 0;
  for (U128 bit = U128{1} << 126; bit != 0; bit >>= 2) {
    const bool fits = remainder >= root + bit;
    if (fits) remainder -= root + bit;
    root = (root >> 1) + (fits ? bit : 0);
  }
  return {root | (remainder != 0 ? 1 : 0), (a.exponent - shift) / 2, false};
}

}  // namespace emulator::semantics

#endif

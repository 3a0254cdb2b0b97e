#ifndef ARLOSS_TESTS_EMULATOR_SEMANTICS_HALF_MATH_H
#define ARLOSS_TESTS_EMULATOR_SEMANTICS_HALF_MATH_H

#include <cmath>
#include <cstdint>

#include "semantics/compare.h"
#include "semantics/half_formats.h"
#include "semantics/rounding.h"

/// Arithmetic of f16 and bf16, each operation rounded once, to nearest. Half is HalfF16 or HalfBf16.
namespace emulator::semantics {

struct HalfF16 {
  static float widen(std::uint16_t bits) { return f16_to_float(bits); }
  static std::uint16_t narrow(float value) { return float_to_f16_rn(value); }
};

struct HalfBf16 {
  static float widen(std::uint16_t bits) { return bf16_to_float(bits); }
  static std::uint16_t narrow(float value) { return float_to_bf16_rn(value); }
};

namespace detail {

/// The one of the two floats around an inexact number that has an odd significand, given the nearest of them. A number
/// rounded to odd can be rounded once more, to a format with two bits less or fewer, as if it were the number itself:
/// no value or middle of the smaller format is odd.
template <class Real>
inline Real nearest_to_odd(Real nearest, bool is_beyond_zero) {
  const auto bits = bit_cast<BitsOf<Real>>(nearest);
  if ((bits & 1u) != 0) return nearest;
  return bit_cast<Real>(is_beyond_zero ? bits + 1 : bits - 1);
}

/// a + b rounded to odd; a and b far from the ends of the range of doubles.
inline double sum_to_odd(double a, double b) {
  const double total = a + b, part = total - a;
  const double error = (a - (total - part)) + (b - part);  // exact: total + error = a + b
  if (error == 0 || !std::isfinite(total)) return total;
  return nearest_to_odd(total, (error > 0) == (total > 0));
}

inline float to_float_odd(double value) {
  const auto nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) == value || value != value) return nearest;
  return nearest_to_odd(nearest, std::fabs(static_cast<double>(nearest)) < std::fabs(value));
}

template <class Half>
inline std::uint16_t narrow_double(double value) {
  return Half::narrow(to_float_odd(value));
}

}  // namespace detail

template <class Half>
inline std::uint16_t half_add(std::uint16_t a, std::uint16_t b) {
  return detail::narrow_double<Half>(detail::sum_to_odd(Half::widen(a), Half::widen(b)));
}

template <class Half>
inline std::uint16_t half_subtract(std::uint16_t a, std::uint16_t b) {
  return half_add<Half>(a, b ^ 0x8000u);
}

/// The product of two significands of at most 11 bits is exact in double.
template <class Half>
inline std::uint16_t half_multiply(std::uint16_t a, std::uint16_t b) {
  return detail::narrow_double<Half>(double{Half::widen(a)} * double{Half::widen(b)});
}

/// a * b + c, rounded once.
template <class Half>
inline std::uint16_t half_multiply_add(std::uint16_t a, std::uint16_t b, std::uint16_t c) {
  return detail::narrow_double<Half>(
      detail::sum_to_odd(double{Half::widen(a)} * double{Half::widen(b)}, Half::widen(c)));
}

/// .sat
template <class Half>
inline std::uint16_t half_saturate(std::uint16_t bits) {
  return Half::narrow(saturate(Half::widen(bits)));
}

/// min and max as compare.h has them for floats; `is_nan`: .NaN, `is_xorsign`: .xorsign.abs.
template <class Half>
inline std::uint16_t half_minimum(std::uint16_t a, std::uint16_t b, bool is_nan = false, bool is_xorsign = false) {
  const float x = Half::widen(a), y = Half::widen(b);
  return Half::narrow(is_xorsign ? minimum_xorsign(x, y, is_nan) : is_nan ? minimum_nan(x, y) : minimum(x, y));
}
template <class Half>
inline std::uint16_t half_maximum(std::uint16_t a, std::uint16_t b, bool is_nan = false, bool is_xorsign = false) {
  const float x = Half::widen(a), y = Half::widen(b);
  return Half::narrow(is_xorsign ? maximum_xorsign(x, y, is_nan) : is_nan ? maximum_nan(x, y) : maximum(x, y));
}

}  // namespace emulator::semantics

#endif

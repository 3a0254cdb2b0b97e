#ifndef ARLOSS_TESTS_EMULATOR_UNIT_SMALL_FLOAT_H
#define ARLOSS_TESTS_EMULATOR_UNIT_SMALL_FLOAT_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "semantics/types.h"

namespace emulator::semantics {

/// A float of 16 bits as a textbook has it: its value from powers of two, its roundings from a table of all values.
class SmallFloat {
 public:
  SmallFloat(int fraction_bits, int exponent_bits) : fraction_bits_(fraction_bits), exponent_bits_(exponent_bits) {
    for (std::uint32_t bits = 0; bits < infinity(); ++bits) values_.push_back(value(bits));
    values_.push_back(std::ldexp(1.0, 1 << (exponent_bits - 1)));  // what infinity stands for when rounding
  }

  std::uint32_t infinity() const { return ((1u << exponent_bits_) - 1) << fraction_bits_; }
  bool is_nan(std::uint32_t bits) const { return (bits & 0x7FFFu) > infinity(); }

  double value(std::uint32_t bits) const {
    const auto field = static_cast<int>((bits & 0x7FFFu) >> fraction_bits_), bias = (1 << (exponent_bits_ - 1)) - 1;
    const double fraction = std::ldexp(static_cast<double>(bits & ((1u << fraction_bits_) - 1)), -fraction_bits_);
    const double sign = (bits & 0x8000u) != 0 ? -1 : 1;
    if ((bits & 0x7FFFu) == infinity()) return sign * std::numeric_limits<double>::infinity();
    return sign * (field == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, field - bias));
  }

  std::uint16_t round(long double number, Rounding rounding) const {
    const std::uint32_t sign = std::signbit(number) ? 0x8000u : 0;
    if (std::isnan(number)) return 0x7FFF;
    const long double magnitude = std::fabs(number);
    if (std::isinf(magnitude)) return static_cast<std::uint16_t>(sign | infinity());
    const auto above = std::lower_bound(values_.begin(), values_.end(), magnitude);
    if (above == values_.end())
      return static_cast<std::uint16_t>(sign | (goes_up(sign, rounding) ? infinity() : infinity() - 1));
    auto chosen = static_cast<std::uint32_t>(above - values_.begin());
    if (*above != magnitude) {
      const long double up = *above - magnitude, down = magnitude - values_[chosen - 1];
      const bool is_up_odd = (chosen & 1u) != 0;
      const bool goes_nearer_up = up < down || (up == down && (rounding == Rounding::kRna || !is_up_odd));
      const bool is_nearest = rounding == Rounding::kRn || rounding == Rounding::kRna;
      if (is_nearest ? !goes_nearer_up : !goes_up(sign, rounding)) --chosen;
    } else if (chosen == infinity() && rounding != Rounding::kRn && rounding != Rounding::kRna) {
      chosen = goes_up(sign, rounding) ? infinity() : infinity() - 1;
    }
    return static_cast<std::uint16_t>(sign | chosen);
  }

 private:
  static bool goes_up(std::uint32_t sign, Rounding rounding) {
    return rounding == Rounding::kRn || rounding == Rounding::kRna || (rounding == Rounding::kRp && sign == 0) ||
           (rounding == Rounding::kRm && sign != 0);
  }

  int fraction_bits_, exponent_bits_;
  std::vector<double> values_;
};

inline const SmallFloat& f16() {
  static const SmallFloat format(10, 5);
  return format;
}
inline const SmallFloat& bf16() {
  static const SmallFloat format(7, 8);
  return format;
}

}  // namespace emulator::semantics

#endif

#include "self_test/formats.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace emulator::self_test {
namespace {

long double largest(const Format& format) {
  return std::ldexp(2 - std::ldexp(1.0L, 1 - format.precision), format.max_exponent);
}

long double past_the_end(long double value, const Format& format, Rounding rounding) {
  const bool is_nearest = rounding == Rounding::kNearestEven || rounding == Rounding::kNearestAway;
  const bool is_outward = rounding == (value > 0 ? Rounding::kUp : Rounding::kDown);
  const long double magnitude =
      is_nearest || is_outward ? std::numeric_limits<long double>::infinity() : largest(format);
  return std::copysign(magnitude, value);
}

/// Exponent of a value's last place; subnormals share that of the smallest normal value.
int last_place(long double value, const Format& format) {
  const int exponent = std::max(std::ilogb(value), 1 - format.max_exponent);
  return exponent - (format.precision - 1);
}

}  // namespace

long double round_to_integer(long double value, Rounding rounding) {
  switch (rounding) {
    case Rounding::kNearestEven: return std::nearbyint(value);
    case Rounding::kNearestAway: return std::round(value);
    case Rounding::kZero: return std::trunc(value);
    case Rounding::kDown: return std::floor(value);
    case Rounding::kUp: return std::ceil(value);
  }
  return value;
}

long double round_to(long double value, const Format& format, Rounding rounding) {
  if (value == 0 || !std::isfinite(value)) return value;
  const int place = last_place(value, format);
  const long double rounded = std::ldexp(round_to_integer(std::ldexp(value, -place), rounding), place);
  if (std::fabs(rounded) > largest(format)) return past_the_end(value, format, rounding);
  return std::copysign(rounded, value);
}

long double add_to_odd(long double a, long double b) {
  const long double sum = a + b;
  if (!std::isfinite(sum)) return sum;
  const long double b_part = sum - a;
  const long double lost = (a - (sum - b_part)) + (b - b_part);  // exactly what the sum lacks
  if (lost == 0) return sum;
  int exponent;
  const long double significand = std::ldexp(std::frexp(sum, &exponent), std::numeric_limits<long double>::digits);
  const bool is_odd = std::fmod(significand, 2) != 0;
  return is_odd ? sum : std::nextafter(sum, std::copysign(std::numeric_limits<long double>::infinity(), lost));
}

long double decode(std::uint16_t bits, const Format& format) {
  const int fraction_bits = format.precision - 1;
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const int exponent = (bits & 0x7FFF) >> fraction_bits;
  const int bias = format.max_exponent;
  long double magnitude;
  if (exponent == 2 * bias + 1)
    magnitude =
        fraction != 0 ? std::numeric_limits<long double>::quiet_NaN() : std::numeric_limits<long double>::infinity();
  else if (exponent == 0)
    magnitude = std::ldexp(static_cast<long double>(fraction), 1 - bias - fraction_bits);
  else
    magnitude = std::ldexp(static_cast<long double>(fraction + (1 << fraction_bits)), exponent - bias - fraction_bits);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

std::uint16_t encode(long double value, const Format& format) {
  if (std::isnan(value)) return 0x7FFF;
  const int fraction_bits = format.precision - 1;
  const int bias = format.max_exponent;
  const int sign = std::signbit(value) ? 0x8000 : 0;
  const long double magnitude = std::fabs(value);
  if (magnitude == 0) return static_cast<std::uint16_t>(sign);
  if (std::isinf(magnitude)) return static_cast<std::uint16_t>(sign | (2 * bias + 1) << fraction_bits);
  // The significand as an integer; a normal one carries its implied bit into the exponent field, which it raises by 1.
  const int place = last_place(magnitude, format);
  const int significand = static_cast<int>(std::ldexp(magnitude, -place));
  const int exponent_below = place + fraction_bits - (1 - bias);
  return static_cast<std::uint16_t>(sign | ((exponent_below << fraction_bits) + significand));
}

}  // namespace emulator::self_test

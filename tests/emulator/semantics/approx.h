#ifndef ARLOSS_TESTS_EMULATOR_SEMANTICS_APPROX_H
#define ARLOSS_TESTS_EMULATOR_SEMANTICS_APPROX_H

#include <array>
#include <cmath>
#include <cstdint>

#include "memory/lanes.h"
#include "semantics/rounding.h"
#include "semantics/types.h"

/// The approximate instructions. Devices are off by a few units in the last place, in ways that are not documented;
/// here each result is computed in double and rounded once, so it is within 0.51 units, except where it says otherwise.
/// Infinities, zeros and numbers out of the domain give what the PTX ISA's tables say. `ftz`: subnormal operands and
/// results are zeros of their sign. f16 and bf16 variants are these between conversions.
namespace emulator::semantics {

namespace detail {

inline float flush_if(bool ftz, float value) { return ftz ? flush(value) : value; }

/// Coefficients of 2^f = sum (f ln 2)^k / k!. Up to the ninth power the sum is off by less than 2^-36 for |f| <= 1/2:
/// one in thousands of results is the second nearest float.
constexpr int kPowerTerms = 10;
constexpr std::array<double, kPowerTerms> power_coefficients() {
  constexpr double kLn2 = 0.693147180559945309417;
  std::array<double, kPowerTerms> coefficients{};
  double coefficient = 1;
  for (int k = 0; k < kPowerTerms; ++k) {
    coefficients[static_cast<std::size_t>(k)] = coefficient;
    coefficient *= kLn2 / (k + 1);
  }
  return coefficients;
}

/// Exponents beyond which the result is infinite or 0 anyway. A NaN stays.
inline float clamp_exponent(float x) {
  constexpr float kOverflow = 129, kUnderflow = -151;
  const float over = x > kOverflow ? kOverflow : x;
  return over < kUnderflow ? kUnderflow : over;
}

/// 2^x of a clamped exponent.
inline float power_of_two(float x) {
  constexpr auto kCoefficients = power_coefficients();
  constexpr double kToInteger = 0x1.8p52;  // added to a number, its lowest bits count ones
  const double argument = x, shifted = argument + kToInteger, fraction = argument - (shifted - kToInteger);
  double power = kCoefficients[kPowerTerms - 1];
  for (int k = kPowerTerms - 2; k >= 0; --k) power = power * fraction + kCoefficients[static_cast<std::size_t>(k)];
  const auto scale = bit_cast<double>((bit_cast<std::uint64_t>(shifted) << 52) + (std::uint64_t{1023} << 52));
  return static_cast<float>(power * scale);
}

}  // namespace detail

inline float ex2_approx(float x, bool ftz) {
  return detail::flush_if(ftz, canonical(detail::power_of_two(detail::clamp_exponent(x))));
}

inline float lg2_approx(float x, bool ftz) {
  return canonical(static_cast<float>(std::log2(static_cast<double>(detail::flush_if(ftz, x)))));
}

inline float rcp_approx(float x, bool ftz) { return detail::flush_if(ftz, canonical(1.0f / detail::flush_if(ftz, x))); }

inline float sqrt_approx(float x, bool ftz) { return canonical(std::sqrt(detail::flush_if(ftz, x))); }

inline float rsqrt_approx(float x, bool ftz) {
  return canonical(static_cast<float>(1 / std::sqrt(static_cast<double>(detail::flush_if(ftz, x)))));
}

inline float sin_approx(float x, bool ftz) {
  const double sine = std::sin(static_cast<double>(detail::flush_if(ftz, x)));
  return detail::flush_if(ftz, canonical(static_cast<float>(sine)));
}

inline float cos_approx(float x, bool ftz) {
  const double cosine = std::cos(static_cast<double>(detail::flush_if(ftz, x)));
  return detail::flush_if(ftz, canonical(static_cast<float>(cosine)));
}

/// tanh.approx.f32 has no .ftz.
inline float tanh_approx(float x) { return canonical(static_cast<float>(std::tanh(static_cast<double>(x)))); }

/// div.full: the nearest quotient.
inline float div_full(float a, float b, bool ftz) {
  return detail::flush_if(ftz, canonical(detail::flush_if(ftz, a) / detail::flush_if(ftz, b)));
}

/// div.approx: the nearest quotient, save for divisors between 2^126 and 2^128, whose reciprocals are lost: a finite
/// dividend gives zero, an infinite one no number.
inline float div_approx(float a, float b, bool ftz) {
  const float magnitude = std::fabs(b);
  if (magnitude > 0x1p126f && std::isfinite(b)) return canonical(a * std::copysign(0.0f, b));
  return div_full(a, b, ftz);
}

/// rcp.approx.ftz.f64 and rsqrt.approx.ftz.f64: of the operand and the result only the upper 32 bits count, which
/// leaves an error of 2^-20.
inline double upper_half(double value) {
  const auto bits = bit_cast<std::uint64_t>(value);
  const bool is_subnormal = (bits & 0x7FF0000000000000u) == 0;
  return bit_cast<double>(bits & (is_subnormal ? 0x8000000000000000u : 0xFFFFFFFF00000000u));
}
inline double rcp_approx_f64(double x) { return x != x ? x : upper_half(1 / upper_half(x)); }
inline double rsqrt_approx_ftz_f64(double x) { return x != x ? x : upper_half(1 / std::sqrt(upper_half(x))); }

/// rsqrt.approx.f64
inline double rsqrt_approx_f64(double x) { return 1 / std::sqrt(x); }

// ---- all 32 lanes at once; results as above, and `result` may be `x`

/// In three loops, each of which compilers turn into vector code; in one they do not (237 ns a warp instead of 26).
inline void ex2_lanes(const float* x, float* result, bool ftz = false) {
  float exponents[kWarpSize];
  for (int lane = 0; lane < kWarpSize; ++lane) exponents[lane] = detail::clamp_exponent(x[lane]);
  for (int lane = 0; lane < kWarpSize; ++lane) exponents[lane] = detail::power_of_two(exponents[lane]);
  for (int lane = 0; lane < kWarpSize; ++lane) result[lane] = detail::flush_if(ftz, canonical(exponents[lane]));
}

inline void rcp_lanes(const float* x, float* result, bool ftz = false) {
  for (int lane = 0; lane < kWarpSize; ++lane) result[lane] = rcp_approx(x[lane], ftz);
}

inline void sqrt_lanes(const float* x, float* result, bool ftz = false) {
  for (int lane = 0; lane < kWarpSize; ++lane) result[lane] = sqrt_approx(x[lane], ftz);
}

inline void rsqrt_lanes(const float* x, float* result, bool ftz = false) {
  for (int lane = 0; lane < kWarpSize; ++lane) result[lane] = rsqrt_approx(x[lane], ftz);
}

}  // namespace emulator::semantics

#endif

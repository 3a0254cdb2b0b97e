#ifndef ARLOSS_TESTS_EMULATOR_SEMANTICS_ROUNDING_H
#define ARLOSS_TESTS_EMULATOR_SEMANTICS_ROUNDING_H

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "semantics/exact.h"
#include "semantics/types.h"

/// Float and double arithmetic in the directions PTX knows, with the processor left in its one mode (to nearest). In
/// rn the processor computes; in rz, rm and rp the result is had as an exact number (exact.h) and rounded from there.
/// Operands that are not finite, zero divisors and negative radicands give the same in every direction, so the
/// processor answers those too. Build with -ffp-contract=off.
namespace emulator::semantics {

template <class Real>
constexpr FloatFormat kFormatOf = std::is_same_v<Real, float> ? kFormatF32 : kFormatF64;

template <class Real>
using BitsOf = std::conditional_t<std::is_same_v<Real, float>, std::uint32_t, std::uint64_t>;

namespace detail {

template <class Real>
inline Exact exact(Real value) {
  return decode(kFormatOf<Real>, bit_cast<BitsOf<Real>>(value));
}

template <class Real>
inline Real rounded(const Exact& value, Rounding rounding) {
  return bit_cast<Real>(static_cast<BitsOf<Real>>(encode(kFormatOf<Real>, value, rounding)));
}

}  // namespace detail

template <class Real>
inline Real add(Real a, Real b, Rounding rounding = Rounding::kRn) {
  if (rounding == Rounding::kRn || !std::isfinite(a) || !std::isfinite(b)) return canonical(a + b);
  return detail::rounded<Real>(sum(detail::exact(a), detail::exact(b), rounding), rounding);
}

template <class Real>
inline Real subtract(Real a, Real b, Rounding rounding = Rounding::kRn) {
  return add(a, -b, rounding);
}

template <class Real>
inline Real multiply(Real a, Real b, Rounding rounding = Rounding::kRn) {
  if (rounding == Rounding::kRn || !std::isfinite(a) || !std::isfinite(b)) return canonical(a * b);
  return detail::rounded<Real>(product(detail::exact(a), detail::exact(b)), rounding);
}

/// a * b + c, rounded once.
template <class Real>
inline Real multiply_add(Real a, Real b, Real c, Rounding rounding = Rounding::kRn) {
  if (rounding == Rounding::kRn || !std::isfinite(a) || !std::isfinite(b) || !std::isfinite(c))
    return canonical(std::fma(a, b, c));
  return detail::rounded<Real>(sum(product(detail::exact(a), detail::exact(b)), detail::exact(c), rounding), rounding);
}

template <class Real>
inline Real divide(Real a, Real b, Rounding rounding = Rounding::kRn) {
  if (rounding == Rounding::kRn || !std::isfinite(a) || !std::isfinite(b) || b == 0) return canonical(a / b);
  return detail::rounded<Real>(quotient(detail::exact(a), detail::exact(b)), rounding);
}

template <class Real>
inline Real reciprocal(Real a, Rounding rounding = Rounding::kRn) {
  return divide(Real{1}, a, rounding);
}

template <class Real>
inline Real square_root(Real a, Rounding rounding = Rounding::kRn) {
  if (rounding == Rounding::kRn || !std::isfinite(a) || a < 0) return canonical(std::sqrt(a));
  return detail::rounded<Real>(square_root(detail::exact(a)), rounding);
}

/// To an integral value, as rni, rzi, rmi and rpi (or rn, rz, rm and rp) say; zero keeps the sign of what it was.
template <class Real>
inline Real round_to_integer(Real value, Rounding rounding) {
  switch (rounding) {
    case Rounding::kRzi:
    case Rounding::kRz: return canonical(std::trunc(value));
    case Rounding::kRmi:
    case Rounding::kRm: return canonical(std::floor(value));
    case Rounding::kRpi:
    case Rounding::kRp: return canonical(std::ceil(value));
    case Rounding::kRna: return canonical(std::round(value));
    default: return canonical(std::nearbyint(value));
  }
}

/// .ftz: a subnormal float becomes zero of its sign.
inline float flush(float value) {
  const auto bits = bit_cast<std::uint32_t>(value);
  return bit_cast<float>((bits & 0x7F800000u) == 0 ? bits & 0x80000000u : bits);
}
inline std::uint16_t flush_f16(std::uint16_t bits) {
  return (bits & 0x7C00u) == 0 ? static_cast<std::uint16_t>(bits & 0x8000u) : bits;
}

/// .sat: clamped to [+0, 1]; a NaN becomes +0.
template <class Real>
inline Real saturate(Real value) {
  return value > 0 ? (value < 1 ? value : Real{1}) : Real{0};
}

}  // namespace emulator::semantics

#endif

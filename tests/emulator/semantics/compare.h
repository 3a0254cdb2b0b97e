#ifndef ARLOSS_TESTS_EMULATOR_SEMANTICS_COMPARE_H
#define ARLOSS_TESTS_EMULATOR_SEMANTICS_COMPARE_H

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "semantics/half_formats.h"
#include "semantics/rounding.h"
#include "semantics/types.h"

/// What setp, set, slct, min, max, testp and copysign find out about numbers.
namespace emulator::semantics {

/// lo, ls, hi and hs are lt, le, gt and ge of unsigned integers. Of a float, eq to ge are false where an operand is
/// not a number (ne too), equ to geu are true; num: both are numbers; nan: one is not.
enum class Comparison : std::uint8_t {
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  kLo,
  kLs,
  kHi,
  kHs,
  kEqu,
  kNeu,
  kLtu,
  kLeu,
  kGtu,
  kGeu,
  kNum,
  kNan,
};

/// Of integers and floats; f16 and bf16 are compared as the floats they are. The fast path: a constant first argument
/// leaves one comparison.
template <class Value>
inline bool compare(Comparison comparison, Value a, Value b) {
  const bool is_unordered = a != a || b != b;
  switch (comparison) {
    case Comparison::kEq: return a == b;
    case Comparison::kNe: return a != b && !is_unordered;
    case Comparison::kLo:
    case Comparison::kLt: return a < b;
    case Comparison::kLs:
    case Comparison::kLe: return a <= b;
    case Comparison::kHi:
    case Comparison::kGt: return a > b;
    case Comparison::kHs:
    case Comparison::kGe: return a >= b;
    case Comparison::kEqu: return a == b || is_unordered;
    case Comparison::kNeu: return a != b;
    case Comparison::kLtu: return !(a >= b);
    case Comparison::kLeu: return !(a > b);
    case Comparison::kGtu: return !(a <= b);
    case Comparison::kGeu: return !(a < b);
    case Comparison::kNum: return !is_unordered;
    case Comparison::kNan: return is_unordered;
  }
  return false;
}

/// Of the bits of two values of any type but tf32 and the packed ones; bits above the type's width do not count.
/// `ftz`: f32, f16 and f16x2 operands that are subnormal count as zero. Throws std::invalid_argument, naming the type.
bool compare_bits(Comparison comparison, Type type, std::uint64_t a, std::uint64_t b, bool ftz);

// ---- min and max

template <class Int, std::enable_if_t<std::is_integral_v<Int>, int> = 0>
inline Int minimum(Int a, Int b) {
  return a < b ? a : b;
}
template <class Int, std::enable_if_t<std::is_integral_v<Int>, int> = 0>
inline Int maximum(Int a, Int b) {
  return a > b ? a : b;
}

/// The other operand where one is not a number, the canonical NaN where both are not; -0 is less than +0.
template <class Real, std::enable_if_t<std::is_floating_point_v<Real>, int> = 0>
inline Real minimum(Real a, Real b) {
  if (a != a) return canonical(b);
  if (b != b || a < b) return a;
  return a == b && std::signbit(a) ? a : b;
}
template <class Real, std::enable_if_t<std::is_floating_point_v<Real>, int> = 0>
inline Real maximum(Real a, Real b) {
  if (a != a) return canonical(b);
  if (b != b || a > b) return a;
  return a == b && !std::signbit(a) ? a : b;
}

/// .NaN: not a number where one operand is not.
template <class Real>
inline Real minimum_nan(Real a, Real b) {
  return a != a || b != b ? canonical(a + b) : minimum(a, b);
}
template <class Real>
inline Real maximum_nan(Real a, Real b) {
  return a != a || b != b ? canonical(a + b) : maximum(a, b);
}

/// .xorsign.abs: what the magnitudes give, negative where the operands' signs differ. `is_nan`: .NaN.
template <class Real>
inline Real minimum_xorsign(Real a, Real b, bool is_nan = false) {
  const Real least = is_nan ? minimum_nan(std::fabs(a), std::fabs(b)) : minimum(std::fabs(a), std::fabs(b));
  return least != least ? least : std::copysign(least, std::signbit(a) != std::signbit(b) ? Real{-1} : Real{1});
}
template <class Real>
inline Real maximum_xorsign(Real a, Real b, bool is_nan = false) {
  const Real most = is_nan ? maximum_nan(std::fabs(a), std::fabs(b)) : maximum(std::fabs(a), std::fabs(b));
  return most != most ? most : std::copysign(most, std::signbit(a) != std::signbit(b) ? Real{-1} : Real{1});
}

// ---- kinds of floats

enum class FloatTest : std::uint8_t { kFinite, kInfinite, kNumber, kNotANumber, kNormal, kSubnormal };

/// testp: zeros are normal.
template <class Real>
inline bool test_float(FloatTest test, Real value) {
  const bool is_subnormal = std::fpclassify(value) == FP_SUBNORMAL;
  switch (test) {
    case FloatTest::kFinite: return std::isfinite(value);
    case FloatTest::kInfinite: return std::isinf(value);
    case FloatTest::kNumber: return !std::isnan(value);
    case FloatTest::kNotANumber: return std::isnan(value);
    case FloatTest::kNormal: return std::isfinite(value) && !is_subnormal;
    case FloatTest::kSubnormal: return is_subnormal;
  }
  return false;
}

/// copysign d, a, b: the magnitude of b with the sign of a.
template <class Real>
inline Real copy_sign(Real a, Real b) {
  return std::copysign(b, a);
}

}  // namespace emulator::semantics

#endif

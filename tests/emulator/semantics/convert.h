#ifndef ARLOSS_TESTS_EMULATOR_SEMANTICS_CONVERT_H
#define ARLOSS_TESTS_EMULATOR_SEMANTICS_CONVERT_H

#include <cstdint>
#include <limits>
#include <type_traits>

#include "semantics/rounding.h"
#include "semantics/types.h"

namespace emulator::semantics {

/// cvt between any two of the integer types, f16, bf16, f32 and f64, and to tf32 (the slow path: 10 to 50 ns). Bits of
/// `bits` above the width of `from` do not count. The result is extended to 64 bits as PTX extends it into a wider
/// register: by its sign for signed integers, else with zeros.
///
/// Float to integer: rounded as rni, rzi, rmi or rpi say (rn, rz, rm, rp count as those), then clamped to the range. A
/// NaN becomes 0, or, from f64 or to a 64-bit integer, the bit pattern 100..0.
/// Integer to integer: the low bits, or with `sat` the nearest value of the type.
/// Float to float: rounded to an integral value first where `rounding` is one of rni, rzi, rmi and rpi. `sat` clamps to
/// [0, 1], a NaN to +0. NaNs become canonical ones, but keep their payload from bf16 to f32, from f32 to f64 and from
/// f64 to f64.
/// `ftz`: f32 sources and results that are subnormal count as zeros of their sign.
/// Throws std::invalid_argument, naming both types, for other types.
std::uint64_t convert(std::uint64_t bits, Type to, Type from, Rounding rounding, bool ftz, bool sat);

/// cvt from a float or double to an integer, rounded to one (rni, rzi, rmi, rpi) and clamped; NaN as convert says.
template <class To, class From>
inline To float_to_integer(From value, Rounding rounding = Rounding::kRzi) {
  static_assert(std::is_integral_v<To> && std::is_floating_point_v<From>);
  using Limits = std::numeric_limits<To>;
  // One past the largest integer is a power of two, and so is the smallest one or it is 0: exact in every float.
  constexpr From kEnd = static_cast<From>(std::uint64_t{1} << (Limits::digits - 1)) * From{2};
  constexpr From kBegin = static_cast<From>(Limits::min());
  constexpr bool kNanIsZero = std::is_same_v<From, float> && sizeof(To) < 8;
  constexpr To kNan = kNanIsZero             ? To{0}
                      : std::is_signed_v<To> ? Limits::min()
                                             : static_cast<To>(Limits::max() / 2 + 1);
  const From rounded = round_to_integer(value, rounding);
  if (rounded != rounded) return kNan;
  if (rounded >= kEnd) return Limits::max();
  if (rounded < kBegin) return Limits::min();
  return static_cast<To>(rounded);
}

/// cvt of the pairs kernels are full of: integers to integers without .sat, integers to floats in rn, floats to
/// integers in `rounding`, float and double to each other in rn.
template <class To, class From>
inline To convert_value(From value, Rounding rounding = Rounding::kRzi) {
  if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>)
    return float_to_integer<To>(value, rounding);
  else if constexpr (std::is_same_v<To, float>)
    return canonical(static_cast<float>(value));
  else
    return static_cast<To>(value);
}

}  // namespace emulator::semantics

#endif

#ifndef ARLOSS_TESTS_EMULATOR_SEMANTICS_HALF_FORMATS_H
#define ARLOSS_TESTS_EMULATOR_SEMANTICS_HALF_FORMATS_H

#include <cstdint>

#include "semantics/exact.h"
#include "semantics/types.h"
#ifdef __F16C__
#include <immintrin.h>
#endif

/// f16, bf16 and tf32 as bits, from and to float and double. Each function rounds once, keeps subnormals, and answers
/// the canonical NaN (0x7FFF, for tf32 0x7FFFFFFF) for every NaN. f16 in both directions and bf16 and tf32 in the
/// rounding nvcc emits are free of branches or nearly so; other roundings go through exact numbers.
namespace emulator::semantics {

// ---- without the compiler's help: what every build must agree with

inline float f16_to_float_portable(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t magnitude = bits & 0x7FFFu;
  // The exponent field is off by 127 - 15; the product is exact, of subnormals too.
  const auto scaled = bit_cast<std::uint32_t>(bit_cast<float>(magnitude << 13) * 0x1p112f);
  if (magnitude > 0x7C00) return bit_cast<float>(kNanF32);
  return bit_cast<float>(sign | (magnitude == 0x7C00 ? 0x7F800000u : scaled));
}

inline std::uint16_t float_to_f16_rn_portable(float value) {
  const auto bits = bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return kNanF16;
  if (magnitude >= 0x47800000u) return static_cast<std::uint16_t>(sign | 0x7C00u);  // from 65536
  // Under 2^-14 the steps are 2^-24, those of a float from 0.5 to 1: adding 0.5 rounds to them.
  const std::uint32_t subnormal =
      bit_cast<std::uint32_t>(bit_cast<float>(magnitude) + 0.5f) - bit_cast<std::uint32_t>(0.5f);
  const std::uint32_t normal = (magnitude + 0xFFFu + (magnitude >> 13 & 1u) - (112u << 23)) >> 13;
  return static_cast<std::uint16_t>(sign | (magnitude < 0x38800000u ? subnormal : normal));
}

// ---- f16

inline float f16_to_float(std::uint16_t bits) {
#ifdef __F16C__
  return canonical(_cvtsh_ss(bits));
#else
  return f16_to_float_portable(bits);
#endif
}

inline std::uint16_t float_to_f16_rn(float value) {
#ifdef __F16C__
  const std::uint16_t bits = _cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT);
  return value != value ? kNanF16 : bits;
#else
  return float_to_f16_rn_portable(value);
#endif
}

/// Eight at once. A NaN keeps its payload.
inline void f16_to_float8(const std::uint16_t* bits, float* values) {
#ifdef __F16C__
  __m128i packed;
  std::memcpy(&packed, bits, sizeof packed);
  _mm256_storeu_ps(values, _mm256_cvtph_ps(packed));
#else
  for (int index = 0; index < 8; ++index) values[index] = f16_to_float_portable(bits[index]);
#endif
}

/// The bits of a double in a smaller format, rounded once.
inline std::uint64_t round_double(const FloatFormat& format, double value, Rounding rounding) {
  const auto bits = bit_cast<std::uint64_t>(value);
  if (kFormatF64.is_nan(bits)) return format.nan();
  const bool is_finite = kFormatF64.is_finite(bits);
  return is_finite ? encode(format, decode(kFormatF64, bits), rounding)
                   : format.infinity() | (value < 0 ? format.sign() : 0);
}

inline std::uint16_t double_to_f16(double value, Rounding rounding = Rounding::kRn) {
  return static_cast<std::uint16_t>(round_double(kFormatF16, value, rounding));
}

inline std::uint16_t float_to_f16(float value, Rounding rounding = Rounding::kRn) {
  return rounding == Rounding::kRn ? float_to_f16_rn(value) : double_to_f16(static_cast<double>(value), rounding);
}

// ---- bf16

/// A NaN keeps its payload: the device widens a bf16 by moving its bits.
inline float bf16_to_float(std::uint16_t bits) { return bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

inline std::uint16_t float_to_bf16_rn(float value) {
  const auto bits = bit_cast<std::uint32_t>(value);
  const auto rounded = static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
  return value != value ? kNanBf16 : rounded;
}

inline std::uint16_t double_to_bf16(double value, Rounding rounding = Rounding::kRn) {
  return static_cast<std::uint16_t>(round_double(kFormatBf16, value, rounding));
}

inline std::uint16_t float_to_bf16(float value, Rounding rounding = Rounding::kRn) {
  return rounding == Rounding::kRn ? float_to_bf16_rn(value) : double_to_bf16(static_cast<double>(value), rounding);
}

// ---- tf32: a float whose low 13 bits are zero

inline std::uint32_t double_to_tf32(double value, Rounding rounding) {
  const std::uint64_t bits = round_double(kFormatTf32, value, rounding);
  return kFormatTf32.is_nan(bits) ? kNanF32 : static_cast<std::uint32_t>(bits << 13);
}

inline std::uint32_t float_to_tf32(float value, Rounding rounding = Rounding::kRna) {
  if (rounding != Rounding::kRna) return double_to_tf32(static_cast<double>(value), rounding);
  // Half a step carries into the exponent where it must, and leaves infinity alone.
  const std::uint32_t rounded = (bit_cast<std::uint32_t>(value) + 0x1000u) & 0xFFFFE000u;
  return value != value ? kNanF32 : rounded;
}

/// What a matrix product sees of a register that should hold a tf32: the low bits do not count.
inline float tf32_operand(std::uint32_t bits) { return bit_cast<float>(bits & 0xFFFFE000u); }

// ---- what may follow a conversion

/// .relu: negative values become +0; a NaN stays.
inline std::uint16_t relu16(std::uint16_t bits) { return (bits & 0x8000u) != 0 ? std::uint16_t{0} : bits; }
inline std::uint32_t relu32(std::uint32_t bits) { return (bits & 0x80000000u) != 0 ? 0u : bits; }

/// .satfinite: what became infinite is the largest finite value of its sign; a NaN stays.
inline std::uint64_t saturate_finite(const FloatFormat& format, std::uint64_t bits) {
  return format.magnitude(bits) == format.infinity() ? bits - 1 : bits;
}
inline std::uint16_t satfinite_f16(std::uint16_t bits) {
  return static_cast<std::uint16_t>(saturate_finite(kFormatF16, bits));
}
inline std::uint16_t satfinite_bf16(std::uint16_t bits) {
  return static_cast<std::uint16_t>(saturate_finite(kFormatBf16, bits));
}
inline std::uint32_t satfinite_tf32(std::uint32_t bits) {
  return (bits & 0x7FFFFFFFu) == 0x7F800000u ? bits - 0x2000u : bits;
}

}  // namespace emulator::semantics

#endif

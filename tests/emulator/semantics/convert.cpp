#include "semantics/convert.h"

#include <stdexcept>
#include <string>

#include "semantics/exact.h"
#include "semantics/half_formats.h"

namespace emulator::semantics {
namespace {

[[noreturn]] void refuse(Type to, Type from) {
  throw std::invalid_argument(std::string("cvt to ") + type_name(to) + " from " + type_name(from));
}

/// A tf32 is held in 32 bits, and as a source it is a float.
bool is_source(Type type) { return is_integer(type) || (is_float(type) && type != Type::kTf32); }
bool is_destination(Type type) { return is_integer(type) || is_float(type); }

const FloatFormat& format_of(Type type) {
  switch (type) {
    case Type::kF16: return kFormatF16;
    case Type::kBf16: return kFormatBf16;
    case Type::kTf32: return kFormatTf32;
    case Type::kF64: return kFormatF64;
    default: return kFormatF32;
  }
}

bool is_to_integer(Rounding rounding) { return rounding >= Rounding::kRni; }

std::uint64_t low_bits(std::uint64_t bits, int count) {
  return count < 64 ? bits & ((std::uint64_t{1} << count) - 1) : bits;
}

/// The bits of an integer of `type`, extended to 64 as that type is.
std::uint64_t extend(std::uint64_t bits, Type type) {
  const std::uint64_t low = low_bits(bits, width(type)), sign = std::uint64_t{1} << (width(type) - 1);
  return is_signed_integer(type) && (low & sign) != 0 ? low | ~(sign | (sign - 1)) : low;
}

/// The integer nearest to the value that the type has.
std::uint64_t clamp_to_integer(U128 magnitude, bool is_negative, Type type) {
  const bool is_signed = is_signed_integer(type);
  const U128 largest = (U128{1} << (width(type) - (is_signed ? 1 : 0))) - 1;
  const U128 limit = is_negative ? (is_signed ? largest + 1 : 0) : largest;
  const auto clamped = static_cast<std::uint64_t>(magnitude < limit ? magnitude : limit);
  return extend(is_negative ? 0 - clamped : clamped, type);
}

Exact exact_integer(std::uint64_t bits, Type type) {
  const std::uint64_t value = extend(bits, type);
  const bool is_negative = is_signed_integer(type) && (value >> 63) != 0;
  return {is_negative ? 0 - value : value, 0, is_negative};
}

/// The value rounded to an integer. A float of at most 53 bits has none left after the point where its exponent is not
/// negative; beyond 2^75 the range of every integer type is passed, and the shift would leave the 128 bits.
Exact round_to_integer(const Exact& value, Rounding rounding) {
  if (value.exponent < 0) return {round_off(value, -value.exponent, rounding), 0, value.is_negative};
  return value;
}

std::uint64_t float_to_integer_bits(std::uint64_t bits, Type to, Type from, Rounding rounding) {
  const FloatFormat& format = format_of(from);
  if (format.is_nan(bits)) {
    const bool is_zero = from != Type::kF64 && width(to) < 64;
    return is_zero ? 0 : extend(std::uint64_t{1} << (width(to) - 1), to);
  }
  const bool is_negative = (bits & format.sign()) != 0;
  if (!format.is_finite(bits)) return clamp_to_integer(~U128{0}, is_negative, to);
  const Exact whole = round_to_integer(decode(format, bits), rounding);
  constexpr int kBeyondIntegers = 75;
  const bool is_beyond = whole.exponent > kBeyondIntegers;
  return clamp_to_integer(is_beyond ? ~U128{0} : whole.significand << whole.exponent, is_negative, to);
}

/// A NaN of one format in another: its payload where the device moves bits, else the canonical one.
std::uint64_t convert_nan(std::uint64_t bits, Type to, Type from) {
  if (to == Type::kF64 && from == Type::kF64) return bits | std::uint64_t{1} << 51;  // made quiet
  if (to == Type::kF32 && from == Type::kBf16) return bits << 16;
  if (to == Type::kF64 && from == Type::kF32)
    return bit_cast<std::uint64_t>(static_cast<double>(bit_cast<float>(static_cast<std::uint32_t>(bits))));
  return format_of(to).nan();
}

/// Within the format of the result: a tf32 has 19 bits here.
std::uint64_t float_to_float_bits(std::uint64_t bits, Type to, Type from, Rounding rounding) {
  const FloatFormat &source = format_of(from), &result = format_of(to);
  if (source.is_nan(bits)) return convert_nan(bits, to, from);
  if (!source.is_finite(bits)) return result.infinity() | ((bits & source.sign()) != 0 ? result.sign() : 0);
  const Exact value = decode(source, bits);
  return encode(result, is_to_integer(rounding) ? round_to_integer(value, rounding) : value, rounding);
}

std::uint64_t flush_bits(std::uint64_t bits) {
  return bit_cast<std::uint32_t>(flush(bit_cast<float>(static_cast<std::uint32_t>(bits))));
}

/// [0, 1], a NaN as +0: of positive floats the bits order as the values do.
std::uint64_t saturate_bits(const FloatFormat& format, std::uint64_t bits) {
  const std::uint64_t one = static_cast<std::uint64_t>(format.bias()) << format.fraction_bits();
  if ((bits & format.sign()) != 0 || format.is_nan(bits)) return 0;
  return bits < one ? bits : one;
}

std::uint64_t to_float_bits(std::uint64_t bits, Type to, Type from, Rounding rounding) {
  if (is_integer(from)) return encode(format_of(to), exact_integer(bits, from), rounding);
  return float_to_float_bits(bits, to, from, rounding);
}

}  // namespace

std::uint64_t convert(std::uint64_t bits, Type to, Type from, Rounding rounding, bool ftz, bool sat) {
  if (!is_source(from) || !is_destination(to)) refuse(to, from);
  bits = low_bits(bits, width(from));
  if (ftz && from == Type::kF32) bits = flush_bits(bits);
  if (is_integer(to)) {
    if (is_float(from)) return float_to_integer_bits(bits, to, from, rounding);
    const Exact value = exact_integer(bits, from);
    return sat ? clamp_to_integer(value.significand, value.is_negative, to) : extend(extend(bits, from), to);
  }
  std::uint64_t result = to_float_bits(bits, to, from, rounding);
  if (sat) result = saturate_bits(format_of(to), result);
  if (ftz && to == Type::kF32) result = flush_bits(result);
  if (to == Type::kTf32) return format_of(to).is_nan(result) ? kNanF32 : result << 13;
  return result;
}

}  // namespace emulator::semantics

#include "support/half.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace support {
namespace {

/// An IEEE-like format of 16 bits: sign, exponent, mantissa.
struct SmallFloat {
  int exponent_bits, mantissa_bits;
  int min_exponent() const { return 2 - (1 << (exponent_bits - 1)); }
  std::uint16_t infinity() const { return static_cast<std::uint16_t>(((1 << exponent_bits) - 1) << mantissa_bits); }
};

constexpr SmallFloat kFloat16 = {5, 10};
constexpr SmallFloat kBfloat16 = {8, 7};

SmallFloat small_format(arloss_dtype_t dtype) { return dtype == ARLOSS_DTYPE_FLOAT16 ? kFloat16 : kBfloat16; }

std::uint16_t encode(SmallFloat format, double value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double size = std::fabs(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(format.infinity() | 1);
  if (std::isinf(value)) return static_cast<std::uint16_t>(sign | format.infinity());
  if (size == 0) return sign;
  int exponent = 0;
  std::frexp(size, &exponent);
  // Spacing of the format around the value; below the normal range it no longer shrinks.
  const int quantum = std::max(exponent - 1, format.min_exponent()) - format.mantissa_bits;
  const auto steps = static_cast<std::int64_t>(std::nearbyint(std::ldexp(size, -quantum)));
  const std::int64_t one = std::int64_t{1} << format.mantissa_bits;
  // A mantissa that rounds up to the next power of two carries into the exponent field by itself.
  const std::int64_t field = quantum + format.mantissa_bits - format.min_exponent();
  const std::int64_t bits = field * one + steps;
  return static_cast<std::uint16_t>(sign | std::min<std::int64_t>(bits, format.infinity()));
}

double decode(SmallFloat format, std::uint16_t bits) {
  const int one = 1 << format.mantissa_bits;
  const int mantissa = bits & (one - 1);
  const int field = (bits & 0x7fff) >> format.mantissa_bits;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (field == (1 << format.exponent_bits) - 1)
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  if (field == 0) return sign * std::ldexp(mantissa, format.min_exponent() - format.mantissa_bits);
  return sign * std::ldexp(one + mantissa, field - 1 + format.min_exponent() - format.mantissa_bits);
}

template <class T>
void store(T value, void* tensor, std::size_t index) {
  std::memcpy(static_cast<char*>(tensor) + index * sizeof(T), &value, sizeof(T));
}

template <class T>
T load(const void* tensor, std::size_t index) {
  T value;
  std::memcpy(&value, static_cast<const char*>(tensor) + index * sizeof(T), sizeof(T));
  return value;
}

}  // namespace

std::size_t element_bytes(arloss_dtype_t dtype) {
  switch (dtype) {
    case ARLOSS_DTYPE_UINT8: return 1;
    case ARLOSS_DTYPE_FLOAT16:
    case ARLOSS_DTYPE_BFLOAT16: return 2;
    case ARLOSS_DTYPE_FLOAT32:
    case ARLOSS_DTYPE_INT32: return 4;
    case ARLOSS_DTYPE_INT64: return 8;
  }
  return 0;
}

double round_to(arloss_dtype_t dtype, double value) {
  if (dtype == ARLOSS_DTYPE_FLOAT32) return static_cast<float>(value);
  return decode(small_format(dtype), encode(small_format(dtype), value));
}

void store_real(arloss_dtype_t dtype, double value, void* tensor, std::size_t index) {
  if (dtype == ARLOSS_DTYPE_FLOAT32)
    store(static_cast<float>(value), tensor, index);
  else
    store(encode(small_format(dtype), value), tensor, index);
}

double load_real(arloss_dtype_t dtype, const void* tensor, std::size_t index) {
  if (dtype == ARLOSS_DTYPE_FLOAT32) return load<float>(tensor, index);
  return decode(small_format(dtype), load<std::uint16_t>(tensor, index));
}

void store_label(arloss_dtype_t dtype, std::int64_t value, void* map, std::size_t index) {
  switch (dtype) {
    case ARLOSS_DTYPE_UINT8: return store(static_cast<std::uint8_t>(value), map, index);
    case ARLOSS_DTYPE_INT32: return store(static_cast<std::int32_t>(value), map, index);
    default: return store(value, map, index);
  }
}

std::int64_t largest_label(arloss_dtype_t dtype) {
  switch (dtype) {
    case ARLOSS_DTYPE_UINT8: return std::numeric_limits<std::uint8_t>::max();
    case ARLOSS_DTYPE_INT32: return std::numeric_limits<std::int32_t>::max();
    default: return std::numeric_limits<std::int64_t>::max();
  }
}

}  // namespace support

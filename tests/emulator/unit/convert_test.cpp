/// cvt: every pair of types, every rounding, against long double and tables of all 16-bit floats.
#include "semantics/convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>

#include "semantics/half_formats.h"
#include "unit/small_float.h"

namespace emulator::semantics {
namespace {

constexpr Rounding kToValue[] = {Rounding::kRn, Rounding::kRz, Rounding::kRm, Rounding::kRp};
constexpr Rounding kToInteger[] = {Rounding::kRni, Rounding::kRzi, Rounding::kRmi, Rounding::kRpi};

constexpr Type kIntegers[] = {Type::kU8, Type::kU16, Type::kU32, Type::kU64,
                              Type::kS8, Type::kS16, Type::kS32, Type::kS64};
constexpr Type kFloats[] = {Type::kF16, Type::kBf16, Type::kF32, Type::kF64};

/// Random bits, a third of them with long runs of equal bits, a third small.
std::uint64_t random_bits(std::mt19937_64& random) {
  const std::uint64_t bits = random();
  switch (bits % 3) {
    case 0: return bits;
    case 1: return static_cast<std::uint64_t>(static_cast<std::int64_t>(random()) >> (bits >> 8 & 63));
    default: return (bits & 2 ? ~std::uint64_t{0} : 0) << (bits >> 8 & 63) ^ (random() & 3) << (bits >> 16 & 63);
  }
}

/// A float as often near integers as anywhere.
std::uint64_t random_float(std::mt19937_64& random, Type type) {
  const std::uint64_t choice = random();
  double value = bit_cast<double>(random());
  if (choice % 4 == 1) value = static_cast<double>(static_cast<std::int64_t>(random()) >> (choice >> 8 & 63)) / 4;
  if (choice % 4 == 2)
    value = std::ldexp(1.0 + static_cast<double>(choice >> 8 & 3) / 4, static_cast<int>(choice >> 16 & 127) - 60);
  if (choice % 4 == 3) return random_bits(random);
  if (choice & 64) value = -value;
  if (type == Type::kF16) return double_to_f16(value);
  if (type == Type::kBf16) return double_to_bf16(value);
  return type == Type::kF64 ? bit_cast<std::uint64_t>(value) : bit_cast<std::uint32_t>(static_cast<float>(value));
}

long double float_value(std::uint64_t bits, Type type) {
  if (type == Type::kF16) return f16().is_nan(bits & 0xFFFF) ? NAN : f16().value(bits & 0xFFFF);
  if (type == Type::kBf16) return bf16().is_nan(bits & 0xFFFF) ? NAN : bf16().value(bits & 0xFFFF);
  if (type == Type::kF32) return bit_cast<float>(static_cast<std::uint32_t>(bits));
  return bit_cast<double>(bits);
}

long double integer_value(std::uint64_t bits, Type type) {
  switch (type) {
    case Type::kU8: return static_cast<std::uint8_t>(bits);
    case Type::kU16: return static_cast<std::uint16_t>(bits);
    case Type::kU32: return static_cast<std::uint32_t>(bits);
    case Type::kU64: return static_cast<long double>(bits);
    case Type::kS8: return static_cast<std::int8_t>(bits);
    case Type::kS16: return static_cast<std::int16_t>(bits);
    case Type::kS32: return static_cast<std::int32_t>(bits);
    default: return static_cast<long double>(static_cast<std::int64_t>(bits));
  }
}

long double smallest(Type type) { return is_signed_integer(type) ? -std::ldexp(1.0L, width(type) - 1) : 0; }
long double largest(Type type) { return std::ldexp(1.0L, width(type) - (is_signed_integer(type) ? 1 : 0)) - 1; }

std::uint64_t bits_of_integer(long double value) {
  return value < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(value)) : static_cast<std::uint64_t>(value);
}

long double to_integral(long double value, Rounding rounding) {
  if (rounding == Rounding::kRzi) return std::trunc(value);
  if (rounding == Rounding::kRmi) return std::floor(value);
  return rounding == Rounding::kRpi ? std::ceil(value) : std::nearbyint(value);
}

int mode_of(Rounding rounding) {
  if (rounding == Rounding::kRz) return FE_TOWARDZERO;
  if (rounding == Rounding::kRm) return FE_DOWNWARD;
  return rounding == Rounding::kRp ? FE_UPWARD : FE_TONEAREST;
}

/// Rounded to a float by the processor, or, for 16 bits, by the table.
std::uint64_t bits_of_float(long double value, Type type, Rounding rounding) {
  if (type == Type::kF16) return f16().round(value, rounding);
  if (type == Type::kBf16) return bf16().round(value, rounding);
  const volatile long double source = value;
  std::fesetround(mode_of(rounding));
  const volatile auto single = static_cast<float>(source);
  const volatile auto twice = static_cast<double>(source);
  std::fesetround(FE_TONEAREST);
  if (type == Type::kF64) return bit_cast<std::uint64_t>(static_cast<double>(twice));
  return std::isnan(value) ? kNanF32 : bit_cast<std::uint32_t>(static_cast<float>(single));
}

TEST(ConvertTest, FloatsToIntegersAreRoundedAndClamped) {
  std::mt19937_64 random(2);
  for (const Type from : kFloats)
    for (const Type to : kIntegers)
      for (int sample = 0; sample < 20000; ++sample) {
        const std::uint64_t bits = random_float(random, from);
        const Rounding rounding = kToInteger[sample % 4];
        const long double value = float_value(bits, from);
        std::uint64_t expected = 0;
        if (!std::isnan(value))
          expected = bits_of_integer(std::min(std::max(to_integral(value, rounding), smallest(to)), largest(to)));
        else if (from == Type::kF64 || width(to) == 64)
          expected = bits_of_integer(is_signed_integer(to) ? smallest(to) : std::ldexp(1.0L, width(to) - 1));
        ASSERT_EQ(convert(bits, to, from, rounding, false, false), expected)
            << type_name(to) << " from " << type_name(from) << ' ' << value;
      }
}

TEST(ConvertTest, IntegersToFloatsAreRounded) {
  std::mt19937_64 random(3);
  for (const Type from : kIntegers)
    for (const Type to : kFloats)
      for (int sample = 0; sample < 20000; ++sample) {
        const std::uint64_t bits = random_bits(random);
        const Rounding rounding = kToValue[sample % 4];
        const long double value = integer_value(bits, from);
        ASSERT_EQ(convert(bits, to, from, rounding, false, false), bits_of_float(value, to, rounding))
            << type_name(to) << " from " << type_name(from) << ' ' << value;
      }
}

TEST(ConvertTest, IntegersToIntegersAreCutOrClamped) {
  std::mt19937_64 random(4);
  for (const Type from : kIntegers)
    for (const Type to : kIntegers)
      for (int sample = 0; sample < 5000; ++sample) {
        const std::uint64_t bits = random_bits(random);
        const long double value = integer_value(bits, from);
        ASSERT_EQ(convert(bits, to, from, Rounding::kRn, false, true),
                  bits_of_integer(std::min(std::max(value, smallest(to)), largest(to))));
        ASSERT_EQ(convert(bits, to, from, Rounding::kRn, false, false),
                  bits_of_integer(integer_value(bits_of_integer(value), to)));
      }
}

TEST(ConvertTest, FloatsToFloatsAreRounded) {
  std::mt19937_64 random(5);
  for (const Type from : kFloats)
    for (const Type to : kFloats)
      for (int sample = 0; sample < 20000; ++sample) {
        const std::uint64_t bits = random_float(random, from);
        const bool is_integral = sample % 3 == 0 && (to == from || width(to) > width(from));
        const Rounding rounding = is_integral ? kToInteger[sample % 4] : kToValue[sample % 4];
        const long double value = float_value(bits, from);
        const std::uint64_t actual = convert(bits, to, from, rounding, false, false);
        if (std::isnan(value)) {
          ASSERT_TRUE(std::isnan(float_value(actual, to)));
          continue;
        }
        const std::uint64_t expected = is_integral ? bits_of_float(to_integral(value, rounding), to, Rounding::kRn)
                                                   : bits_of_float(value, to, rounding);
        ASSERT_EQ(actual, expected) << type_name(to) << " from " << type_name(from) << ' ' << value;
      }
}

TEST(ConvertTest, NansBecomeCanonicalOrKeepTheirPayload) {
  const auto cvt = [](std::uint64_t bits, Type to, Type from) {
    return convert(bits, to, from, Rounding::kRn, false, false);
  };
  EXPECT_EQ(cvt(0xFFC01234u, Type::kF32, Type::kF32), kNanF32);
  EXPECT_EQ(cvt(0x7E01u, Type::kF32, Type::kF16), kNanF32);
  EXPECT_EQ(cvt(0xFFC1u, Type::kF32, Type::kBf16), 0xFFC10000u);
  EXPECT_EQ(cvt(0x7FF8000000000001u, Type::kF32, Type::kF64), kNanF32);
  EXPECT_EQ(cvt(0x7FF8000000000001u, Type::kF64, Type::kF64), 0x7FF8000000000001u);
  EXPECT_EQ(cvt(0x7FC00001u, Type::kF64, Type::kF32), 0x7FF8000020000000u);
  EXPECT_EQ(cvt(0xFFC00001u, Type::kF16, Type::kF32), kNanF16);
  EXPECT_EQ(cvt(0xFFC00001u, Type::kBf16, Type::kF32), kNanBf16);
  EXPECT_EQ(cvt(0xFFC00001u, Type::kTf32, Type::kF32), kNanF32);
}

TEST(ConvertTest, FlushingAndSaturation) {
  const auto bits = [](float value) { return std::uint64_t{bit_cast<std::uint32_t>(value)}; };
  // A subnormal float, flushed, is not rounded up to 1.
  EXPECT_EQ(convert(1, Type::kS32, Type::kF32, Rounding::kRpi, false, false), 1u);
  EXPECT_EQ(convert(1, Type::kS32, Type::kF32, Rounding::kRpi, true, false), 0u);
  EXPECT_EQ(convert(0x80000001u, Type::kF32, Type::kF32, Rounding::kRn, true, false), 0x80000000u);
  EXPECT_EQ(convert(bit_cast<std::uint64_t>(-0x1p-140), Type::kF32, Type::kF64, Rounding::kRn, true, false),
            0x80000000u);
  EXPECT_EQ(convert(0x0001u, Type::kF32, Type::kF16, Rounding::kRn, true, false), bits(0x1p-24f));
  EXPECT_EQ(convert(bits(0x1p-24f), Type::kF16, Type::kF32, Rounding::kRn, true, false), 1u);
  for (const Type type : kFloats) {
    const auto saturated = [&](float value) {
      return static_cast<float>(float_value(convert(bits(value), type, Type::kF32, Rounding::kRn, false, true), type));
    };
    EXPECT_EQ(saturated(2.5f), 1.0f);
    EXPECT_EQ(saturated(0.5f), 0.5f);
    EXPECT_EQ(saturated(1.0f), 1.0f);
    EXPECT_EQ(bits(saturated(-3.0f)), 0u);
    EXPECT_EQ(bits(saturated(-0.0f)), 0u);
    EXPECT_EQ(bits(saturated(std::nanf(""))), 0u);
    EXPECT_EQ(saturated(std::numeric_limits<float>::infinity()), 1.0f);
  }
}

TEST(ConvertTest, ToTf32) {
  const float value = 1.0f + 0x1p-11f;
  const std::uint64_t bits = bit_cast<std::uint32_t>(value);
  EXPECT_EQ(convert(bits, Type::kTf32, Type::kF32, Rounding::kRna, false, false), float_to_tf32(value));
  EXPECT_EQ(convert(bits, Type::kTf32, Type::kF32, Rounding::kRz, false, false), 0x3F800000u);
}

TEST(ConvertTest, BitsAboveTheSourceDoNotCount) {
  EXPECT_EQ(convert(0xFFFFFF05u, Type::kU32, Type::kU8, Rounding::kRn, false, false), 5u);
  EXPECT_EQ(convert(0xFFFF3C00u, Type::kF32, Type::kF16, Rounding::kRn, false, false), 0x3F800000u);
  EXPECT_EQ(convert(0xFFFF7FC1u, Type::kF32, Type::kBf16, Rounding::kRn, false, false), 0x7FC10000u);
}

TEST(ConvertTest, OtherTypesAreRefusedByName) {
  try {
    convert(0, Type::kPred, Type::kF16x2, Rounding::kRn, false, false);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "cvt to pred from f16x2");
  }
}

/// The templates for hot pairs say what the general path says.
template <class To, class From>
void compare_paths(Type to, Type from, bool has_rounding) {
  std::mt19937_64 random(6);
  for (int sample = 0; sample < 20000; ++sample) {
    const std::uint64_t bits = is_float(from) ? random_float(random, from) : random_bits(random);
    From value;
    std::memcpy(&value, &bits, sizeof value);
    const Rounding rounding = has_rounding ? kToInteger[sample % 4] : Rounding::kRn;
    const To actual = convert_value<To>(value, rounding);
    std::uint64_t expected = convert(bits, to, from, rounding, false, false);
    To expected_value;
    std::memcpy(&expected_value, &expected, sizeof expected_value);
    if (actual != actual && expected_value != expected_value) continue;
    ASSERT_EQ(std::memcmp(&actual, &expected_value, sizeof actual), 0)
        << type_name(to) << " from " << type_name(from) << ' ' << +value;
  }
}

TEST(ConvertTest, HotPairsAreTheGeneralPath) {
  compare_paths<std::int32_t, float>(Type::kS32, Type::kF32, true);
  compare_paths<std::uint32_t, float>(Type::kU32, Type::kF32, true);
  compare_paths<std::int64_t, float>(Type::kS64, Type::kF32, true);
  compare_paths<std::uint64_t, float>(Type::kU64, Type::kF32, true);
  compare_paths<std::uint8_t, float>(Type::kU8, Type::kF32, true);
  compare_paths<std::int16_t, float>(Type::kS16, Type::kF32, true);
  compare_paths<std::int32_t, double>(Type::kS32, Type::kF64, true);
  compare_paths<std::uint32_t, double>(Type::kU32, Type::kF64, true);
  compare_paths<std::int64_t, double>(Type::kS64, Type::kF64, true);
  compare_paths<std::uint64_t, double>(Type::kU64, Type::kF64, true);
  compare_paths<float, std::int32_t>(Type::kF32, Type::kS32, false);
  compare_paths<float, std::uint64_t>(Type::kF32, Type::kU64, false);
  compare_paths<double, std::uint64_t>(Type::kF64, Type::kU64, false);
  compare_paths<float, double>(Type::kF32, Type::kF64, false);
  compare_paths<double, float>(Type::kF64, Type::kF32, false);
  compare_paths<std::int64_t, std::int32_t>(Type::kS64, Type::kS32, false);
  compare_paths<std::uint16_t, std::int64_t>(Type::kU16, Type::kS64, false);
}

}  // namespace
}  // namespace emulator::semantics

/// f16, bf16 and tf32: every value in, every rounding out, and sums and products rounded once, against sorted tables of
/// all representable values and against exact numbers.
#include "semantics/half_formats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "semantics/half_math.h"
#include "unit/small_float.h"

namespace emulator::semantics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Numbers around every value of the format: the value, the middles to its neighbours, and a little to either side.
template <class Check>
void around_every_value(const SmallFloat& format, Check&& check) {
  for (std::uint32_t bits = 0; bits < format.infinity(); ++bits) {
    const double value = format.value(bits);
    const double next = bits + 1 < format.infinity() ? format.value(bits + 1) : 2 * value - format.value(bits - 1);
    for (const double number : {value, (value + next) / 2, value + (next - value) / 3, value + (next - value) * 0.75})
      for (const double near : {number, std::nextafter(number, 0.0), std::nextafter(number, kInfinity)}) {
        check(near);
        check(-near);
      }
  }
}

TEST(HalfTest, EveryF16IsWidenedExactly) {
  for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = f16_to_float(half), portable = f16_to_float_portable(half);
    ASSERT_EQ(bit_cast<std::uint32_t>(value), bit_cast<std::uint32_t>(portable)) << bits;
    if (f16().is_nan(bits)) {
      ASSERT_EQ(bit_cast<std::uint32_t>(value), kNanF32) << bits;
    } else {
      ASSERT_EQ(static_cast<double>(value), f16().value(bits)) << bits;
      ASSERT_EQ(std::signbit(value), (bits & 0x8000u) != 0) << bits;
    }
  }
}

TEST(HalfTest, EightF16AtOnceAreEachWidened) {
  for (std::uint32_t bits = 0; bits < 0x10000; bits += 8) {
    std::uint16_t halves[8];
    float values[8];
    for (std::uint32_t index = 0; index < 8; ++index) halves[index] = static_cast<std::uint16_t>(bits + index);
    f16_to_float8(halves, values);
    for (int index = 0; index < 8; ++index) {
      const float expected = f16_to_float(halves[index]);
      ASSERT_TRUE(values[index] == expected || (values[index] != values[index] && expected != expected)) << bits;
      ASSERT_TRUE(expected != expected || std::signbit(values[index]) == std::signbit(expected)) << bits;
    }
  }
}

TEST(HalfTest, EveryBf16IsWidenedExactly) {
  for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const float value = bf16_to_float(static_cast<std::uint16_t>(bits));
    if (bf16().is_nan(bits))
      ASSERT_EQ(bit_cast<std::uint32_t>(value), bits << 16);
    else
      ASSERT_EQ(static_cast<double>(value), bf16().value(bits)) << bits;
  }
}

TEST(HalfTest, DoublesAreRoundedOnceToF16AndBf16) {
  for (const Rounding rounding : {Rounding::kRn, Rounding::kRz, Rounding::kRm, Rounding::kRp, Rounding::kRna}) {
    around_every_value(f16(), [&](double number) {
      ASSERT_EQ(double_to_f16(number, rounding), f16().round(number, rounding)) << number;
    });
    around_every_value(bf16(), [&](double number) {
      ASSERT_EQ(double_to_bf16(number, rounding), bf16().round(number, rounding)) << number;
    });
  }
}

TEST(HalfTest, FloatsAreRoundedToF16AndBf16) {
  for (const Rounding rounding : {Rounding::kRn, Rounding::kRz, Rounding::kRm, Rounding::kRp}) {
    const auto check = [&](double number) {
      const auto value = static_cast<float>(number);
      ASSERT_EQ(float_to_f16(value, rounding), f16().round(value, rounding)) << value;
      ASSERT_EQ(float_to_bf16(value, rounding), bf16().round(value, rounding)) << value;
    };
    around_every_value(f16(), check);
    around_every_value(bf16(), check);
  }
}

TEST(HalfTest, TheFastRoundingToF16IsThePortableOne) {
  constexpr std::uint32_t kStep = 251;  // a prime: 17 million floats of every kind
  for (std::uint64_t bits = 0; bits <= 0xFFFFFFFFu; bits += kStep) {
    const auto value = bit_cast<float>(static_cast<std::uint32_t>(bits));
    ASSERT_EQ(float_to_f16_rn(value), float_to_f16_rn_portable(value)) << bits;
  }
}

TEST(HalfTest, NumbersBeyondTheRangeAndNans) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = -std::nanf("1");
  EXPECT_EQ(float_to_f16(65519.99f), 0x7BFF);
  EXPECT_EQ(float_to_f16(65520.0f), 0x7C00);
  EXPECT_EQ(float_to_f16(-1e30f), 0xFC00);
  EXPECT_EQ(float_to_f16(1e30f, Rounding::kRz), 0x7BFF);
  EXPECT_EQ(float_to_f16(-1e30f, Rounding::kRp), 0xFBFF);
  EXPECT_EQ(float_to_f16(-1e30f, Rounding::kRm), 0xFC00);
  EXPECT_EQ(float_to_f16(infinity, Rounding::kRz), 0x7C00);
  EXPECT_EQ(float_to_f16(nan), kNanF16);
  EXPECT_EQ(float_to_f16(nan, Rounding::kRz), kNanF16);
  EXPECT_EQ(float_to_f16_rn_portable(nan), kNanF16);
  EXPECT_EQ(float_to_bf16(nan), kNanBf16);
  EXPECT_EQ(float_to_bf16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(float_to_bf16(std::numeric_limits<float>::max(), Rounding::kRz), 0x7F7F);
  EXPECT_EQ(float_to_tf32(nan), kNanF32);
  EXPECT_EQ(float_to_tf32(infinity), 0x7F800000u);
  EXPECT_EQ(float_to_tf32(std::numeric_limits<float>::max()), 0x7F800000u);
}

TEST(HalfTest, Tf32KeepsTenBitsOfTheFraction) {
  std::mt19937_64 random(1);
  for (int sample = 0; sample < 1000000; ++sample) {
    auto bits = static_cast<std::uint32_t>(random());
    if (sample % 4 == 0) bits = (bits & 0xFFFFE000u) | 0x1000u;  // ties
    if (sample % 4 == 1) bits = (bits & 0x807FFFFFu);            // subnormal numbers
    const auto value = bit_cast<float>(bits);
    if (!std::isfinite(value)) continue;
    // Within a binade all steps are equal: ten bits of fraction, at least 2^-136.
    const int exponent = std::max(value == 0 ? -126 : std::ilogb(value), -126) - 10;
    const double scaled = std::ldexp(static_cast<double>(value), -exponent);
    const auto expect = [&](Rounding rounding, double steps) {
      const double expected = std::ldexp(steps, exponent);
      const auto actual = static_cast<double>(bit_cast<float>(float_to_tf32(value, rounding)));
      ASSERT_EQ(actual, std::fabs(expected) < 0x1p128 ? expected : std::copysign(kInfinity, expected)) << value;
    };
    expect(Rounding::kRna, std::round(scaled));
    expect(Rounding::kRn, std::nearbyint(scaled));
    expect(Rounding::kRz, std::trunc(scaled));
  }
  EXPECT_EQ(bit_cast<std::uint32_t>(tf32_operand(0x3F801FFFu)), 0x3F800000u);
}

TEST(HalfTest, ReluAndSatfinite) {
  EXPECT_EQ(relu16(0xBC00), 0);
  EXPECT_EQ(relu16(0x8000), 0);
  EXPECT_EQ(relu16(0x3C00), 0x3C00);
  EXPECT_EQ(relu16(kNanF16), kNanF16);
  EXPECT_EQ(relu32(0xBF800000u), 0u);
  EXPECT_EQ(relu32(0x3F800000u), 0x3F800000u);
  EXPECT_EQ(satfinite_f16(0x7C00), 0x7BFF);
  EXPECT_EQ(satfinite_f16(0xFC00), 0xFBFF);
  EXPECT_EQ(satfinite_f16(kNanF16), kNanF16);
  EXPECT_EQ(satfinite_f16(0x1234), 0x1234);
  EXPECT_EQ(satfinite_bf16(0xFF80), 0xFF7F);
  EXPECT_EQ(satfinite_tf32(0x7F800000u), 0x7F7FE000u);
  EXPECT_EQ(satfinite_tf32(kNanF32), kNanF32);
}

// ---- arithmetic

template <class Half>
struct HalfMathTest : testing::Test {
  static const FloatFormat& format() { return std::is_same_v<Half, HalfF16> ? kFormatF16 : kFormatBf16; }

  static std::uint16_t rounded(const Exact& value) {
    return static_cast<std::uint16_t>(encode(format(), value, Rounding::kRn));
  }

  /// Finite halves; every fourth of them within a few binades of 1, so that sums cancel.
  static std::uint16_t random_half(std::mt19937_64& random) {
    for (;;) {
      const auto bits = static_cast<std::uint16_t>(random());
      const auto near_one =
          static_cast<std::uint16_t>((bits & 0x83FF) | (std::is_same_v<Half, HalfF16> ? 0x3800 : 0x3E00));
      const std::uint16_t half = random() % 4 == 0 ? near_one : bits;
      if (format().is_finite(half)) return half;
    }
  }
};

using Halves = testing::Types<HalfF16, HalfBf16>;
TYPED_TEST_SUITE(HalfMathTest, Halves);

TYPED_TEST(HalfMathTest, SumsProductsAndFusedProductsAreRoundedOnce) {
  std::mt19937_64 random(7);
  for (int sample = 0; sample < 2000000; ++sample) {
    const std::uint16_t a = this->random_half(random), b = this->random_half(random), c = this->random_half(random);
    const Exact x = decode(this->format(), a), y = decode(this->format(), b), z = decode(this->format(), c);
    ASSERT_EQ(half_add<TypeParam>(a, b), this->rounded(sum(x, y, Rounding::kRn))) << a << ' ' << b;
    ASSERT_EQ(half_multiply<TypeParam>(a, b), this->rounded(product(x, y))) << a << ' ' << b;
    ASSERT_EQ(half_multiply_add<TypeParam>(a, b, c), this->rounded(sum(product(x, y), z, Rounding::kRn)))
        << a << ' ' << b << ' ' << c;
  }
}

TYPED_TEST(HalfMathTest, DifferencesAreSumsWithTheNegative) {
  const std::uint16_t one = TypeParam::narrow(1.0f), three = TypeParam::narrow(3.0f);
  EXPECT_EQ(half_subtract<TypeParam>(one, three), TypeParam::narrow(-2.0f));
  EXPECT_EQ(half_subtract<TypeParam>(one, one), 0);
}

TYPED_TEST(HalfMathTest, InfinitiesAndNans) {
  const auto infinity = static_cast<std::uint16_t>(this->format().infinity());
  const std::uint16_t one = TypeParam::narrow(1.0f), nan = 0x7FFF;
  EXPECT_EQ(half_add<TypeParam>(infinity, one), infinity);
  EXPECT_EQ(half_subtract<TypeParam>(infinity, infinity), nan);
  EXPECT_EQ(half_multiply<TypeParam>(infinity, 0), nan);
  EXPECT_EQ(half_multiply_add<TypeParam>(one, infinity, nan), nan);
  EXPECT_EQ(half_multiply_add<TypeParam>(one, infinity, one), infinity);
  EXPECT_EQ(half_multiply<TypeParam>(static_cast<std::uint16_t>(this->format().largest()), TypeParam::narrow(2.0f)),
            infinity);
}

TYPED_TEST(HalfMathTest, SaturationAndExtremes) {
  const auto half = [](float value) { return TypeParam::narrow(value); };
  const std::uint16_t nan = 0x7FFF;
  EXPECT_EQ(half_saturate<TypeParam>(half(2.0f)), half(1.0f));
  EXPECT_EQ(half_saturate<TypeParam>(half(-2.0f)), 0);
  EXPECT_EQ(half_saturate<TypeParam>(nan), 0);
  EXPECT_EQ(half_minimum<TypeParam>(half(-1.0f), half(2.0f)), half(-1.0f));
  EXPECT_EQ(half_maximum<TypeParam>(half(-1.0f), half(2.0f)), half(2.0f));
  EXPECT_EQ(half_minimum<TypeParam>(0x0000, 0x8000), 0x8000);
  EXPECT_EQ(half_maximum<TypeParam>(0x8000, 0x0000), 0x0000);
  EXPECT_EQ(half_minimum<TypeParam>(nan, half(2.0f)), half(2.0f));
  EXPECT_EQ(half_minimum<TypeParam>(half(2.0f), nan, true), nan);
  EXPECT_EQ(half_maximum<TypeParam>(0x7FF1, 0xFFF1), nan);
  EXPECT_EQ(half_minimum<TypeParam>(half(-3.0f), half(2.0f), false, true), half(-2.0f));
  EXPECT_EQ(half_maximum<TypeParam>(half(-3.0f), half(-2.0f), true, true), half(3.0f));
}

}  // namespace
}  // namespace emulator::semantics

/// Arithmetic in every direction against the processor's own, its mode changed, and the approximate functions against
/// long double.
#include "semantics/rounding.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "semantics/approx.h"

namespace emulator::semantics {
namespace {

constexpr Rounding kDirections[] = {Rounding::kRn, Rounding::kRz, Rounding::kRm, Rounding::kRp};

/// The processor's mode, for as long as this lives.
class Mode {
 public:
  explicit Mode(Rounding rounding) {
    switch (rounding) {
      case Rounding::kRz: std::fesetround(FE_TOWARDZERO); break;
      case Rounding::kRm: std::fesetround(FE_DOWNWARD); break;
      case Rounding::kRp: std::fesetround(FE_UPWARD); break;
      default: std::fesetround(FE_TONEAREST);
    }
  }
  ~Mode() { std::fesetround(FE_TONEAREST); }
  Mode(const Mode&) = delete;
  Mode& operator=(const Mode&) = delete;
};

template <class Real>
struct RoundingTest : testing::Test {
  using Bits = BitsOf<Real>;

  /// Every third of any bits, of few bits within some binades of 1 (ties, cancellation), and of extreme exponents.
  static Real random_real(std::mt19937_64& random) {
    const std::uint64_t choice = random();
    const auto any = bit_cast<Real>(static_cast<Bits>(random()));
    if (choice % 3 == 0) return any;
    const auto few = static_cast<Real>(static_cast<std::int64_t>(random()) >> (64 - 4 - (choice >> 8) % 20));
    if (choice % 3 == 1) return std::ldexp(few, static_cast<int>(choice >> 16 & 63) - 32);
    const int bias = kFormatOf<Real>.bias();
    return std::ldexp(few, (choice & 64) != 0 ? bias - 20 : -bias - 20 - static_cast<int>(choice >> 16 & 15));
  }

  static void expect_same(Real actual, Real expected, const char* what, Real a, Real b, Real c, Rounding rounding) {
    if (expected != expected) {
      ASSERT_NE(actual, actual) << what << ' ' << a << ' ' << b << ' ' << c;
      ASSERT_TRUE(sizeof(Real) == 8 || bit_cast<Bits>(actual) == static_cast<Bits>(kNanF32)) << what;
    } else {
      ASSERT_EQ(bit_cast<Bits>(actual), bit_cast<Bits>(expected))
          << what << ' ' << a << ' ' << b << ' ' << c << " direction " << static_cast<int>(rounding) << ": " << actual
          << ", not " << expected;
    }
  }
};

using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(RoundingTest, Reals);

TYPED_TEST(RoundingTest, EveryOperationIsTheProcessorsOwn) {
  using Real = TypeParam;
  std::mt19937_64 random(1);
  for (int sample = 0; sample < 400000; ++sample) {
    const volatile Real a = this->random_real(random), b = this->random_real(random), c = this->random_real(random);
    const volatile Real one = 1;
    const Rounding rounding = kDirections[sample % 4];
    volatile Real sums, products, fused, quotients, inverses, roots;
    {
      const Mode mode(rounding);
      sums = a + b;
      products = a * b;
      fused = std::fma(a, b, c);
      quotients = a / b;
      inverses = one / a;
      roots = std::sqrt(a);
    }
    const Real x = a, y = b, z = c;
    this->expect_same(add(x, y, rounding), sums, "add", x, y, z, rounding);
    this->expect_same(multiply(x, y, rounding), products, "multiply", x, y, z, rounding);
    this->expect_same(multiply_add(x, y, z, rounding), fused, "multiply_add", x, y, z, rounding);
    this->expect_same(divide(x, y, rounding), quotients, "divide", x, y, z, rounding);
    this->expect_same(reciprocal(x, rounding), inverses, "reciprocal", x, y, z, rounding);
    this->expect_same(square_root(x, rounding), roots, "square_root", x, y, z, rounding);
    if (this->HasFatalFailure()) return;
  }
}

/// a b + c where c all but cancels the product, or lies far under it.
TYPED_TEST(RoundingTest, FusedProductsNearCancellation) {
  using Real = TypeParam;
  std::mt19937_64 random(2);
  for (int sample = 0; sample < 200000; ++sample) {
    const volatile Real a = this->random_real(random), b = this->random_real(random);
    const Real product = a * b;
    const int distance = static_cast<int>(random() % 160);
    const volatile Real c = sample % 2 == 0 ? -std::nextafter(product, Real{0}) : std::ldexp(product, -distance);
    const Rounding rounding = kDirections[sample / 2 % 4];
    volatile Real expected;
    {
      const Mode mode(rounding);
      expected = std::fma(a, b, c);
    }
    const Real x = a, y = b, z = c;
    this->expect_same(multiply_add(x, y, z, rounding), expected, "multiply_add", x, y, z, rounding);
    if (this->HasFatalFailure()) return;
  }
}

TYPED_TEST(RoundingTest, ExactZerosHaveTheSignOfTheDirection) {
  using Real = TypeParam;
  EXPECT_FALSE(std::signbit(add(Real{1}, Real{-1}, Rounding::kRz)));
  EXPECT_FALSE(std::signbit(add(Real{1}, Real{-1}, Rounding::kRp)));
  EXPECT_TRUE(std::signbit(add(Real{1}, Real{-1}, Rounding::kRm)));
  EXPECT_TRUE(std::signbit(add(Real{0}, -Real{0}, Rounding::kRm)));
  EXPECT_TRUE(std::signbit(subtract(-Real{0}, Real{0}, Rounding::kRz)));
  EXPECT_FALSE(std::signbit(subtract(-Real{0}, -Real{0}, Rounding::kRz)));
}

TYPED_TEST(RoundingTest, ToIntegralValues) {
  using Real = TypeParam;
  std::mt19937_64 random(3);
  for (int sample = 0; sample < 100000; ++sample) {
    const volatile Real value = this->random_real(random) / 4;
    const Rounding integral[] = {Rounding::kRni, Rounding::kRzi, Rounding::kRmi, Rounding::kRpi};
    volatile Real expected;
    {
      const Mode mode(kDirections[sample % 4]);
      expected = std::nearbyint(value);
    }
    this->expect_same(round_to_integer(Real{value}, integral[sample % 4]), expected, "rint", value, 0, 0,
                      integral[sample % 4]);
    this->expect_same(round_to_integer(Real{value}, kDirections[sample % 4]), expected, "rint", value, 0, 0,
                      kDirections[sample % 4]);
    if (this->HasFatalFailure()) return;
  }
}

TYPED_TEST(RoundingTest, Saturation) {
  using Real = TypeParam;
  EXPECT_EQ(saturate(Real{0.25}), Real{0.25});
  EXPECT_EQ(saturate(Real{7}), Real{1});
  EXPECT_EQ(saturate(std::numeric_limits<Real>::infinity()), Real{1});
  for (const Real value : {Real{-1}, -Real{0}, std::numeric_limits<Real>::quiet_NaN()}) {
    EXPECT_EQ(saturate(value), Real{0});
    EXPECT_FALSE(std::signbit(saturate(value)));
  }
}

/// (2^52 + 2^26 + 1) (2^52 + 2^26 - 1) is one less than the dividend, so the quotient is a whole number and 2^-52: less
/// than any of the bits that are computed.
TEST(QuotientTest, ARemainderBelowEveryComputedBitCounts) {
  const double divisor = 0x1p52 + 0x1p26 + 1, whole = 0x1p52 + 0x1p26 - 1, dividend = 0x1p52 * (0x1p52 + 0x1p27 + 1);
  EXPECT_EQ(divide(dividend, divisor, Rounding::kRz), whole);
  EXPECT_EQ(divide(dividend, divisor, Rounding::kRm), whole);
  EXPECT_EQ(divide(dividend, divisor, Rounding::kRp), whole + 1);
  EXPECT_EQ(divide(-dividend, divisor, Rounding::kRm), -whole - 1);
}

/// Numbers of 128 bits under the smallest float: all of them is cut off.
TEST(EncodeTest, EverythingIsBeyondTheLastBit) {
  const int smallest = -149;
  const auto rounded = [&](std::uint64_t top, int exponent, Rounding rounding) {
    return encode(kFormatF32, {U128{top} << 64, exponent - 127, false}, rounding);
  };
  EXPECT_EQ(rounded(0xC000000000000000u, smallest - 1, Rounding::kRn), 1u);  // three quarters of the smallest
  EXPECT_EQ(rounded(0x8000000000000000u, smallest - 1, Rounding::kRn), 0u);  // half of it: a tie
  EXPECT_EQ(rounded(0x8000000000000000u, smallest - 1, Rounding::kRna), 1u);
  EXPECT_EQ(rounded(0xC000000000000000u, smallest - 2, Rounding::kRn), 0u);
  EXPECT_EQ(rounded(0xC000000000000000u, smallest - 2, Rounding::kRp), 1u);
  EXPECT_EQ(rounded(0xC000000000000000u, smallest - 2, Rounding::kRz), 0u);
}

std::uint32_t bits_of(float value) { return bit_cast<std::uint32_t>(value); }

TEST(FlushTest, SubnormalNumbersBecomeZerosOfTheirSign) {
  EXPECT_EQ(bits_of(flush(-0x1p-127f)), 0x80000000u);
  EXPECT_EQ(bits_of(flush(0x1.fffffcp-127f)), 0u);
  EXPECT_EQ(flush(0x1p-126f), 0x1p-126f);
  EXPECT_EQ(bits_of(flush(bit_cast<float>(kNanF32))), kNanF32);
  EXPECT_EQ(flush_f16(0x83FF), 0x8000);
  EXPECT_EQ(flush_f16(0x0400), 0x0400);
}

// ---- approximations

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Distance from the true value in units of the last place of the float nearest to it.
long double error_in_units(float actual, long double expected) {
  if (static_cast<float>(expected) == actual && std::isinf(actual)) return 0;
  const int exponent = std::max(std::ilogb(expected), -126);
  return std::fabs(actual - expected) / std::ldexp(1.0L, exponent - 23);
}

/// At arguments of every exponent, and at as many between -128 and 128.
template <class Actual, class Expected>
void check_everywhere(Actual&& actual, Expected&& expected, bool is_negative_too) {
  std::mt19937_64 random(4);
  for (int sample = 0; sample < 400000; ++sample) {
    float x = sample % 2 == 0 ? bit_cast<float>(static_cast<std::uint32_t>(random()))
                              : static_cast<float>(static_cast<std::int32_t>(random())) * 0x1p-24f;
    if (!is_negative_too) x = std::fabs(x);
    if (!std::isfinite(x)) continue;
    const long double truth = expected(static_cast<long double>(x));
    if (std::fabs(truth) < 0x1p-150L) continue;
    ASSERT_LE(error_in_units(actual(x), truth), 0.51L) << x << ": " << actual(x);
  }
}

TEST(ApproxTest, WithinHalfAUnitAndALittle) {
  const auto check = [](auto function, auto truth, bool is_negative_too) {
    check_everywhere([&](float x) { return function(x, false); }, truth, is_negative_too);
  };
  check(
      ex2_approx, [](long double x) { return std::exp2(x); }, true);
  check(
      lg2_approx, [](long double x) { return std::log2(x); }, false);
  check(
      rcp_approx, [](long double x) { return 1 / x; }, true);
  check(
      sqrt_approx, [](long double x) { return std::sqrt(x); }, false);
  check(
      rsqrt_approx, [](long double x) { return 1 / std::sqrt(x); }, false);
  check(
      sin_approx, [](long double x) { return std::sin(x); }, true);
  check(
      cos_approx, [](long double x) { return std::cos(x); }, true);
  check([](float x, bool) { return tanh_approx(x); }, [](long double x) { return std::tanh(x); }, true);
}

/// The tables of the PTX ISA.
TEST(ApproxTest, SpecialValues) {
  const float subnormal = 0x1p-130f, nan = std::nanf("");
  for (const bool ftz : {false, true}) {
    for (const auto function : {ex2_approx, lg2_approx, rcp_approx, sqrt_approx, rsqrt_approx, sin_approx, cos_approx})
      EXPECT_EQ(bits_of(function(-nan, ftz)), kNanF32);
    EXPECT_EQ(bits_of(ex2_approx(-kInfinity, ftz)), 0u);
    EXPECT_EQ(ex2_approx(kInfinity, ftz), kInfinity);
    EXPECT_EQ(ex2_approx(-0.0f, ftz), 1);
    EXPECT_EQ(ex2_approx(-subnormal, ftz), 1);
    EXPECT_EQ(ex2_approx(128, ftz), kInfinity);
    EXPECT_EQ(ex2_approx(-126, ftz), 0x1p-126f);
    EXPECT_EQ(ex2_approx(-149, ftz), ftz ? 0.0f : 0x1p-149f);
    EXPECT_EQ(lg2_approx(0.0f, ftz), -kInfinity);
    EXPECT_EQ(lg2_approx(-0.0f, ftz), -kInfinity);
    EXPECT_EQ(lg2_approx(kInfinity, ftz), kInfinity);
    EXPECT_EQ(bits_of(lg2_approx(-1, ftz)), kNanF32);
    EXPECT_EQ(lg2_approx(subnormal, ftz), ftz ? -kInfinity : -130.0f);
    EXPECT_EQ(bits_of(lg2_approx(1, ftz)), 0u);
    EXPECT_EQ(bits_of(rcp_approx(-kInfinity, ftz)), 0x80000000u);
    EXPECT_EQ(rcp_approx(-0.0f, ftz), -kInfinity);
    EXPECT_EQ(rcp_approx(-0x1p-127f, ftz), ftz ? -kInfinity : -0x1p127f);
    EXPECT_EQ(rcp_approx(-0x1p127f, ftz), ftz ? 0.0f : -0x1p-127f);
    EXPECT_TRUE(std::signbit(rcp_approx(-0x1p127f, ftz)));
    EXPECT_EQ(bits_of(sqrt_approx(-0.0f, ftz)), 0x80000000u);
    EXPECT_EQ(bits_of(sqrt_approx(-1, ftz)), kNanF32);
    EXPECT_EQ(sqrt_approx(subnormal, ftz), ftz ? 0.0f : 0x1p-65f);
    EXPECT_EQ(bits_of(ftz ? sqrt_approx(-subnormal, ftz) : -0.0f), 0x80000000u);
    EXPECT_EQ(rsqrt_approx(-0.0f, ftz), -kInfinity);
    EXPECT_EQ(bits_of(rsqrt_approx(kInfinity, ftz)), 0u);
    EXPECT_EQ(bits_of(rsqrt_approx(-kInfinity, ftz)), kNanF32);
    EXPECT_EQ(rsqrt_approx(subnormal, ftz), ftz ? kInfinity : 0x1p65f);
    EXPECT_EQ(bits_of(sin_approx(-0.0f, ftz)), 0x80000000u);
    EXPECT_EQ(bits_of(sin_approx(kInfinity, ftz)), kNanF32);
    EXPECT_EQ(sin_approx(subnormal, ftz), ftz ? 0.0f : subnormal);
    EXPECT_EQ(cos_approx(subnormal, ftz), 1);
    EXPECT_EQ(bits_of(cos_approx(-kInfinity, ftz)), kNanF32);
    EXPECT_EQ(div_full(6, 3, ftz), 2);
    EXPECT_EQ(div_full(subnormal, 0x1p-10f, ftz), ftz ? 0.0f : 0x1p-120f);
    EXPECT_EQ(div_approx(1, 0x1p126f, ftz), 0x1p-126f);
    EXPECT_EQ(div_approx(0x1p127f, 0x1p127f, ftz), 0);
    EXPECT_EQ(bits_of(div_approx(kInfinity, 0x1p127f, ftz)), kNanF32);
    EXPECT_EQ(div_approx(kInfinity, -1, ftz), -kInfinity);
  }
  EXPECT_EQ(tanh_approx(-kInfinity), -1);
  EXPECT_EQ(bits_of(tanh_approx(-0.0f)), 0x80000000u);
  EXPECT_EQ(bits_of(tanh_approx(nan)), kNanF32);
}

TEST(ApproxTest, LanesAreTheScalarFunctions) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 20000; ++round) {
    float x[kWarpSize], result[kWarpSize];
    for (float& value : x)
      value = round % 2 == 0 ? bit_cast<float>(static_cast<std::uint32_t>(random()))
                             : static_cast<float>(static_cast<std::int32_t>(random())) * 0x1p-23f;
    const bool ftz = round % 4 < 2;
    const auto check = [&](auto scalar, auto lanes) {
      lanes(x, result, ftz);
      for (int lane = 0; lane < kWarpSize; ++lane)
        ASSERT_EQ(bits_of(result[lane]), bits_of(scalar(x[lane], ftz))) << x[lane];
    };
    check(ex2_approx, ex2_lanes);
    check(rcp_approx, rcp_lanes);
    check(sqrt_approx, sqrt_lanes);
    check(rsqrt_approx, rsqrt_lanes);
    if (HasFatalFailure()) return;
  }
}

TEST(ApproxTest, DoublesOfWhichTheUpperHalfCounts) {
  EXPECT_EQ(rcp_approx_f64(4), 0.25);
  EXPECT_NEAR(rcp_approx_f64(3) * 3, 1, 0x1p-20);
  EXPECT_EQ(bit_cast<std::uint64_t>(rcp_approx_f64(3)) & 0xFFFFFFFFu, 0u);
  EXPECT_EQ(rcp_approx_f64(0x1p-1030), std::numeric_limits<double>::infinity());
  EXPECT_EQ(rsqrt_approx_ftz_f64(16), 0.25);
  EXPECT_NEAR(rsqrt_approx_ftz_f64(3) * std::sqrt(3.0), 1, 0x1p-20);
  EXPECT_EQ(rsqrt_approx_f64(16), 0.25);
  EXPECT_TRUE(std::isnan(rcp_approx_f64(std::nan(""))));
}

}  // namespace
}  // namespace emulator::semantics

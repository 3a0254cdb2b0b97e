/// Comparisons, min and max of all types, NaNs and zeros of both signs among them.
#include "semantics/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

namespace emulator::semantics {
namespace {

TEST(CompareTest, EveryOperatorOnNumbersAndNans) {
  const double nan = std::nan("");
  struct Row {
    Comparison comparison;
    bool less, equal, greater, unordered;
  };
  const Row rows[] = {
      {Comparison::kEq, false, true, false, false}, {Comparison::kNe, true, false, true, false},
      {Comparison::kLt, true, false, false, false}, {Comparison::kLe, true, true, false, false},
      {Comparison::kGt, false, false, true, false}, {Comparison::kGe, false, true, true, false},
      {Comparison::kEqu, false, true, false, true}, {Comparison::kNeu, true, false, true, true},
      {Comparison::kLtu, true, false, false, true}, {Comparison::kLeu, true, true, false, true},
      {Comparison::kGtu, false, false, true, true}, {Comparison::kGeu, false, true, true, true},
      {Comparison::kNum, true, true, true, false},  {Comparison::kNan, false, false, false, true},
  };
  for (const Row& row : rows) {
    const auto check = [&](Type type, auto bits) {
      const auto is_true = [&](double a, double b) {
        return compare_bits(row.comparison, type, bits(a), bits(b), false);
      };
      const std::string where = type_name(type) + std::to_string(static_cast<int>(row.comparison));
      EXPECT_EQ(is_true(-1, 2), row.less) << where;
      EXPECT_EQ(is_true(-0.0, 0.0), row.equal) << where;
      EXPECT_EQ(is_true(0.5, -3), row.greater) << where;
      EXPECT_EQ(is_true(nan, 1), row.unordered) << where;
      EXPECT_EQ(is_true(1, nan), row.unordered) << where;
      EXPECT_EQ(is_true(nan, nan), row.unordered) << where;
    };
    check(Type::kF64, [](double value) { return bit_cast<std::uint64_t>(value); });
    check(Type::kF32, [](double value) {
      return std::uint64_t{bit_cast<std::uint32_t>(static_cast<float>(value))} | std::uint64_t{7} << 32;
    });
    check(Type::kF16, [](double value) { return std::uint64_t{double_to_f16(value)} | 0x50000; });
    check(Type::kBf16, [](double value) { return std::uint64_t{double_to_bf16(value)} | 0x50000; });
  }
}

TEST(CompareTest, IntegersByTheirType) {
  EXPECT_TRUE(compare_bits(Comparison::kLt, Type::kS32, 0xFFFFFFFFu, 1, false));
  EXPECT_FALSE(compare_bits(Comparison::kLt, Type::kU32, 0xFFFFFFFFu, 1, false));
  EXPECT_TRUE(compare_bits(Comparison::kHi, Type::kU32, 0xFFFFFFFFu, 1, false));
  EXPECT_TRUE(compare_bits(Comparison::kLo, Type::kU16, 0x10001, 0x0002, false));
  EXPECT_TRUE(compare_bits(Comparison::kLs, Type::kU64, 5, 5, false));
  EXPECT_TRUE(compare_bits(Comparison::kHs, Type::kB32, 5, 5, false));
  EXPECT_TRUE(compare_bits(Comparison::kGt, Type::kS16, 1, 0x8000, false));
  EXPECT_TRUE(compare_bits(Comparison::kEq, Type::kB16, 0x10001, 0x20001, false));
  EXPECT_TRUE(compare_bits(Comparison::kNe, Type::kS64, std::uint64_t{1} << 40, 0, false));
  EXPECT_TRUE(compare_bits(Comparison::kLt, Type::kS8, 0x80, 0x7F, false));
  EXPECT_THROW(compare_bits(Comparison::kEq, Type::kF16x2, 0, 0, false), std::invalid_argument);
}

TEST(CompareTest, FlushedOperands) {
  EXPECT_TRUE(compare_bits(Comparison::kGt, Type::kF32, 1, 0, false));
  EXPECT_FALSE(compare_bits(Comparison::kGt, Type::kF32, 1, 0, true));
  EXPECT_TRUE(compare_bits(Comparison::kGt, Type::kF16, 1, 0, false));
  EXPECT_FALSE(compare_bits(Comparison::kGt, Type::kF16, 1, 0, true));
}

template <class Real>
void check_extremes() {
  using Bits = BitsOf<Real>;
  const Real nan = std::numeric_limits<Real>::quiet_NaN(), zero = 0;
  const auto bits = [](Real value) { return bit_cast<Bits>(value); };
  for (const bool is_swapped : {false, true}) {
    const auto both = [&](auto function, Real a, Real b) { return is_swapped ? function(b, a) : function(a, b); };
    const auto least = [](Real a, Real b) { return minimum(a, b); };
    const auto most = [](Real a, Real b) { return maximum(a, b); };
    EXPECT_EQ(both(least, 3, -4), -4);
    EXPECT_EQ(both(most, 3, -4), 3);
    EXPECT_EQ(bits(both(least, zero, -zero)), bits(-zero));
    EXPECT_EQ(bits(both(most, zero, -zero)), bits(zero));
    EXPECT_EQ(both(least, nan, 5), 5);
    EXPECT_EQ(both(most, nan, 5), 5);
    EXPECT_TRUE(std::isnan(both([](Real a, Real b) { return minimum_nan(a, b); }, nan, 5)));
    EXPECT_TRUE(std::isnan(both([](Real a, Real b) { return maximum_nan(a, b); }, nan, 5)));
    EXPECT_EQ(both([](Real a, Real b) { return minimum_xorsign(a, b); }, -3, 2), -2);
    EXPECT_EQ(both([](Real a, Real b) { return maximum_xorsign(a, b); }, -3, -2), 3);
    EXPECT_EQ(both([](Real a, Real b) { return maximum_xorsign(a, b); }, -3, 2), -3);
    EXPECT_EQ(both([](Real a, Real b) { return maximum_xorsign(a, b); }, nan, -2), -2);
    EXPECT_TRUE(std::isnan(both([](Real a, Real b) { return minimum_xorsign(a, b, true); }, nan, 2)));
  }
  EXPECT_TRUE(std::isnan(minimum(nan, nan)));
  EXPECT_EQ(minimum_nan(Real{1}, Real{2}), 1);
  EXPECT_EQ(copy_sign(Real{-1}, Real{3}), -3);
  EXPECT_EQ(copy_sign(Real{1}, Real{-3}), 3);
}

TEST(CompareTest, LeastAndMost) {
  EXPECT_EQ(minimum(-3, 2), -3);
  EXPECT_EQ(maximum(0xFFFFFFFFu, 2u), 0xFFFFFFFFu);
  check_extremes<float>();
  check_extremes<double>();
  EXPECT_EQ(bit_cast<std::uint32_t>(minimum(bit_cast<float>(0xFFC00001u), bit_cast<float>(0x7FC00001u))), kNanF32);
}

TEST(CompareTest, KindsOfFloats) {
  const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  const auto kinds = [](float value) {
    std::string found;
    for (const FloatTest test : {FloatTest::kFinite, FloatTest::kInfinite, FloatTest::kNumber, FloatTest::kNotANumber,
                                 FloatTest::kNormal, FloatTest::kSubnormal})
      found += test_float(test, value) ? '1' : '0';
    return found;
  };
  EXPECT_EQ(kinds(1.0f), "101010");
  EXPECT_EQ(kinds(-0.0f), "101010");
  EXPECT_EQ(kinds(1e-40f), "101001");
  EXPECT_EQ(kinds(-infinity), "011000");
  EXPECT_EQ(kinds(nan), "000100");
}

}  // namespace
}  // namespace emulator::semantics

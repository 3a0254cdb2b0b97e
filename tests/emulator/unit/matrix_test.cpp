/// Matrix products of a warp against plain loops over matrices.
#include "semantics/matrix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "semantics/half_formats.h"
#include "unit/fragments.h"

namespace emulator::semantics {
namespace {

/// Position of an element in a row-major matrix.
std::size_t element(int row, int columns, int column) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column);
}

TEST(FragmentTest, FormulasAndStridesAgreeAndCoverTheMatrix) {
  for (const Shape& shape : shapes()) {
    std::vector<int> seen_a(element(shape.m, shape.k, 0)), seen_b(element(8, shape.k, 0));
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < shape.a_elements(); ++i) {
        const Place place = shape.a(lane / 4, lane % 4, i);
        ASSERT_EQ(shape.a_strides.position(lane, i), place.row + shape.m * place.column) << shape.name;
        ++seen_a.at(element(place.column, shape.m, place.row));
      }
      for (int i = 0; i < shape.b_elements(); ++i) {
        const Place place = shape.b(lane / 4, lane % 4, i);
        ASSERT_EQ(shape.b_strides.position(lane, i), place.column + 8 * place.row) << shape.name;
        ++seen_b.at(element(place.row, 8, place.column));
      }
      for (int i = 0; i < shape.m / 4; ++i) {
        const Place place = c_place(lane / 4, lane % 4, i);
        ASSERT_EQ((shape.m == 16 ? kStridesC16 : kStridesC8).position(lane, i), place.row + shape.m * place.column);
      }
    }
    for (const int count : seen_a) ASSERT_EQ(count, 1) << shape.name;
    for (const int count : seen_b) ASSERT_EQ(count, 1) << shape.name;
  }
}

// ---- a warp's registers, filled element by element from matrices

struct Rows {
  std::array<std::array<std::byte, std::size_t{32} * 8>, 8> bytes{};  // room for rows of 32 and of 64 bits

  std::array<void*, 8> pointers() {
    std::array<void*, 8> result{};
    for (std::size_t number = 0; number < 8; ++number) result[number] = bytes[number].data();
    return result;
  }

  /// Where element i of a lane lies, of `bits` bits; several share a register of 32.
  std::byte* place(int lane, int i, int bits) {
    const int per_register = bits < 32 ? 32 / bits : 1, register_bytes = bits == 64 ? 8 : 4;
    const int offset = lane * register_bytes + i % per_register * (bits / 8);
    return bytes[static_cast<std::size_t>(i / per_register)].data() + offset;
  }
  void put(int lane, int i, int bits, std::uint64_t value) {
    std::memcpy(place(lane, i, bits), &value, static_cast<std::size_t>(bits) / 8);
  }
  std::uint64_t get(int lane, int i, int bits) {
    std::uint64_t value = 0;
    std::memcpy(&value, place(lane, i, bits), static_cast<std::size_t>(bits) / 8);
    return value;
  }
};

/// Matrices of element bits.
struct Problem {
  const Shape* shape;
  MmaKind kind;
  int c_bits;
  std::vector<std::uint64_t> a, b, c;  // row-major m x k, k x 8, m x 8

  Problem(const Shape& which, const MmaKind& what) : shape(&which), kind(what) {
    c_bits = what.accumulator == Type::kF16 ? 16 : what.accumulator == Type::kF64 ? 64 : 32;
    a.resize(element(which.m, which.k, 0));
    b.resize(element(which.k, 8, 0));
    c.resize(element(which.m, 8, 0));
  }
  std::uint64_t at_a(int row, int k) const { return a[element(row, shape->k, k)]; }
  std::uint64_t at_b(int k, int column) const { return b[element(k, 8, column)]; }
  std::uint64_t at_c(int row, int column) const { return c[element(row, 8, column)]; }

  /// D by the instruction; `is_in_place`: its registers are those of C.
  std::vector<std::uint64_t> run(bool is_in_place = false) const {
    Rows rows_a, rows_b, rows_c, rows_d;
    for (int lane = 0; lane < 32; ++lane) {
      const int g = lane / 4, t = lane % 4;
      for (int i = 0; i < shape->a_elements(); ++i)
        rows_a.put(lane, i, shape->element_bits, at_a(shape->a(g, t, i).row, shape->a(g, t, i).column));
      for (int i = 0; i < shape->b_elements(); ++i)
        rows_b.put(lane, i, shape->element_bits, at_b(shape->b(g, t, i).row, shape->b(g, t, i).column));
      for (int i = 0; i < shape->m / 4; ++i)
        rows_c.put(lane, i, c_bits, at_c(c_place(g, t, i).row, c_place(g, t, i).column));
    }
    const Mma mma = find_mma(kind);
    EXPECT_NE(mma.run, nullptr) << shape->name;
    const int per_register = shape->element_bits < 32 ? 32 / shape->element_bits : 1;
    EXPECT_EQ(mma.a_registers, shape->a_elements() / per_register) << shape->name;
    EXPECT_EQ(mma.b_registers, shape->b_elements() / per_register) << shape->name;
    EXPECT_EQ(mma.c_registers, shape->m / 4 / (c_bits == 16 ? 2 : 1)) << shape->name;
    Rows& result = is_in_place ? rows_c : rows_d;
    mma.run(rows_a.pointers().data(), rows_b.pointers().data(), rows_c.pointers().data(), result.pointers().data());
    std::vector<std::uint64_t> d(c.size());
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < shape->m / 4; ++i) {
        const Place place = c_place(lane / 4, lane % 4, i);
        d[element(place.row, 8, place.column)] = result.get(lane, i, c_bits);
      }
    return d;
  }
};

// ---- floats

double value_of(Type type, std::uint64_t bits) {
  if (type == Type::kF16) return f16_to_float(static_cast<std::uint16_t>(bits));
  if (type == Type::kBf16) return bf16_to_float(static_cast<std::uint16_t>(bits));
  if (type == Type::kF64) return bit_cast<double>(bits);
  const auto word = static_cast<std::uint32_t>(bits);
  return bit_cast<float>(type == Type::kTf32 ? word & 0xFFFFE000u : word);
}

std::uint64_t bits_of(Type type, double value) {
  if (type == Type::kF16) return float_to_f16(static_cast<float>(value));
  if (type == Type::kBf16) return float_to_bf16(static_cast<float>(value));
  if (type == Type::kF64) return bit_cast<std::uint64_t>(value);
  return bit_cast<std::uint32_t>(static_cast<float>(value));
}

/// C, then one product after another.
std::vector<std::uint64_t> expected_floats(const Problem& problem) {
  std::vector<std::uint64_t> d;
  for (int row = 0; row < problem.shape->m; ++row)
    for (int column = 0; column < 8; ++column) {
      const Type type = problem.kind.a, accumulator = problem.kind.accumulator;
      double precise = value_of(accumulator, problem.at_c(row, column));
      auto single = static_cast<float>(precise);
      for (int k = 0; k < problem.shape->k; ++k) {
        const double a = value_of(type, problem.at_a(row, k)), b = value_of(type, problem.at_b(k, column));
        precise = std::fma(a, b, precise);
        single = single + static_cast<float>(a * b);
      }
      d.push_back(bits_of(accumulator, accumulator == Type::kF64 ? precise : single));
    }
  return d;
}

class FloatProductTest : public testing::TestWithParam<MmaKind> {
 protected:
  static int element_bits() { return GetParam().a == Type::kF64 ? 64 : GetParam().a == Type::kTf32 ? 32 : 16; }
  static Problem problem() { return Problem(shape_of(GetParam().shape, element_bits()), GetParam()); }
};

TEST_P(FloatProductTest, IsTheChainOfProductsInTheOrderOfK) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (int round = 0; round < 200; ++round) {
    Problem random_problem = problem();
    for (auto& bits : random_problem.a) bits = bits_of(GetParam().a, normal(random));
    for (auto& bits : random_problem.b) bits = bits_of(GetParam().b, normal(random));
    for (auto& bits : random_problem.c) bits = bits_of(GetParam().accumulator, normal(random));
    ASSERT_EQ(random_problem.run(round % 2 == 0), expected_floats(random_problem));
  }
}

/// One element of A at a time, B a matrix of numbers that say where they lie: D shows row and k of the element.
TEST_P(FloatProductTest, EveryElementIsWhereItsPlaceSays) {
  const Shape& shape = shape_of(GetParam().shape, element_bits());
  for (int row = 0; row < shape.m; ++row)
    for (int k = 0; k < shape.k; ++k) {
      Problem single = problem();
      single.a[element(row, shape.k, k)] = bits_of(GetParam().a, 1);
      for (int n = 0; n < 128; ++n)
        if (n < shape.k * 8) single.b[static_cast<std::size_t>(n)] = bits_of(GetParam().b, n + 1);
      const std::vector<std::uint64_t> d = single.run();
      for (int i = 0; i < shape.m * 8; ++i)
        ASSERT_EQ(value_of(GetParam().accumulator, d[static_cast<std::size_t>(i)]),
                  i / 8 == row ? k * 8 + i % 8 + 1 : 0);
    }
}

TEST_P(FloatProductTest, NansAreCanonicalAndInfinitiesStay) {
  Problem special = problem();
  const double infinity = std::numeric_limits<double>::infinity();
  special.a[0] = bits_of(GetParam().a, -infinity);
  for (int n = 0; n < 8; ++n) special.b[static_cast<std::size_t>(n)] = bits_of(GetParam().b, n == 0 ? 0.0 : 1.0);
  special.c[2] = bits_of(GetParam().accumulator, infinity);
  const std::vector<std::uint64_t> d = special.run();
  EXPECT_TRUE(std::isnan(value_of(GetParam().accumulator, d[0])));
  EXPECT_EQ(value_of(GetParam().accumulator, d[1]), -infinity);
  EXPECT_TRUE(std::isnan(value_of(GetParam().accumulator, d[2])));
  EXPECT_TRUE(GetParam().accumulator != Type::kF32 || d[0] == kNanF32);
  EXPECT_TRUE(GetParam().accumulator != Type::kF16 || d[0] == kNanF16);
}

INSTANTIATE_TEST_SUITE_P(Kinds, FloatProductTest,
                         testing::Values(MmaKind{MmaShape::kM16n8k16, Type::kF16, Type::kF16, Type::kF32},
                                         MmaKind{MmaShape::kM16n8k16, Type::kF16, Type::kF16, Type::kF16},
                                         MmaKind{MmaShape::kM16n8k16, Type::kBf16, Type::kBf16, Type::kF32},
                                         MmaKind{MmaShape::kM16n8k8, Type::kF16, Type::kF16, Type::kF32},
                                         MmaKind{MmaShape::kM16n8k8, Type::kF16, Type::kF16, Type::kF16},
                                         MmaKind{MmaShape::kM16n8k8, Type::kBf16, Type::kBf16, Type::kF32},
                                         MmaKind{MmaShape::kM16n8k8, Type::kTf32, Type::kTf32, Type::kF32},
                                         MmaKind{MmaShape::kM16n8k4, Type::kTf32, Type::kTf32, Type::kF32},
                                         MmaKind{MmaShape::kM8n8k4, Type::kF64, Type::kF64, Type::kF64}),
                         [](const auto& kind) {
                           return std::string(type_name(kind.param.a)) + "_" + type_name(kind.param.accumulator) + "_" +
                                  std::to_string(static_cast<int>(kind.param.shape));
                         });

// ---- integers

std::int64_t byte_value(Type type, std::uint64_t bits) {
  return type == Type::kS8 ? std::int64_t{static_cast<std::int8_t>(bits)}
                           : std::int64_t{static_cast<std::uint8_t>(bits)};
}

TEST(IntegerProductTest, EverySignShapeAndSaturation) {
  std::mt19937_64 random(2);
  for (const MmaShape which : {MmaShape::kM8n8k16, MmaShape::kM16n8k16, MmaShape::kM16n8k32})
    for (int choice = 0; choice < 8; ++choice)
      for (int round = 0; round < 50; ++round) {
        const MmaKind kind{which, choice & 1 ? Type::kS8 : Type::kU8, choice & 2 ? Type::kS8 : Type::kU8, Type::kS32,
                           (choice & 4) != 0};
        Problem problem(shape_of(which, 8), kind);
        for (auto& bits : problem.a) bits = random() & 0xFF;
        for (auto& bits : problem.b) bits = round == 0 ? 0x80 : random() & 0xFF;
        for (auto& bits : problem.c)
          bits = round % 2 == 0 ? 0x7FFFFFFFu ^ (random() % 2 == 0 ? ~0u : 0u) : random() & 0xFFFFFFFFu;
        const std::vector<std::uint64_t> d = problem.run(round % 3 == 0);
        for (int row = 0; row < problem.shape->m; ++row)
          for (int column = 0; column < 8; ++column) {
            std::int64_t sum = static_cast<std::int32_t>(problem.at_c(row, column));
            for (int k = 0; k < problem.shape->k; ++k)
              sum += byte_value(kind.a, problem.at_a(row, k)) * byte_value(kind.b, problem.at_b(k, column));
            if (kind.is_saturating) sum = std::min<std::int64_t>(std::max<std::int64_t>(sum, INT32_MIN), INT32_MAX);
            ASSERT_EQ(d[element(row, 8, column)], static_cast<std::uint32_t>(sum)) << problem.shape->name;
          }
      }
}

TEST(FindMmaTest, OtherCombinationsAreNotKnown) {
  const auto is_known = [](const MmaKind& kind) { return find_mma(kind).run != nullptr; };
  EXPECT_FALSE(is_known({MmaShape::kM16n8k16, Type::kF16, Type::kBf16, Type::kF32}));
  EXPECT_FALSE(is_known({MmaShape::kM16n8k16, Type::kBf16, Type::kBf16, Type::kF16}));
  EXPECT_FALSE(is_known({MmaShape::kM16n8k16, Type::kTf32, Type::kTf32, Type::kF32}));
  EXPECT_FALSE(is_known({MmaShape::kM16n8k4, Type::kBf16, Type::kBf16, Type::kF32}));
  EXPECT_FALSE(is_known({MmaShape::kM16n8k8, Type::kS8, Type::kS8, Type::kS32}));
  EXPECT_FALSE(is_known({MmaShape::kM8n8k4, Type::kF16, Type::kF16, Type::kF32}));
  EXPECT_FALSE(is_known({MmaShape::kM16n8k16, Type::kF16, Type::kF16, Type::kS32}));
  EXPECT_FALSE(is_known({MmaShape::kM16n8k16, Type::kF16, Type::kF16, Type::kF32, true}));
}

}  // namespace
}  // namespace emulator::semantics

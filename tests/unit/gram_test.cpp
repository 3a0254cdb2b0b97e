/// Products over the cells of a chunk against float64, with every remainder of rows, classes and cells.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "simd_fixture.h"
#include "support/random.h"

namespace arloss::cpu {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Random rows, NaN past `length`: what lies there must not be read.
Tile random_tile(support::Random& random, std::int64_t rows, int stride, int length) {
  Tile tile(rows, stride, kNan);
  for (std::int64_t row = 0; row < rows; ++row)
    for (int i = 0; i < length; ++i) tile.at(row, i) = static_cast<float>(random.normal());
  return tile;
}

class GramTest : public SimdTest {};
ARLOSS_ON_EVERY_TARGET(GramTest);

/// All parts of `length` cells, or every second one.
CellParts parts_of_case(int length, bool has_gaps) { return parts_of(0, length) & (has_gaps ? 0x5555u : 0xffffu); }

bool is_in(CellParts parts, int i) { return (parts >> i / kPart & 1) != 0; }

struct GramCase {
  std::int64_t num_left, classes;
  int length;
  bool is_symmetric, has_row_classes, has_gaps;
};

/// The classes of some rows: every second one, from the last down.
std::vector<std::int32_t> row_classes(std::int64_t count, std::int64_t classes) {
  std::vector<std::int32_t> rows;
  for (std::int64_t r = 0; r < count; ++r)
    rows.push_back(static_cast<std::int32_t>(classes - 1 - std::int64_t{2} * r % classes));
  return rows;
}

void expect_gram(const SimdKernels& kernels, const GramCase& c) {
  support::Random random(static_cast<std::uint64_t>(c.num_left + 100 * c.classes + c.length));
  const Tile left = random_tile(random, c.num_left, kChunk, c.length);
  const std::int64_t num_right = c.has_row_classes ? (c.classes + 1) / 2 : c.classes;
  const Tile right = c.is_symmetric ? left : random_tile(random, num_right, kChunk, c.length);
  const CellParts parts = parts_of_case(c.length, c.has_gaps), all = parts_of(0, c.length);
  const std::vector<std::int32_t> left_classes = row_classes(c.num_left, c.classes),
                                  right_classes = row_classes(num_right, c.classes);
  const ClassRows left_rows{left.data(), c.num_left, c.has_row_classes ? left_classes.data() : nullptr, parts};
  const ClassRows right_rows{right.data(), num_right, c.has_row_classes ? right_classes.data() : nullptr, all};
  std::vector<double> out(static_cast<std::size_t>(c.classes * c.classes), 0.25), expected = out, size = out;
  std::vector<bool> is_written(out.size(), false);
  for (std::int64_t r = 0; r < c.num_left; ++r)
    for (std::int64_t q = 0; q < num_right; ++q) {
      const std::int64_t row = left_rows.class_of(r), column = right_rows.class_of(q);
      const auto at = static_cast<std::size_t>(row * c.classes + column);
      if (c.is_symmetric && column < row) continue;
      is_written[at] = true;
      for (int i = 0; i < c.length; ++i) {
        if (!is_in(parts, i)) continue;
        const double term = double{left.at(r, i)} * double{right.at(q, i)};
        expected[at] += term;
        size[at] += std::fabs(term);
      }
    }
  kernels.gram({left_rows, right_rows, kChunk, c.classes, c.is_symmetric, out.data()});
  for (std::size_t at = 0; at < out.size(); ++at) {
    if (is_written[at])
      EXPECT_NEAR(out[at], expected[at], 5e-7 * size[at]) << at;
    else
      EXPECT_EQ(out[at], 0.25) << at;
  }
}

TEST_P(GramTest, AddsTheProductOfEveryPairOfRows) {
  for (const std::int64_t classes : {1, 2, 3, 5, 8, 19})
    for (const int length : {16, 48, 240, 256})
      for (int num_left = 1; num_left <= classes; num_left += num_left < 6 ? 1 : 5) {
        SCOPED_TRACE(std::to_string(num_left) + " x " + std::to_string(classes) + ", length " + std::to_string(length));
        expect_gram(kernels(), {num_left, classes, length, false, false, num_left % 2 == 1});
        if (classes % 2 == 1) expect_gram(kernels(), {num_left, classes, length, false, true, num_left % 2 == 0});
      }
}

TEST_P(GramTest, ASymmetricProductIsItsUpperHalf) {
  for (const int classes : {1, 2, 3, 4, 5, 6, 7, 8, 19, 33}) {
    SCOPED_TRACE(classes);
    expect_gram(kernels(), {classes, classes, 112, true, false, false});
  }
}

TEST_P(GramTest, GivesTheSameBitsWhereverTheTilesLie) {
  support::Random random(5);
  const Tile left = random_tile(random, 7, kChunk, kChunk), right = random_tile(random, 5, kChunk, kChunk);
  std::vector<double> first(35), again(35);
  const CellParts all = parts_of(0, kChunk);
  const GramJob job{{left.data(), 5, nullptr, all}, {right.data(), 5, nullptr, all}, kChunk, 5, false, first.data()};
  kernels().gram(job);
  for (std::size_t shift = 1; shift < 17; shift += 5) {
    std::vector<float> moved(shift, 0.0f);
    moved.insert(moved.end(), left.values.begin(), left.values.end());
    GramJob moved_job = job;
    moved_job.left.tile = moved.data() + shift;
    moved_job.out = again.data();
    again.assign(again.size(), 0);
    kernels().gram(moved_job);
    EXPECT_EQ(first, again) << shift;
  }
}

struct ProductCase {
  std::int64_t classes, num_rows;
  int length;
  bool has_table;
  Join join;
  int anchors;  // 0: none, 1: one class for all, 2: runs of one class, 3: random
  bool has_row_classes, has_gaps;
};

std::int32_t anchor_of(support::Random& random, const ProductCase& c, int i) {
  if (c.anchors == 0) return -1;
  if (c.anchors == 1) return static_cast<std::int32_t>(c.classes - 1);
  if (c.anchors == 2) return static_cast<std::int32_t>((i / 24) % (c.classes + 1)) - 1;
  return static_cast<std::int32_t>(random.below(c.classes + 1)) - 1;
}

void expect_product(const SimdKernels& kernels, const ProductCase& c) {
  support::Random random(static_cast<std::uint64_t>(c.classes * 1000 + c.length));
  const Tile tile = random_tile(random, c.num_rows, kChunk, c.length);
  const auto size = static_cast<int>(c.classes);
  const Tile matrix = random_tile(random, c.classes, size, size), table = random_tile(random, c.classes, size, size);
  const std::vector<std::int32_t> classes = row_classes(c.num_rows, c.classes);
  const CellParts parts = parts_of_case(c.length, c.has_gaps);
  const ClassRows rows{tile.data(), c.num_rows, c.has_row_classes ? classes.data() : nullptr, parts};
  Tile out = random_tile(random, c.classes, kChunk, c.length);
  for (float& value : out.values)
    if (std::isnan(value)) value = 77;
  const Tile before = out;
  std::vector<std::int32_t> anchor(kChunk, 1 << 30);
  for (int i = 0; i < c.length; ++i) anchor[static_cast<std::size_t>(i)] = anchor_of(random, c, i);
  kernels.product({rows, matrix.data(), c.has_table ? table.data() : nullptr, anchor.data(), c.join, kChunk, c.classes,
                   out.data()});
  for (std::int64_t d = 0; d < c.classes; ++d)
    for (int i = 0; i < kChunk; ++i) {
      if (!is_in(parts, i)) {
        EXPECT_EQ(out.at(d, i), before.at(d, i)) << "outside the parts: " << d << ", " << i;
        continue;
      }
      const std::int32_t row = anchor[static_cast<std::size_t>(i)];
      double product = c.has_table && row >= 0 ? double{table.at(row, d)} : 0.0, terms = std::fabs(product);
      for (std::int64_t k = 0; k < c.num_rows; ++k) {
        const double term = double{tile.at(k, i)} * double{matrix.at(rows.class_of(k), d)};
        product += term;
        terms += std::fabs(term);
      }
      if (c.join != Join::kReplace) terms += std::fabs(double{before.at(d, i)});
      const double expected = c.join == Join::kReplace ? product
                              : c.join == Join::kAdd   ? double{before.at(d, i)} + product
                                                       : double{before.at(d, i)} - product;
      EXPECT_NEAR(double{out.at(d, i)}, expected, 5e-7 * terms) << d << ", " << i;
    }
}

TEST_P(GramTest, ProductIsRowsTimesMatrixAndTheAnchorsRow) {
  for (const std::int64_t classes : {1, 2, 3, 8, 11, 21})
    for (const int length : {16, 80, 256})
      for (const Join join : {Join::kReplace, Join::kAdd, Join::kSubtract}) {
        SCOPED_TRACE(std::to_string(classes) + " classes, length " + std::to_string(length));
        expect_product(kernels(), {classes, classes, length, false, join, 0, false, false});
        expect_product(kernels(), {classes, (classes + 1) / 2, length, false, join, 0, true, true});
        for (int anchors = 0; anchors <= 3; ++anchors)
          for (const bool has_rows : {true, false})
            expect_product(kernels(), {classes, has_rows ? classes : 0, length, true, join, anchors, false, false});
      }
}

TEST_P(GramTest, MultiplyIsElementByElement) {
  support::Random random(9);
  for (const int length : {16, 64, 240, 256})
    for (const bool is_in_place : {false, true}) {
      const Tile a = random_tile(random, 5, kChunk, length), b = random_tile(random, 5, kChunk, length);
      for (const int b_stride : {0, kChunk}) {
        Tile out = a;
        if (!is_in_place) out.values.assign(out.values.size(), 7);
        const Tile before = out;
        kernels().multiply(is_in_place ? out.data() : a.data(), b.data(), b_stride, kChunk, length, 5, out.data());
        for (std::int64_t row = 0; row < 5; ++row) {
          for (int i = 0; i < length; ++i)
            EXPECT_EQ(out.at(row, i), a.at(row, i) * b.at(b_stride == 0 ? 0 : row, i)) << row << ", " << i;
          for (int i = length; i < kChunk; ++i)
            EXPECT_TRUE(out.at(row, i) == before.at(row, i) || is_in_place) << row << ", " << i;
        }
      }
    }
}

TEST(SimdTargets, DispatchPicksTheBestAndThePortableOneIsAmongThem) {
  ASSERT_FALSE(simd_targets().empty());
  EXPECT_STREQ(simd_kernels().target_name, hwy::TargetName(simd_targets().front()));
  EXPECT_TRUE(simd_targets().back() == HWY_EMU128 || simd_targets().back() == HWY_SCALAR)
      << hwy::TargetName(simd_targets().back());
}

}  // namespace
}  // namespace arloss::cpu

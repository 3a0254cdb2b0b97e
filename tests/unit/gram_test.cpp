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

struct GramCase {
  int num_left;
  std::int64_t classes;
  int length;
  bool is_symmetric, has_row_classes;
};

/// The classes of the left rows: every second one, from the last down.
std::vector<std::int32_t> row_classes(const GramCase& c) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(c.num_left));
  for (std::int32_t r = 0; r < c.num_left; ++r)
    rows[static_cast<std::size_t>(r)] =
        c.has_row_classes ? static_cast<std::int32_t>(c.classes - 1 - std::int64_t{2} * r % c.classes) : r;
  return rows;
}

void expect_gram(const SimdKernels& kernels, const GramCase& c) {
  support::Random random(static_cast<std::uint64_t>(c.num_left + 100 * c.classes + c.length));
  const Tile left = random_tile(random, c.num_left, kChunk, c.length);
  const Tile right = c.is_symmetric ? left : random_tile(random, c.classes, kChunk, c.length);
  const std::vector<std::int32_t> rows = row_classes(c);
  std::vector<double> out(static_cast<std::size_t>(c.classes * c.classes), 0.25), expected = out, size = out;
  std::vector<bool> is_written(out.size(), false);
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::int64_t d = 0; d < c.classes; ++d) {
      const auto at = static_cast<std::size_t>(rows[r] * c.classes + d);
      if (c.is_symmetric && d < rows[r]) continue;
      is_written[at] = true;
      for (int i = 0; i < c.length; ++i) {
        const double term = double{left.at(static_cast<std::int64_t>(r), i)} * double{right.at(d, i)};
        expected[at] += term;
        size[at] += std::fabs(term);
      }
    }
  kernels.gram({left.data(), right.data(), kChunk, c.length, c.num_left, c.classes,
                c.has_row_classes ? rows.data() : nullptr, c.is_symmetric, out.data()});
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
        expect_gram(kernels(), {num_left, classes, length, false, false});
        if (classes % 2 == 1) expect_gram(kernels(), {num_left, classes, length, false, true});
      }
}

TEST_P(GramTest, ASymmetricProductIsItsUpperHalf) {
  for (const int classes : {1, 2, 3, 4, 5, 6, 7, 8, 19, 33}) {
    SCOPED_TRACE(classes);
    expect_gram(kernels(), {classes, classes, 112, true, false});
  }
}

TEST_P(GramTest, GivesTheSameBitsWhereverTheTilesLie) {
  support::Random random(5);
  const Tile left = random_tile(random, 7, kChunk, kChunk), right = random_tile(random, 5, kChunk, kChunk);
  std::vector<double> first(35), again(35);
  const GramJob job{left.data(), right.data(), kChunk, kChunk, 5, 5, nullptr, false, first.data()};
  kernels().gram(job);
  for (std::size_t shift = 1; shift < 17; shift += 5) {
    std::vector<float> moved(shift, 0.0f);
    moved.insert(moved.end(), left.values.begin(), left.values.end());
    GramJob moved_job = job;
    moved_job.left = moved.data() + shift;
    moved_job.out = again.data();
    again.assign(again.size(), 0);
    kernels().gram(moved_job);
    EXPECT_EQ(first, again) << shift;
  }
}

struct ProductCase {
  std::int64_t classes;
  int length;
  bool has_tile, has_table, adds;
  int anchors;  // 0: none, 1: one class for all, 2: runs of one class, 3: random
};

std::int32_t anchor_of(support::Random& random, const ProductCase& c, int i) {
  if (c.anchors == 0) return -1;
  if (c.anchors == 1) return static_cast<std::int32_t>(c.classes - 1);
  if (c.anchors == 2) return static_cast<std::int32_t>((i / 24) % (c.classes + 1)) - 1;
  return static_cast<std::int32_t>(random.below(c.classes + 1)) - 1;
}

void expect_product(const SimdKernels& kernels, const ProductCase& c) {
  support::Random random(static_cast<std::uint64_t>(c.classes * 1000 + c.length));
  const Tile tile = random_tile(random, c.classes, kChunk, c.length);
  const auto size = static_cast<int>(c.classes);
  const Tile matrix = random_tile(random, c.classes, size, size), table = random_tile(random, c.classes, size, size);
  Tile out = random_tile(random, c.classes, kChunk, c.length);
  for (float& value : out.values)
    if (std::isnan(value)) value = 77;
  const Tile before = out;
  std::vector<std::int32_t> anchor(kChunk, 1 << 30);
  for (int i = 0; i < c.length; ++i) anchor[static_cast<std::size_t>(i)] = anchor_of(random, c, i);
  kernels.product({c.has_tile ? tile.data() : nullptr, c.has_tile ? matrix.data() : nullptr,
                   c.has_table ? table.data() : nullptr, c.has_table ? anchor.data() : nullptr, c.adds, kChunk,
                   c.length, c.classes, out.data()});
  for (std::int64_t d = 0; d < c.classes; ++d)
    for (int i = 0; i < kChunk; ++i) {
      if (i >= c.length) {
        EXPECT_EQ(out.at(d, i), before.at(d, i)) << "past the length: " << d << ", " << i;
        continue;
      }
      const std::int32_t row = anchor[static_cast<std::size_t>(i)];
      double expected = c.adds ? double{before.at(d, i)} : 0.0;
      if (c.has_table && row >= 0) expected += double{table.at(row, d)};
      double terms = std::fabs(expected) + (c.adds ? std::fabs(double{before.at(d, i)}) : 0);
      for (std::int64_t k = 0; c.has_tile && k < c.classes; ++k) {
        const double term = double{tile.at(k, i)} * double{matrix.at(k, d)};
        expected += term;
        terms += std::fabs(term);
      }
      EXPECT_NEAR(double{out.at(d, i)}, expected, 5e-7 * terms) << d << ", " << i;
    }
}

TEST_P(GramTest, ProductIsTileTimesMatrixAndTheAnchorsRow) {
  for (const std::int64_t classes : {1, 2, 3, 8, 11, 21})
    for (const int length : {16, 80, 256})
      for (const bool adds : {false, true}) {
        SCOPED_TRACE(std::to_string(classes) + " classes, length " + std::to_string(length));
        expect_product(kernels(), {classes, length, true, false, adds, 0});
        for (int anchors = 0; anchors <= 3; ++anchors)
          for (const bool has_tile : {true, false})
            expect_product(kernels(), {classes, length, has_tile, true, adds, anchors});
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

/// How pairs are dealt to the thread blocks of the kernels over pairs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/pair/pair_tile.h"

namespace kernel_tests {
namespace {

using arloss::kernels::PairTile;
using arloss::kernels::PairWalk;

constexpr std::int64_t kGroups[] = {1, 2, 7, 300};
constexpr std::int64_t kRows[] = {1, 2, 63, 64, 65, 127, 128, 129, 191, 192, 193, 511, 512, 513, 4096, 9409};
constexpr std::int64_t kStripRows[] = {64, 128};
/// As many cells as an image of 4096 x 4096 has.
constexpr std::int64_t kMostRows = std::int64_t{1} << 24;

/// Calls body(groups, rows, walk) for all of them.
template <class Body>
void for_each_walk(const Body& body) {
  for (const std::int64_t groups : kGroups)
    for (const std::int64_t rows : kRows)
      for (const std::int64_t strip_rows : kStripRows) {
        SCOPED_TRACE(testing::Message() << groups << " x " << rows << " rows by " << strip_rows);
        body(groups, rows, PairWalk(groups, rows, strip_rows));
      }
}

/// The kernels' rule: pairs of a strip with itself count once, those with later rows twice, with earlier ones never.
int loss_factor(const PairWalk& walk, std::int64_t strip, std::int64_t tile) {
  const std::int64_t first_row = strip * walk.strip_rows, first_column = tile * PairTile::kColumns;
  if (first_column < first_row) return 0;
  return first_column < first_row + walk.strip_rows ? 1 : 2;
}

TEST(PairWalk, VisitsEveryTileOfEveryStripOnce) {
  for_each_walk([](std::int64_t, std::int64_t rows, const PairWalk& walk) {
    EXPECT_EQ(walk.strips, (rows + walk.strip_rows - 1) / walk.strip_rows);
    EXPECT_EQ(walk.tiles, (rows + PairTile::kColumns - 1) / PairTile::kColumns);
    std::vector<int> visits(static_cast<std::size_t>(walk.strips * walk.tiles));
    for (std::int64_t block = 0; block < walk.blocks(); ++block) {
      const std::int64_t split = block % walk.splits, strip = block / walk.splits;
      for (std::int64_t tile = walk.first_tile(split); tile < walk.first_tile(split + 1); ++tile)
        ++visits.at(static_cast<std::size_t>(strip * walk.tiles + tile));
    }
    EXPECT_EQ(std::count(visits.begin(), visits.end(), 1), walk.strips * walk.tiles);
  });
}

TEST(PairWalk, HasFewSplitsNoneOfThemEmpty) {
  for_each_walk([](std::int64_t groups, std::int64_t, const PairWalk& walk) {
    EXPECT_GE(walk.splits, 1);
    EXPECT_LE(walk.splits, PairTile::kMaxSplits);
    for (std::int64_t split = 0; split < walk.splits; ++split)
      EXPECT_LT(walk.first_tile(split), walk.first_tile(split + 1)) << split;
    if (walk.splits > 1) {
      EXPECT_LT(groups * walk.blocks() / 2, PairTile::kEnoughBlocks);
    }
  });
}

/// Of each pair of rows, (i, j) and (j, i) together count twice: by whichever of them a block takes.
TEST(PairWalk, LossCountsEveryOrderedPairOnce) {
  for_each_walk([](std::int64_t, std::int64_t rows, const PairWalk& walk) {
    const auto factor = [&walk](std::int64_t i, std::int64_t j) {
      return loss_factor(walk, i / walk.strip_rows, j / PairTile::kColumns);
    };
    if (rows > 600) return;
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j <= i; ++j) ASSERT_EQ(factor(i, j) + factor(j, i), 2) << i << ", " << j;
  });
}

/// The loss alone begins at the strip's own rows.
TEST(PairWalk, LossCountsNothingBeforeTheStrip) {
  for_each_walk([](std::int64_t, std::int64_t, const PairWalk& walk) {
    for (std::int64_t strip = 0; strip < walk.strips; ++strip) {
      const std::int64_t own_tile = strip * walk.strip_rows / PairTile::kColumns;
      ASSERT_LT(own_tile, walk.tiles);
      EXPECT_EQ(loss_factor(walk, strip, own_tile), 1);
      for (std::int64_t tile = 0; tile < own_tile; ++tile) ASSERT_EQ(loss_factor(walk, strip, tile), 0);
    }
  });
}

TEST(PairWalk, CountsTheLargestGroupsPairs) {
  for (const std::int64_t strip_rows : kStripRows)
    for (const std::int64_t rows : {kMostRows, kMostRows - 1}) {
      const PairWalk walk(1, rows, strip_rows);
      EXPECT_EQ(walk.strips * walk.strip_rows, kMostRows);
      EXPECT_EQ(walk.tiles * PairTile::kColumns, kMostRows);
      EXPECT_EQ(walk.first_tile(walk.splits), walk.tiles);
      // Strip by strip: its own tiles, then the later ones twice.
      std::int64_t pairs = 0;
      for (std::int64_t strip = 0; strip < walk.strips; ++strip) {
        const std::int64_t first = strip * strip_rows, end = std::min(first + strip_rows, rows);
        EXPECT_EQ(loss_factor(walk, strip, first / PairTile::kColumns), 1);
        EXPECT_EQ(loss_factor(walk, strip, (first + strip_rows) / PairTile::kColumns), 2);
        pairs += (end - first) * (end - first) + 2 * (end - first) * (rows - end);
      }
      EXPECT_EQ(pairs, rows * rows);
    }
}

/// Splits only add blocks while there are few: what a grid can have is left to strips.
TEST(PairWalk, BlocksFitAGrid) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  for (const std::int64_t strip_rows : kStripRows)
    for (const std::int64_t rows : {std::int64_t{64}, std::int64_t{1} << 21, kMostRows})
      for (const std::int64_t groups : {1, 263, 264, 527, 528, 4096}) {
        const PairWalk walk(groups, rows, strip_rows);
        EXPECT_LE(groups * walk.blocks(), std::max(groups * walk.strips, 2 * PairTile::kEnoughBlocks));
        EXPECT_LE(groups * walk.blocks(), kMost);
      }
}

}  // namespace
}  // namespace kernel_tests

/// How cells are dealt to the thread blocks of the fused kernels.
#include <gtest/gtest.h>

#include <cstdint>

#include "kernels/fused/fused_params.h"

namespace kernel_tests {
namespace {

using arloss::kernels::CellSplits;

constexpr std::int64_t kBatches[] = {1, 2, 7, 300};
constexpr std::int64_t kCells[] = {1, 63, 64, 65, 256, 257, 8448, 8449, 67584, 67585, 1081344, 1081345, 5000000};

void expect_every_cell_once(const CellSplits& splits, std::int64_t cells) {
  std::int64_t next = 0;
  for (std::int64_t split = 0; split < splits.splits; ++split) {
    ASSERT_EQ(splits.first(split), next) << split;
    ASSERT_GT(splits.end(split), next) << split;
    next = splits.end(split);
  }
  EXPECT_EQ(next, cells);
}

TEST(CellSplits, HaveEveryCellOnce) {
  for (const std::int64_t batch : kBatches)
    for (const std::int64_t cells : kCells)
      for (const std::int64_t classes : {48, 49}) {
        SCOPED_TRACE(testing::Message() << batch << " x " << cells << ", " << classes << " classes");
        expect_every_cell_once(arloss::kernels::fused_splits(batch, cells, classes), cells);
      }
}

/// A run is longer than a step only where there would be more runs than blocks, and never too long for a chain of
/// products.
TEST(CellSplits, AreAsLongAsTheBlocksAsk) {
  for (const std::int64_t batch : kBatches)
    for (const std::int64_t cells : kCells)
      for (const CellSplits::Policy policy : {CellSplits::Policy{256, 4096, 264}, CellSplits::Policy{64, 8192, 132}}) {
        SCOPED_TRACE(testing::Message() << batch << " x " << cells << " by " << policy.step);
        const CellSplits splits(batch, cells, policy);
        EXPECT_EQ(splits.cells_per_split % policy.step, 0);
        EXPECT_LE(splits.cells_per_split, policy.most);
        if (splits.cells_per_split < policy.most) {
          EXPECT_LE(batch * splits.splits, policy.blocks + batch - 1);
        }
        const std::int64_t steps = (cells - 1) / policy.step + 1;
        if (batch * steps <= policy.blocks) {
          EXPECT_EQ(splits.cells_per_split, policy.step);
        }
      }
}

}  // namespace
}  // namespace kernel_tests

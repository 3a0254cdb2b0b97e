#ifndef ARLOSS_KERNELS_GRAM_TILE_H
#define ARLOSS_KERNELS_GRAM_TILE_H

#include <cstdint>

#include "kernels/gram/row_splits.h"

namespace arloss::kernels {

/// The shape of a product of planes: 64 classes by 64, the rows in steps.
struct GramTile {
  static constexpr int kClasses = 64;
  static constexpr int kRows = 32;    // of one step: one per lane when loaded
  static constexpr int kStride = 16;  // between the classes of one thread
  static constexpr int kThreads = kStride * kStride;

  ARLOSS_HOST_DEVICE static constexpr std::int64_t tiles(std::int64_t classes) { return (classes - 1) / kClasses + 1; }
  static_assert(RowSplits::kChunk % kRows == 0, "chunks are whole steps");
};

/// Threads that walk the cells of a split, one class column each.
struct LabelGramTile {
  static constexpr int kThreads = 128;
  ARLOSS_HOST_DEVICE static constexpr std::int64_t panels(std::int64_t classes) { return (classes - 1) / kThreads + 1; }
};

/// A thread block walks the cells of a split in chunks. Cells of one class are summed by warp; the others go to a queue
/// and from there, in batches, into a table of label rows over the batch's classes.
struct LabelSumsTile {
  static constexpr int kWarps = 8;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kResidentBlocks = 2;  // measured: at 3, 80 registers, it spills
  static constexpr int kCellsOfThread = 4;
  static constexpr int kChunk = kThreads * kCellsOfThread;
  static constexpr int kRowsOfChunk = kWarps * kCellsOfThread;  // of 32 cells
  static constexpr int kQueue = 2 * kChunk;                     // worked off when the next chunk might not fit
  static constexpr int kBatchCells = 128;
  static constexpr int kBatchRows = 240;                // of all scales and differences
  static constexpr int kBatchValues = 17 * kBatchRows;  // derived: 32 KiB, 17 classes in a full batch
  /// Classes whose weights are summed in shared memory: 24 KiB of it.
  static constexpr std::int64_t kMaxPureClasses = 384;

  /// Blocks among which the matrix rows of a slot are dealt, each walking all of its cells: as many as it takes to have
  /// one for each of 132 multiprocessors, but 16 rows to a block. By the problem alone, as the slots.
  static constexpr std::int64_t parts(std::int64_t slots, std::int64_t rows) {
    const std::int64_t useful = (rows - 1) / 16 + 1, wanted = 131 / slots + 1;
    const std::int64_t parts = wanted < useful ? wanted : useful;
    return parts < kMaxParts ? parts : kMaxParts;
  }
  static constexpr std::int64_t kMaxParts = 8;
};

}  // namespace arloss::kernels

#endif

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

/// Warps that share the label rows of a split: warp w adds to the matrix rows of classes w, w + kWarps, ...
struct LabelSumsTile {
  static constexpr int kWarps = 8;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kResidentBlocks = 2;  // at least: ptxas, left to itself, aims at more and spills
};

}  // namespace arloss::kernels

#endif

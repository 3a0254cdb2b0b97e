#ifndef ARLOSS_KERNELS_PAIR_TILE_H
#define ARLOSS_KERNELS_PAIR_TILE_H

#include <cstdint>

#include "kernels/tile/half_piece.h"
#include "math/host_device.h"

namespace arloss::kernels {

/// A thread block visits a strip of rows i against tiles of kColumns columns j.
struct PairTile {
  static constexpr int kWarps = 4;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kColumns = 64;
  /// Column tiles after which a row's slopes leave the tensor cores, which truncate, for sums that round: 512 columns,
  /// 32 products (docs/numerics.md, "Chunks").
  static constexpr int kTilesPerFlush = 8;
  static constexpr std::int64_t kMaxSplits = 4;
  /// Thread blocks that fill a device of 132 multiprocessors twice over.
  static constexpr std::int64_t kEnoughBlocks = 528;
};

/// Pieces of eight classes.
ARLOSS_HOST_DEVICE constexpr std::int64_t class_octets(std::int64_t classes) { return (classes - 1) / 8 + 1; }

/// What a thread block takes on, by the pieces of s that it multiplies slopes with.
struct PairShapeRow {
  int octets;        // up to so many
  int row_tiles;     // of 16 rows to a warp
  int column_tiles;  // of 8 columns whose pairs are in registers at once; even: 16 are K of the gradient's product
  bool is_unrolled;  // a kernel for rows of just so many octets and one segment too
};
/// Registers decide: a thread has 4 row_tiles x octets accumulators and 8 row_tiles x column_tiles numbers of pairs
/// beside some 80 (docs/performance.md).
inline constexpr PairShapeRow kPairShapes[] = {
    {3, 2, 4, true}, {5, 2, 4, true}, {8, 2, 4, false}, {20, 1, 4, false}, {32, 1, 2, false}};
/// ... with slopes and s as two halves each: rows of more do not fit shared memory.
inline constexpr std::int64_t kMaxExactOctets = 8;

constexpr PairShapeRow pair_shape(std::int64_t classes) {
  for (const PairShapeRow& shape : kPairShapes)
    if (class_octets(classes) <= shape.octets) return shape;
  return {0, 1, 2, false};
}

/// How the pairs of a group of rows are dealt to thread blocks: block (strip, split) takes one strip against an equal
/// share of the column tiles.
struct PairWalk {
  std::int64_t strip_rows, strips, tiles, splits;

  ARLOSS_HOST_DEVICE constexpr PairWalk(std::int64_t groups, std::int64_t rows, std::int64_t rows_of_a_strip)
      : strip_rows(rows_of_a_strip),
        strips((rows - 1) / rows_of_a_strip + 1),
        tiles((rows - 1) / PairTile::kColumns + 1),
        splits(1) {
    while (splits < PairTile::kMaxSplits && 2 * splits <= tiles && groups * strips * splits < PairTile::kEnoughBlocks)
      splits *= 2;
  }
  ARLOSS_HOST_DEVICE constexpr std::int64_t blocks() const { return strips * splits; }
  ARLOSS_HOST_DEVICE constexpr std::int64_t first_tile(std::int64_t split) const { return tiles * split / splits; }
};

/// Pieces from one row of shared memory to the next: odd, so that ldmatrix meets every bank once in 8 rows.
ARLOSS_HOST_DEVICE constexpr std::int64_t pair_pitch(std::int64_t pieces) { return pieces | 1; }

/// Shared memory of a thread block: a strip, two column tiles and their weights.
ARLOSS_HOST_DEVICE constexpr std::int64_t pair_shared_bytes(std::int64_t strip_rows, std::int64_t pieces) {
  return (strip_rows + 2 * PairTile::kColumns) * pair_pitch(pieces) * static_cast<std::int64_t>(sizeof(HalfPiece)) +
         2 * PairTile::kColumns * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace arloss::kernels

#endif

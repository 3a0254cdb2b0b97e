#ifndef ARLOSS_KERNELS_PAIR_TILE_H
#define ARLOSS_KERNELS_PAIR_TILE_H

#include <cstdint>

#include "kernels/tile/half_piece.h"
#include "math/host_device.h"

namespace arloss::kernels {

/// A thread block visits a strip of rows i against tiles of kColumns columns j.
struct PairTile {
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
  int octets;  // up to so many
  int warps;   // each with row_tiles x 16 rows of the strip
  int row_tiles;
  int column_tiles;   // of 8 columns whose pairs are in registers at once; even: 16 are K of the gradient's product
  bool is_unrolled;   // a kernel for rows of just so many octets and one segment too
  int look_up_warps;  // hard labels by look-up, half the products, with so many warps; 0: not

  constexpr bool looks_up() const { return look_up_warps > 0; }
  constexpr int strip_rows(bool is_looked_up) const { return 16 * (is_looked_up ? look_up_warps : warps) * row_tiles; }
};
/// Registers decide: a thread has 4 row_tiles x octets accumulators and 8 row_tiles x column_tiles numbers of pairs
/// beside some 80 (docs/performance.md). Where they leave a warp 16 rows, a pair takes twice as much of L2; eight warps
/// make up for that while shared memory holds their rows.
inline constexpr PairShapeRow kPairShapes[] = {{3, 4, 2, 4, true, 0},
                                               {5, 4, 2, 4, true, 0},
                                               {8, 4, 2, 4, false, 0},
                                               {24, 4, 1, 4, false, 8},
                                               {32, 4, 1, 2, false, 0}};
/// ... with slopes and s as two halves each: rows of more do not fit shared memory.
inline constexpr std::int64_t kMaxExactOctets = 8;

constexpr PairShapeRow pair_shape(std::int64_t classes) {
  for (const PairShapeRow& shape : kPairShapes)
    if (class_octets(classes) <= shape.octets) return shape;
  return {};
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

/// Numbers of one class in a look-up table, and how far apart two classes lie in shared memory, in pieces: four banks
/// on, so that eight classes meet all banks once.
inline constexpr int kLookUpPieces = PairTile::kColumns / 8, kLookUpPitch = kLookUpPieces + 1;

/// Columns of a group in a look-up table: whole column tiles.
ARLOSS_HOST_DEVICE constexpr std::int64_t look_up_columns(std::int64_t rows_of_a_group) {
  return ((rows_of_a_group - 1) / PairTile::kColumns + 1) * PairTile::kColumns;
}

/// Shared memory of a thread block: two column tiles' weights, a strip, two column tiles, and their look-up tables.
ARLOSS_HOST_DEVICE constexpr std::int64_t pair_shared_bytes(std::int64_t strip_rows, std::int64_t pieces,
                                                            std::int64_t look_up_classes) {
  return 2 * PairTile::kColumns * static_cast<std::int64_t>(sizeof(float)) +
         ((strip_rows + 2 * PairTile::kColumns) * pair_pitch(pieces) + 2 * look_up_classes * kLookUpPitch) *
             static_cast<std::int64_t>(sizeof(HalfPiece));
}

}  // namespace arloss::kernels

#endif

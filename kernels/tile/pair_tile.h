#ifndef ARLOSS_KERNELS_TILE_PAIR_TILE_H
#define ARLOSS_KERNELS_TILE_PAIR_TILE_H

#include <cstdint>

#include "math/host_device.h"

namespace arloss::kernels {

/// Eight halves: what ldmatrix takes as a row and cp.async copies at once.
struct alignas(16) HalfPiece {
  std::uint32_t pairs[4];
};

/// The shape of a tile of pairs: rows i against columns j, the classes in steps.
struct PairTile {
  static constexpr int kRows = 64;     // i and j alike
  static constexpr int kClasses = 16;  // of one step: K of mma.m16n8k16
  static constexpr int kWarps = 4;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kWarpRows = kRows / kWarps;  // M of mma.m16n8k16
  static constexpr int kStrips = kRows / 8;         // of 8 columns, N of mma.m16n8k16
  /// Column tiles of one thread block. A lane adds the 16 pairs it has of a row in a tile, then the tiles: 24 additions
  /// in float32 at most (derived).
  static constexpr int kTilesPerBlock = 8;

  static_assert(kWarpRows == 16 && kRows % 8 == 0, "a warp is one row of products");
};

/// One cell's row, packed for the products: per step of 16 classes s, E and u (math.md, eq. 23), each as 16 halves of
/// its leading part and 16 of its remainder, all times kScale, the remainders of E also times kLift. A row i reads the
/// pieces of s and E, a column j those of E and u.
struct PairRow {
  static constexpr int kPieces = 12;        // of one step: {s, E, u} x {leading, remainder} x 2
  static constexpr int kTilePieces = 8;     // that a row or a column of a tile reads
  static constexpr int kRowPiece = 0;       // where s starts
  static constexpr int kColumnPiece = 4;    // where E starts
  static constexpr int kLabelPiece = 8;     // where u starts
  static constexpr float kScale = 1 << 15;  // values are at most 1 in magnitude: they stay finite
  /// Near the optimum an E of 5e-9 stands beside an s of 1. Its remainder would be a subnormal half and cost 1e-4 of an
  /// image of one class (measured); lifted by the 11 bits of the leading part it is not.
  static constexpr float kLift = 1 << 11;

  ARLOSS_HOST_DEVICE static constexpr std::int64_t steps(std::int64_t classes) {
    return (classes - 1) / PairTile::kClasses + 1;
  }
  /// Pieces of one row, all steps.
  ARLOSS_HOST_DEVICE static constexpr std::int64_t pieces(std::int64_t classes) { return steps(classes) * kPieces; }
};

/// How the pairs of one image are dealt to thread blocks: block b takes row tile b / splits against column tiles
/// kTilesPerBlock (b % splits) and on.
struct PairWalk {
  std::int64_t tiles, splits;

  ARLOSS_HOST_DEVICE explicit constexpr PairWalk(std::int64_t cells)
      : tiles((cells - 1) / PairTile::kRows + 1), splits((tiles - 1) / PairTile::kTilesPerBlock + 1) {}
  ARLOSS_HOST_DEVICE constexpr std::int64_t blocks() const { return tiles * splits; }
};

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_WIDE_TILE_H
#define ARLOSS_KERNELS_WIDE_TILE_H

#include <cstdint>

#include "kernels/tile/cell_splits.h"
#include "kernels/tile/half_piece.h"

namespace arloss::kernels {

/// Many classes: a thread block takes 64 neighbouring cells, each warp every eighth class of them, a lane two cells.
/// `kSquares_`: groups of 32 classes that a kernel is compiled for.
template <int kSquares_>
struct WideTile {
  static constexpr int kSquares = kSquares_;
  static constexpr int kClasses = 32 * kSquares;
  static constexpr int kCells = 64;
  static constexpr int kWarps = 8;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kPerLane = kClasses / kWarps;  // classes of a lane: its warp's, 8 apart
  static constexpr int kPitch = (kCells / 8) | 1;     // pieces from class to class: odd, so that banks do not conflict
  static constexpr int kSteps = kCells / 16;          // K of mma.m16n8k16
};

/// Rows of E, a class each: position 2 l of a row is cell l of the tile, position 2 l + 1 is cell l + 32. A lane's two
/// halves make one word, and planes are read in whole lines whatever their length.
template <int kSquares>
struct WideRows {
  HalfPiece leading[WideTile<kSquares>::kClasses][WideTile<kSquares>::kPitch];
  HalfPiece remainder[WideTile<kSquares>::kClasses][WideTile<kSquares>::kPitch];
};
ARLOSS_HOST_DEVICE constexpr int position_of_cell(int cell) { return cell % 32 * 2 + cell / 32; }

/// Most classes that these kernels take: the matrix of the gradient and the rows of a tile share 227 KiB.
inline constexpr std::int64_t kMaxWideClasses = 192;

/// One block to each of 132 multiprocessors: a block's P and Q are C x C, and every block more is written and read once
/// (180 KiB at 150 classes).
ARLOSS_HOST_DEVICE constexpr CellSplits wide_splits(std::int64_t batch, std::int64_t cells) {
  return CellSplits(batch, cells, {64, 8192, 132});
}

}  // namespace arloss::kernels

#endif

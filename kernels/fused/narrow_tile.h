#ifndef ARLOSS_KERNELS_NARROW_TILE_H
#define ARLOSS_KERNELS_NARROW_TILE_H

#include <cstdint>

#include "kernels/tile/cell_splits.h"

namespace arloss::kernels {

/// Few classes: a lane holds all logits of a cell, a warp the rows of 32 neighbouring cells. `kOctets`: groups of eight
/// classes that a kernel is compiled for.
template <int kOctets>
struct NarrowTile {
  static constexpr int kClasses = 8 * kOctets;
  /// Classes that every problem in this tile's hands has: there are tiles of 1, 2, 3 and 5 octets.
  static constexpr int kCertain = 8 * (kOctets <= 3 ? kOctets - 1 : 3);
  static constexpr int kPanels = (kOctets + 1) / 2;  // of 16 classes, M of mma.m16n8k16
  static constexpr int kCells = 32;
  static constexpr int kWarps = 8;
  static constexpr int kThreads = 32 * kWarps;
  /// Thread blocks per multiprocessor: 16 warps of 128 registers, or 8 of 255.
  static constexpr int kResidentBlocks = kOctets <= 3 ? 2 : 1;
};

/// Most classes that these kernels take: at 48 the sums spill on some devices, at 56 on all (100 bytes).
inline constexpr std::int64_t kMaxNarrowClasses = 40;

/// A block of every warp's single tile is 256 cells; at most 16 tiles a warp, so that a chain of products is 512 cells:
/// tensor cores truncate each addition, and 512 of one sign cost 3e-6 (docs/numerics.md). Two blocks to each of 132
/// multiprocessors fill the largest device.
ARLOSS_HOST_DEVICE constexpr CellSplits narrow_splits(std::int64_t batch, std::int64_t cells) {
  return CellSplits(batch, cells, {256, 4096, 264});
}

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_NARROW_TILE_H
#define ARLOSS_KERNELS_NARROW_TILE_H

#include <cstdint>

#include "kernels/tile/pair_tile.h"
#include "math/host_device.h"

namespace arloss::kernels {

/// Few classes: a lane holds all logits of a cell, a warp the rows of 32 neighbouring cells. `kOctets`: groups of eight
/// classes that a kernel is compiled for.
template <int kOctets>
struct NarrowTile {
  static constexpr int kClasses = 8 * kOctets;
  /// Classes that every problem in this tile's hands has: there are tiles of 1, 2, 3, 5 and 6 octets.
  static constexpr int kCertain = 8 * (kOctets == 5 ? 3 : kOctets - 1);
  static constexpr int kPanels = (kOctets + 1) / 2;  // of 16 classes, M of mma.m16n8k16
  static constexpr int kCells = 32;
  static constexpr int kWarps = 8;
  static constexpr int kThreads = 32 * kWarps;
  /// Thread blocks per multiprocessor: 16 warps of 128 registers, or 8 of 255.
  static constexpr int kResidentBlocks = kOctets <= 3 ? 2 : 1;
};

/// Most classes that these kernels take: at 56 the sums spill (255 registers and 100 bytes).
inline constexpr std::int64_t kMaxNarrowClasses = 48;

/// How the cells of an image are dealt to thread blocks. By the problem alone, so that the order of additions is.
struct NarrowSplits {
  /// Cells that a block of every warp's single tile takes.
  static constexpr std::int64_t kStep = 256;
  /// Cells of one block at most: 16 tiles a warp, a chain of 512 products. Tensor cores truncate each addition; 512 of
  /// one sign cost 3e-6 (docs/numerics.md).
  static constexpr std::int64_t kMost = 4096;
  /// Blocks that fill the largest device, two to each of 132 multiprocessors.
  static constexpr std::int64_t kBlocks = 264;

  std::int64_t cells, splits, cells_per_split;

  ARLOSS_HOST_DEVICE constexpr NarrowSplits(std::int64_t batch, std::int64_t cells_of_image)
      : cells(cells_of_image), splits(0), cells_per_split(kStep) {
    const std::int64_t steps = (cells - 1) / kStep + 1, steps_in_all = batch * steps;
    const std::int64_t fair = (steps_in_all - 1) / kBlocks + 1;
    cells_per_split *= fair < kMost / kStep ? fair : kMost / kStep;
    splits = (cells - 1) / cells_per_split + 1;
  }
};

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_CELL_TILE_H
#define ARLOSS_KERNELS_CELL_TILE_H

#include <cstdint>

#include "math/host_device.h"

namespace arloss::kernels {

/// A thread block of kCells neighbouring cells of one image, any number of classes.
struct CellTile {
  static constexpr int kCells = 32;  // one per lane
  static constexpr int kWarps = 8;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kResidentBlocks = 2;  // at least: ptxas, left to itself, aims at more and spills

  ARLOSS_HOST_DEVICE static constexpr std::int64_t blocks(std::int64_t cells) { return (cells - 1) / kCells + 1; }
};

}  // namespace arloss::kernels

#endif

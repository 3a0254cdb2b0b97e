#ifndef ARLOSS_KERNELS_TILE_CELL_SPLITS_H
#define ARLOSS_KERNELS_TILE_CELL_SPLITS_H

#include <cstdint>

#include "math/host_device.h"

namespace arloss::kernels {

/// How the cells of an image are dealt to thread blocks, a run to each. By the problem alone, not by the device, so
/// that the order of additions is.
struct CellSplits {
  struct Policy {
    std::int64_t step;    // a run is a multiple of so many cells
    std::int64_t most;    // and at most so many
    std::int64_t blocks;  // runs of the batch, where most and step allow
  };

  std::int64_t cells, splits, cells_per_split;

  ARLOSS_HOST_DEVICE constexpr CellSplits(std::int64_t batch, std::int64_t cells_of_image, const Policy& policy)
      : cells(cells_of_image), splits(0), cells_per_split(policy.step) {
    const std::int64_t steps = (cells - 1) / policy.step + 1;
    const std::int64_t fair = (batch * steps - 1) / policy.blocks + 1, most = policy.most / policy.step;
    cells_per_split *= fair < most ? fair : most;
    splits = (cells - 1) / cells_per_split + 1;
  }

  ARLOSS_HOST_DEVICE constexpr std::int64_t first(std::int64_t split) const { return split * cells_per_split; }
  ARLOSS_HOST_DEVICE constexpr std::int64_t end(std::int64_t split) const {
    const std::int64_t end = (split + 1) * cells_per_split;
    return end < cells ? end : cells;
  }
};

}  // namespace arloss::kernels

#endif

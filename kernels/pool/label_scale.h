#ifndef ARLOSS_KERNELS_LABEL_SCALE_H
#define ARLOSS_KERNELS_LABEL_SCALE_H

#include <cstdint>
#include <limits>

#include "kernels/pool/pool_params.h"

namespace arloss::kernels {

/// Most cells of an image: their numbers, and the bytes of a plane of float32, are 32 bits wide.
inline constexpr std::int64_t kMaxImageCells = std::numeric_limits<std::uint32_t>::max() / 4;

/// How the cells of an image fall into aligned blocks of `edge` cells per axis. Both are counted row by row.
struct BlockGrid {
  std::uint32_t edge = 1;
  std::uint32_t width = 1, height = 1;              // cells
  std::uint32_t block_width = 1, block_height = 1;  // blocks
  std::int64_t cells = 1, blocks = 1;               // of one image

  BlockGrid() = default;
  BlockGrid(const GridSize& grid, std::int64_t block_edge)
      : edge(static_cast<std::uint32_t>(block_edge < kMaxImageCells ? block_edge : kMaxImageCells)),
        width(static_cast<std::uint32_t>(grid.width)),
        height(static_cast<std::uint32_t>(grid.height)),
        block_width(static_cast<std::uint32_t>(math::num_blocks(grid.width, block_edge))),
        block_height(static_cast<std::uint32_t>(math::num_blocks(grid.height, block_edge))),
        cells(grid.depth * grid.height * grid.width),
        blocks(std::int64_t{block_width} * block_height * math::num_blocks(grid.depth, block_edge)) {}

  /// The block of a cell, both within the image.
  ARLOSS_HOST_DEVICE std::uint32_t block_of(std::uint32_t cell) const {
    if (edge == 1) return cell;
    const std::uint32_t row = cell / width, z = row / height, y = row - z * height, x = cell - row * width;
    return (z / edge * block_height + y / edge) * block_width + x / edge;
  }
};

/// The pooled labels of one scale, as kernels read them (see PoolParams for who wrote them). Device memory.
struct LabelScale {
  const std::int32_t* codes;  // [batch][blocks]
  const LabelCount* counts;   // [batch][blocks][count_stride]; read for blocks of several classes only
  std::int64_t count_stride;
  BlockGrid grid;
};

/// Scales of one set of sums, finest first.
struct LabelScales {
  static constexpr int kMax = 8;
  LabelScale scales[kMax];
  int count;
};

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_GRID_BOXES_CUH
#define ARLOSS_KERNELS_GRID_BOXES_CUH

#include "kernels/pool/pool_params.h"

namespace arloss::kernels {

/// Neighbours in a grid that one item is pooled from: label pixels of a cell, or items of a block.
struct GridBox {
  std::int64_t first;  // position, counted over the batch
  int depth, height, width;
};

/// Those of a box along one axis.
struct GridSpan {
  std::int64_t first;
  int size;
};

/// The label pixels of a cell along one axis; `ratio` label pixels to a cell, or 0 where that is no whole number.
__device__ inline GridSpan label_span(std::int64_t cell, std::int64_t cells, std::int64_t labels, std::int64_t ratio) {
  if (ratio != 0) return {cell * ratio, static_cast<int>(ratio)};
  const std::int64_t first = math::first_label(cell, cells, labels);
  return {first, static_cast<int>(math::first_label(cell + 1, cells, labels) - first)};
}
/// The items of a block along one axis.
__device__ inline GridSpan item_span(std::int64_t block, std::int64_t edge, std::int64_t items) {
  const std::int64_t first = block * edge;
  return {first, static_cast<int>(min(edge, items - first))};
}

/// Where an item, counted over the batch, lies in its grid.
struct GridPlace {
  std::int64_t image, z, y, x;
};
__device__ inline GridPlace place_of(std::int64_t item, const GridSize& grid) {
  const std::int64_t row = item / grid.width, slice = row / grid.height, image = slice / grid.depth;
  return {image, slice - image * grid.depth, row - slice * grid.height, item - row * grid.width};
}

__device__ inline GridBox box_of(std::int64_t image, const GridSpan& z, const GridSpan& y, const GridSpan& x,
                                 const GridSize& grid) {
  const std::int64_t first_row = (image * grid.depth + z.first) * grid.height + y.first;
  return {first_row * grid.width + x.first, z.size, y.size, x.size};
}

/// Who walks a box: one thread all of it, or the lanes of a warp a 32nd each.
enum class Walker { kThread, kWarp };

/// Calls body(position) for positions of a box of `grid`, along x, then y, then z.
template <Walker kWalker, class Body>
__device__ void for_each_position(const GridBox& box, const GridSize& grid, const Body& body) {
  if constexpr (kWalker == Walker::kThread) {
    for (int z = 0; z < box.depth; ++z)
      for (int y = 0; y < box.height; ++y) {
        const std::int64_t row = box.first + (z * grid.height + y) * grid.width;
#pragma unroll 4  // loads in flight together
        for (int x = 0; x < box.width; ++x) body(row + x);
      }
  } else {
    const int lane = static_cast<int>(threadIdx.x % 32), width = box.width, height = box.height;
    const int step_x = 32 % width, step_y = 32 / width % height, step_z = 32 / width / height;
    int x = lane % width, y = lane / width % height;
    for (int z = lane / width / height; z < box.depth; z += step_z) {
      body(box.first + (z * grid.height + y) * grid.width + x);
      x += step_x;
      if (x >= width) x -= width, ++y;
      y += step_y;
      if (y >= height) y -= height, ++z;
    }
  }
}

}  // namespace arloss::kernels

#endif

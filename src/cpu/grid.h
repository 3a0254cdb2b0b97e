#ifndef ARLOSS_CPU_GRID_H
#define ARLOSS_CPU_GRID_H

#include <algorithm>
#include <cstdint>

#include "math/cell_partition.h"
#include "plan/problem.h"

namespace arloss::cpu {

/// A position in a grid, slowest axis first.
struct Position {
  std::int64_t z, y, x;
};

inline Position position_of(const Extent& grid, std::int64_t cell) {
  return {cell / (grid.height * grid.width), cell / grid.width % grid.height, cell % grid.width};
}

/// The first position of a row along the fastest axis; rows of an image follow those of the one before.
inline Position start_of_row(const Extent& grid, std::int64_t row) {
  return {row / grid.height % grid.depth, row % grid.height, 0};
}

/// A box of a grid or a label map: [first, last) along each axis.
struct Box {
  Position first, last;
  std::int64_t count() const { return (last.z - first.z) * (last.y - first.y) * (last.x - first.x); }
};

/// The label pixels of a box of cells (math.md, eq. 3).
inline Box labels_of_cells(const Extent& grid, const Extent& labels, const Box& cells) {
  const auto corner = [&](const Position& p) {
    return Position{math::first_label(p.z, grid.depth, labels.depth),
                    math::first_label(p.y, grid.height, labels.height),
                    math::first_label(p.x, grid.width, labels.width)};
  };
  return {corner(cells.first), corner(cells.last)};
}

/// The aligned blocks of `edge` cells per axis that a scale cuts a grid into.
class Blocks {
 public:
  Blocks(const Extent& grid, std::int64_t edge) : grid_(grid), edge_(edge) {
    blocks_ = {math::num_blocks(grid.depth, edge), math::num_blocks(grid.height, edge),
               math::num_blocks(grid.width, edge)};
  }

  std::int64_t edge() const { return edge_; }
  const Extent& extent() const { return blocks_; }
  std::int64_t count() const { return blocks_.count(); }

  /// The cells of a block; the last one of an axis may be smaller.
  Box cells(const Position& block) const {
    const auto past = [&](std::int64_t index, std::int64_t size) { return std::min((index + 1) * edge_, size); };
    return {{block.z * edge_, block.y * edge_, block.x * edge_},
            {past(block.z, grid_.depth), past(block.y, grid_.height), past(block.x, grid_.width)}};
  }

  /// The cells of the blocks from `first` on, along a row, to before the one at x = last.
  Box cells(const Position& first, std::int64_t last) const {
    Box box = cells(first);
    box.last.x = cells({first.z, first.y, last - 1}).last.x;
    return box;
  }

  /// Writes the block index of `count` consecutive cells.
  void write_indices(std::int64_t first_cell, int count, std::int64_t* out) const {
    for_each_run(first_cell, count,
                 [out](std::int64_t block, int first, int last) { std::fill(out + first, out + last, block); });
  }

  /// Calls visit(block, first, last) for the runs [first, last) of `count` consecutive cells that lie in one block.
  template <class Visit>
  void for_each_run(std::int64_t first_cell, int count, const Visit& visit) const {
    Position cell = position_of(grid_, first_cell);
    for (int i = 0; i < count;) {
      const std::int64_t row = (cell.z / edge_ * blocks_.height + cell.y / edge_) * blocks_.width;
      for (std::int64_t x = cell.x / edge_; i < count && cell.x < grid_.width; ++x) {
        const std::int64_t length = std::min((x + 1) * edge_, grid_.width) - cell.x;
        const int last = static_cast<int>(std::min<std::int64_t>(count, i + length));
        visit(row + x, i, last);
        cell.x += length;
        i = last;
      }
      cell.x = 0;
      if (++cell.y == grid_.height) {
        cell.y = 0;
        ++cell.z;
      }
    }
  }

 private:
  Extent grid_;
  std::int64_t edge_;
  Extent blocks_;
};

}  // namespace arloss::cpu

#endif

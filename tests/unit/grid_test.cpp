/// Cells, blocks and label pixels against their definitions, position by position (math.md, eq. 3 and 4).
#include "cpu/grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

namespace arloss::cpu {
namespace {

std::string name_of(const Extent& size) {
  return std::to_string(size.depth) + "x" + std::to_string(size.height) + "x" + std::to_string(size.width);
}

const Extent kGrids[] = {{1, 1, 1}, {1, 1, 37}, {1, 29, 1}, {1, 5, 7}, {1, 16, 19}, {3, 5, 4}, {7, 1, 3}, {4, 6, 9}};
const std::int64_t kEdges[] = {1, 2, 3, 4, 7, 16, 64};

/// Calls body(position, index) for every position, fastest axis last.
template <class Body>
void for_each_position(const Extent& size, const Body& body) {
  std::int64_t index = 0;
  for (std::int64_t z = 0; z < size.depth; ++z)
    for (std::int64_t y = 0; y < size.height; ++y)
      for (std::int64_t x = 0; x < size.width; ++x) body(Position{z, y, x}, index++);
}

bool is_inside(const Box& box, const Position& p) {
  return p.z >= box.first.z && p.z < box.last.z && p.y >= box.first.y && p.y < box.last.y && p.x >= box.first.x &&
         p.x < box.last.x;
}

TEST(Grid, PositionOfACell) {
  for (const Extent& grid : kGrids)
    for_each_position(grid, [&](const Position& expected, std::int64_t index) {
      const Position actual = position_of(grid, index);
      EXPECT_EQ(std::tie(actual.z, actual.y, actual.x), std::tie(expected.z, expected.y, expected.x));
    });
}

TEST(Blocks, CountsRoundUpAxisByAxis) {
  EXPECT_EQ(Blocks({1, 5, 7}, 2).extent(), (Extent{1, 3, 4}));
  EXPECT_EQ(Blocks({4, 6, 9}, 4).extent(), (Extent{1, 2, 3}));
  EXPECT_EQ(Blocks({4, 6, 9}, 4).count(), 6);
  EXPECT_EQ(Blocks({4, 6, 9}, 100).count(), 1);
  EXPECT_EQ(Blocks({4, 6, 9}, std::int64_t{1} << 31).count(), 1);
}

TEST(Grid, FirstLabelsOfEveryStepthCell) {
  for (const std::int64_t cells : {1, 2, 7, 97, 128})
    for (const std::int64_t labels : {1, 5, 97, 128, 769, 1024})
      for (const std::int64_t step : {1, 2, 3, 64}) {
        math::FirstLabels walk(2 * step, step, cells, labels);
        for (std::int64_t cell = 3 * step; cell <= cells; cell += step)
          EXPECT_EQ(walk.next(), math::first_label(cell, cells, labels)) << cell << " of " << cells << ", " << labels;
      }
}

/// Block index of every cell, by division.
std::vector<std::int64_t> block_indices(const Extent& grid, std::int64_t edge) {
  const Extent blocks = Blocks(grid, edge).extent();
  std::vector<std::int64_t> indices;
  for_each_position(grid, [&](const Position& cell, std::int64_t) {
    indices.push_back(cell.z / edge * blocks.height * blocks.width + cell.y / edge * blocks.width + cell.x / edge);
  });
  return indices;
}

TEST(Blocks, WriteIndicesOfAnyRunOfCells) {
  for (const Extent& grid : kGrids)
    for (const std::int64_t edge : kEdges) {
      SCOPED_TRACE(name_of(grid) + ", edge " + std::to_string(edge));
      const std::vector<std::int64_t> expected = block_indices(grid, edge);
      const Blocks blocks(grid, edge);
      for (std::int64_t first = 0; first < grid.count(); first += 1 + grid.count() / 9)
        for (std::int64_t count = 0; first + count <= grid.count(); count += 1 + grid.count() / 7) {
          std::vector<std::int64_t> written(static_cast<std::size_t>(count) + 1, -7);
          blocks.write_indices(first, static_cast<int>(count), written.data());
          EXPECT_TRUE(std::equal(written.begin(), written.end() - 1, expected.begin() + first))
              << first << ", " << count;
          EXPECT_EQ(written.back(), -7);
        }
    }
}

TEST(Blocks, CellsAreThoseOfTheIndexAndClipped) {
  for (const Extent& grid : kGrids)
    for (const std::int64_t edge : kEdges) {
      SCOPED_TRACE(name_of(grid) + ", edge " + std::to_string(edge));
      const Blocks blocks(grid, edge);
      const std::vector<std::int64_t> index_of_cell = block_indices(grid, edge);
      std::int64_t num_cells = 0;
      for_each_position(blocks.extent(), [&](const Position& block, std::int64_t block_index) {
        const Box cells = blocks.cells(block);
        num_cells += cells.count();
        for_each_position(grid, [&](const Position& cell, std::int64_t index) {
          EXPECT_EQ(is_inside(cells, cell), index_of_cell[static_cast<std::size_t>(index)] == block_index);
        });
      });
      EXPECT_EQ(num_cells, grid.count());
    }
}

/// The cell that owns a label pixel along one axis: the last whose first pixel is not past it.
std::int64_t owner(std::int64_t pixel, std::int64_t cells, std::int64_t labels) {
  std::int64_t cell = 0;
  while (cell + 1 < cells && (cell + 1) * labels / cells <= pixel) ++cell;
  return cell;
}

const std::tuple<Extent, Extent> kLabelGrids[] = {
    {{1, 1, 1}, {1, 1, 1}},   {{1, 1, 1}, {1, 13, 11}}, {{1, 5, 7}, {1, 5, 7}},    {{1, 5, 7}, {1, 10, 21}},
    {{1, 5, 7}, {1, 9, 8}},   {{1, 6, 4}, {1, 6, 11}},  {{3, 2, 5}, {4, 7, 5}},    {{2, 3, 3}, {5, 8, 10}},
    {{1, 1, 33}, {1, 1, 50}}, {{1, 17, 1}, {1, 40, 1}}, {{4, 1, 2}, {11, 1, 1025}}};

TEST(LabelsOfCells, EveryPixelBelongsToTheOneCellThatOwnsIt) {
  for (const auto& [grid, labels] : kLabelGrids) {
    SCOPED_TRACE(name_of(grid) + " cells, " + name_of(labels) + " labels");
    std::vector<int> owners(static_cast<std::size_t>(labels.count()), 0);
    for_each_position(grid, [&, &grid = grid, &labels = labels](const Position& cell, std::int64_t) {
      const Box box = labels_of_cells(grid, labels, {cell, {cell.z + 1, cell.y + 1, cell.x + 1}});
      EXPECT_GE(box.count(), 1);
      for_each_position(labels, [&](const Position& pixel, std::int64_t index) {
        const bool is_owned = owner(pixel.z, grid.depth, labels.depth) == cell.z &&
                              owner(pixel.y, grid.height, labels.height) == cell.y &&
                              owner(pixel.x, grid.width, labels.width) == cell.x;
        EXPECT_EQ(is_inside(box, pixel), is_owned);
        owners[static_cast<std::size_t>(index)] += is_inside(box, pixel);
      });
    });
    EXPECT_EQ(owners, std::vector<int>(owners.size(), 1));
  }
}

TEST(LabelsOfCells, ABoxOfCellsOwnsTheUnion) {
  const Extent grid{2, 5, 7}, labels{3, 11, 16};
  const Box cells{{0, 1, 2}, {2, 4, 6}};
  std::int64_t count = 0;
  for_each_position(grid, [&](const Position& cell, std::int64_t) {
    if (is_inside(cells, cell))
      count += labels_of_cells(grid, labels, {cell, {cell.z + 1, cell.y + 1, cell.x + 1}}).count();
  });
  EXPECT_EQ(labels_of_cells(grid, labels, cells).count(), count);
}

TEST(LabelsOfCells, PositionsBeyond32BitsAreExact) {
  const Extent grid{1, 1, 3000000000}, labels{1, 1, 3000000001};
  const Box last = labels_of_cells(grid, labels, {{0, 0, 2999999999}, {1, 1, 3000000000}});
  EXPECT_EQ(last.first.x, 2999999999);
  EXPECT_EQ(last.last.x, 3000000001);
}

}  // namespace
}  // namespace arloss::cpu

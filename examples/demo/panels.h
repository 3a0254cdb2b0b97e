// The picture of one cell's row of the affinity matrices.
#pragma once
#include "picture.h"

#include <array>
#include <string>
#include <vector>

namespace demo {

/// One cell against all: rows of [grid.height][grid.width] values, before and after the descent.
struct AffinityRows {
  std::vector<float> label;                            // B, in [0, 1]
  std::vector<float> output_before, output_after;      // A, in [0, 1]
  std::vector<float> residual_before, residual_after;  // A - B
};

struct MarkedCell {
  int64_t index;           // in the grid
  std::string class_name;  // of its label
};

/// Six panels: label affinity, output affinity before and after; below them the classes, residual before and after.
/// The cell is ringed in each; cells without a label are grey. truth: class per cell, kNoClass where there is no label.
Picture affinity_sheet(Grid grid, const AffinityRows &rows, const std::vector<int> &truth,
                       const std::array<Colour, 256> &palette, const MarkedCell &marked);

}  // namespace demo

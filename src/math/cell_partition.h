#ifndef ARLOSS_MATH_CELL_PARTITION_H
#define ARLOSS_MATH_CELL_PARTITION_H

#include <cstdint>

#include "math/host_device.h"

namespace arloss::math {

/// First label pixel, along one axis, of a cell: cell y of `cells` owns labels [first_label(y), first_label(y + 1)).
/// Every label pixel belongs to exactly one cell, whole ratio or not (math.md, eq. 3).
ARLOSS_HOST_DEVICE constexpr std::int64_t first_label(std::int64_t cell, std::int64_t cells, std::int64_t labels) {
  return cell * labels / cells;
}

/// first_label of every `step`-th cell from `cell` on, one after another and without a division for each.
class FirstLabels {
 public:
  FirstLabels(std::int64_t cell, std::int64_t step, std::int64_t cells, std::int64_t labels)
      : cells_(cells), step_(step * labels / cells), step_rest_(step * labels % cells), rest_(cell * labels % cells) {
    label_ = first_label(cell, cells, labels);
  }
  /// Of the cell `step` after the last one asked for, at first after `cell`.
  std::int64_t next() {
    label_ += step_;
    rest_ += step_rest_;
    if (rest_ >= cells_) {
      rest_ -= cells_;
      ++label_;
    }
    return label_;
  }

 private:
  std::int64_t cells_, step_, step_rest_, rest_, label_;
};

/// Blocks of `edge` cells along an axis; the last one may be smaller.
ARLOSS_HOST_DEVICE constexpr std::int64_t num_blocks(std::int64_t cells, std::int64_t edge) {
  return (cells - 1) / edge + 1;
}

}  // namespace arloss::math

#endif

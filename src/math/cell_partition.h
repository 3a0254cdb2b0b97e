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

/// Blocks of `edge` cells along an axis; the last one may be smaller.
ARLOSS_HOST_DEVICE constexpr std::int64_t num_blocks(std::int64_t cells, std::int64_t edge) {
  return (cells - 1) / edge + 1;
}

}  // namespace arloss::math

#endif

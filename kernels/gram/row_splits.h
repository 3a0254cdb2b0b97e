#ifndef ARLOSS_KERNELS_ROW_SPLITS_H
#define ARLOSS_KERNELS_ROW_SPLITS_H

#include <cstdint>

#include "math/host_device.h"

namespace arloss::kernels {

/// How the rows of an image are dealt to slots of partial sums, each a run of whole chunks. By the problem alone, so
/// that the order of additions is.
struct RowSplits {
  /// Rows added in float32 before float64 takes over (docs/numerics.md, "Chunks").
  static constexpr std::int64_t kChunk = 256;

  std::int64_t rows, splits;

  ARLOSS_HOST_DEVICE constexpr std::int64_t first(std::int64_t split) const {
    const std::int64_t row = split * ((rows - 1) / kChunk + 1) / splits * kChunk;
    return row < rows ? row : rows;
  }
};

}  // namespace arloss::kernels

#endif

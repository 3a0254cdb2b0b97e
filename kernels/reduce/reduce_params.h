#ifndef ARLOSS_KERNELS_REDUCE_PARAMS_H
#define ARLOSS_KERNELS_REDUCE_PARAMS_H

#include <cstdint>

#include "kernels/tile/join_buffers.h"

namespace arloss::kernels {

/// Sums of rows of floats, each in float64. All pointers in device memory.
struct ReduceParams {
  const float* values;  // [rows][row_length]
  std::int64_t rows, row_length;
  JoinBuffers<float, double> sums;  // a set per row, of reduce_blocks(row_length) slots
};

struct ReduceTile {
  static constexpr int kThreads = 256;
  static constexpr int kValuesPerThread = 4;
  /// Values of one block: what is added in float32 before float64 takes over (docs/numerics.md, "Chunks").
  static constexpr int kValues = kThreads * kValuesPerThread;
};

/// Blocks, and slots, of one row.
ARLOSS_HOST_DEVICE constexpr std::int64_t reduce_blocks(std::int64_t row_length) {
  return row_length > 0 ? (row_length - 1) / ReduceTile::kValues + 1 : 1;
}

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_TESTS_PTX_PROBE_H
#define ARLOSS_TESTS_PTX_PROBE_H

#include <cuda_runtime.h>

#include <cstdint>

namespace kernel_tests {

/// How the columns of a product reach its lanes.
enum class ColumnLoad { kX4, kX2, kX2Trans };

/// products [16][8] = rows [16][16] x columns, by one mma.m16n8k16 of one warp. `columns` is [8][16], each column's 16
/// halves side by side, or for kX2Trans [16][8]. The tiles come by cp.async; of `valid_rows` rows only, zeros beyond.
cudaError_t launch_product(ColumnLoad load, const std::uint16_t* rows, int valid_rows, const std::uint16_t* columns,
                           float* products);

/// copies [32] = values [32], zeros from element `valid` on, by cp.async of 4 bytes.
cudaError_t launch_copy(const float* values, int valid, float* copies);

}  // namespace kernel_tests

#endif

#ifndef ARLOSS_KERNELS_REDUCE_KERNELS_CUH
#define ARLOSS_KERNELS_REDUCE_KERNELS_CUH

#include "kernels/reduce/reduce_params.h"
#include "kernels/tile/grid_join.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

using ReduceJoin = GridJoin<ReduceTile::kThreads, float, double, Sum>;

struct ReduceSharedStorage {
  ReduceJoin::SharedStorage join;
};
static_assert(sizeof(ReduceSharedStorage) <= 1024, "eight blocks of 256 threads fit every device's shared memory");

/// This thread's share of a block's values, neighbouring lanes on neighbouring values; 0 past the end of the row.
__device__ inline float sum_values(const float* row, std::int64_t first, std::int64_t length) {
  float sum = 0;
#pragma unroll
  for (int k = 0; k < ReduceTile::kValuesPerThread; ++k) {
    const std::int64_t index = first + k * ReduceTile::kThreads + threadIdx.x;
    if (index < length) sum += row[index];
  }
  return sum;
}

/// reduce_kernel.  Computes: the float64 sum of each row.
/// Owns: slot[row][block], one float per 1,024 values.  Reads: each value once.
/// Order: fixed by the row's length alone: chunks of 1,024 in float32, their slots in float64 (tile/grid_join.cuh).
/// Cost: 4 bytes and one addition per value; one integer atomic per block.
__global__ void __launch_bounds__(ReduceTile::kThreads) reduce_kernel(const ReduceParams params) {
  follow_earlier_kernels();
  __shared__ ReduceSharedStorage storage;
  const auto blocks = static_cast<std::uint32_t>(reduce_blocks(params.row_length));
  const std::uint32_t row = blockIdx.x / blocks, block = blockIdx.x % blocks;
  const float* values = params.values + row * params.row_length;
  const float sum = sum_values(values, std::int64_t{block} * ReduceTile::kValues, params.row_length);
  ReduceJoin::run(sum, params.sums.set(row, blocks), block, blocks, storage.join);
}

}  // namespace arloss::kernels

#endif

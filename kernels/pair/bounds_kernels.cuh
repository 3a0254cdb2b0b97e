#ifndef ARLOSS_KERNELS_BOUNDS_KERNELS_CUH
#define ARLOSS_KERNELS_BOUNDS_KERNELS_CUH

#include "kernels/pair/pair_row.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

/// Joins a warp's values first: one atomic to 32 rows. Integers, so in any order.
__device__ inline void raise(std::int32_t& bound, std::int32_t value) {
  const std::int32_t largest = __reduce_max_sync(~0u, value);
  if (threadIdx.x % 32 == 0) atomicMax(&bound, largest);
}

/// Raises the largest of all values and the second largest, which has lost to the largest here, in a warp, or there.
__device__ inline void raise_two(std::int32_t& bound, std::int32_t& second_bound, std::int32_t value) {
  const std::int32_t largest = __reduce_max_sync(~0u, value);
  const int holder = __ffs(static_cast<int>(__ballot_sync(~0u, value == largest))) - 1;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const std::int32_t second = __reduce_max_sync(~0u, lane == holder ? 0 : value);
  if (lane == 0) atomicMax(&second_bound, max(second, min(largest, atomicMax(&bound, largest))));
}

/// bounds_kernel.  Computes: PairBounds of every group. One thread per row.
/// Reads: the residuals once.  Order: any, of integers.
/// Cost: 4 bytes and one multiply-add per row and class.
__global__ void __launch_bounds__(PairRowTile::kThreads, PairRowTile::kResidentBlocks)
    bounds_kernel(const BoundsParams params) {
  follow_earlier_kernels();
  const PairRowPlace place(params.rows.rows);
  const bool is_present = place.row < params.rows.rows;
  const PairRow row(params.rows, place.plane, is_present ? place.row : 0);
  const float weight = is_present ? row.weight() : 0;
  float square = 0;
  if (weight != 0)
    for (std::int64_t c = 0; c < params.rows.classes; ++c) square = fmaf(row.residual(c), row.residual(c), square);
  PairBounds& bounds = params.bounds[place.plane / params.rows.images_per_group];
  raise(bounds.residual_square, __float_as_int(fabsf(square)));  // NaN without its sign is above all
  raise_two(bounds.weight, bounds.other_weight, __float_as_int(fabsf(weight)));
  raise(bounds.has_shift, weight != 0 && row.has_shift() ? 1 : 0);
}

}  // namespace arloss::kernels

#endif

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

/// bounds_kernel.  Computes: PairBounds of every group. One thread per row.
/// Reads: the residuals once.  Order: any, of integers.
/// Cost: 4 bytes and one multiply-add per row and class.
__global__ void __launch_bounds__(PairRowTile::kThreads) bounds_kernel(const BoundsParams params) {
  follow_earlier_kernels();
  const auto blocks = static_cast<std::uint32_t>(PairRowTile::blocks(params.rows.rows));
  const std::int64_t image = blockIdx.x / blocks;
  const std::int64_t index = std::int64_t{blockIdx.x % blocks} * PairRowTile::kThreads + threadIdx.x;
  const bool is_present = index < params.rows.rows;
  const PairRow row(params.rows, image, is_present ? index : 0);
  const float weight = is_present ? row.weight() : 0;
  float square = 0;
  if (weight != 0)
    for (std::int64_t c = 0; c < params.rows.classes; ++c) square = fmaf(row.residual(c), row.residual(c), square);
  PairBounds& bounds = params.bounds[image / params.rows.images_per_group];
  raise(bounds.residual_square, __float_as_int(fabsf(square)));  // NaN without its sign is above all
  raise(bounds.weight, __float_as_int(fabsf(weight)));
  raise(bounds.has_shift, weight != 0 && row.has_shift() ? 1 : 0);
}

}  // namespace arloss::kernels

#endif

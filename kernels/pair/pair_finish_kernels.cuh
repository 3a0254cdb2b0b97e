#ifndef ARLOSS_KERNELS_PAIR_FINISH_KERNELS_CUH
#define ARLOSS_KERNELS_PAIR_FINISH_KERNELS_CUH

#include <cub/block/block_reduce.cuh>

#include "kernels/gradient/slope_quotient.cuh"
#include "kernels/pair/pair_params.h"
#include "kernels/tile/grid_join.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

struct PairFinishTile {
  static constexpr int kThreads = 256;
};

using PairFinishReduce = cub::BlockReduce<double, PairFinishTile::kThreads>;
struct PairFinishStorage {
  PairFinishReduce::TempStorage reduce;
};

/// join_slopes_kernel.  Computes: the sum of the splits' slopes, over s where asked for. One thread per row and class.
/// Order: splits in order, float32.  Cost: 4 bytes in per split and 4 out.
__global__ void __launch_bounds__(PairFinishTile::kThreads) join_slopes_kernel(const JoinSlopesParams params) {
  follow_earlier_kernels();
  const std::int64_t index = std::int64_t{blockIdx.x} * PairFinishTile::kThreads + threadIdx.x;
  if (index >= params.count) return;
  float sum = params.slopes[index];
  for (std::int64_t split = 1; split < params.splits; ++split) sum += params.slopes[split * params.count + index];
  params.out[index] = params.s == nullptr ? sum : slope_over_s(sum, params.s[index]);
}

/// The loss of a group before its Z, to all threads' first: slots by threads in order, then one fixed tree; float64.
__device__ inline double join_pair_losses(const PairFinishParams& params, std::int64_t group,
                                          PairFinishStorage& storage) {
  double sum = 0;
  for (int pass = 0; pass < params.num_passes; ++pass) {
    const PairFinishParams::Pass& p = params.passes[pass];
    for (std::int64_t slot = threadIdx.x; slot < p.slots; slot += PairFinishTile::kThreads)
      sum += p.weight * p.losses[group * p.slots + slot];
  }
  const double joined = PairFinishReduce(storage.reduce).Reduce(sum, Sum{});
  __syncthreads();  // the tree's memory is read before the next group's use of it
  return joined;
}

/// Is any live row of the group NaN?
__device__ inline bool has_bad_row(const PairFinishParams& params, std::int64_t group) {
  for (int pass = 0; pass < params.num_passes; ++pass)
    if (isnan(__int_as_float(params.passes[pass].bounds[group].residual_square))) return true;
  return false;
}

/// One thread: writes a group's flags and returns its loss.
__device__ inline double finish_group(const PairFinishParams& params, std::int64_t group, double sum) {
  const double weight = params.heads[2 * group], live = params.heads[2 * group + 1];
  const bool is_bad_input = isnan(weight), is_bad = is_bad_input || has_bad_row(params, group);
  params.flags[2 * group] = is_bad ? NAN : static_cast<float>(params.reduction.scale(weight, live));
  params.flags[2 * group + 1] = is_bad_input ? NAN : 0;
  return is_bad ? NAN : params.reduction.loss(sum, weight, live);
}

/// pair_finish_kernel.  Computes: flags, and what the caller asked for from the losses of the groups. One block.
/// Order: join_pair_losses; the groups in order, by one thread. Float64.
__global__ void __launch_bounds__(PairFinishTile::kThreads) pair_finish_kernel(const PairFinishParams params) {
  follow_earlier_kernels();
  __shared__ PairFinishStorage storage;
  double total = 0;
  for (std::int64_t group = 0; group < params.groups; ++group) {
    const double sum = params.loss != nullptr ? join_pair_losses(params, group, storage) : 0;
    if (threadIdx.x != 0) continue;
    const double loss = finish_group(params, group, sum);
    total += loss;
    if (params.loss != nullptr && params.is_per_group) params.loss[group] = static_cast<float>(loss);
  }
  if (threadIdx.x == 0 && params.loss != nullptr && !params.is_per_group) params.loss[0] = static_cast<float>(total);
}

}  // namespace arloss::kernels

#endif

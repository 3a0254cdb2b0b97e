#ifndef ARLOSS_KERNELS_FINISH_KERNELS_CUH
#define ARLOSS_KERNELS_FINISH_KERNELS_CUH

#include <cub/block/block_reduce.cuh>

#include "kernels/finish/finish_params.h"
#include "kernels/tile/grid_join.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

struct FinishTile {
  static constexpr int kThreads = 256;
  static constexpr int kResidentBlocks = 2;  // at least: ptxas, left to itself, aims at more and spills
};

using LossReduce = cub::BlockReduce<double, FinishTile::kThreads>;

struct FinishSharedStorage {
  LossReduce::TempStorage loss;
};

/// One value of a group, its slots in order.
template <class Number>
__device__ double join_slots(const SumSlots<Number>& slots, std::int64_t group, std::int64_t images_per_group,
                             std::int64_t value) {
  const Number* const first = slots.slot(group * images_per_group, 0) + value;
  double sum = 0;
  for (std::int64_t slot = 0; slot < images_per_group * slots.splits; ++slot)
    sum += static_cast<double>(first[slot * slots.stride]);
  return sum;
}

/// join_kernel.  Computes: the head of every group. One thread per value.
/// Owns: its value.  Reads: that value of each slot, once.
/// Order: slots in order, float64.
/// Cost: 4 or 8 bytes and one addition per slot and value.
__global__ void __launch_bounds__(FinishTile::kThreads) join_kernel(const JoinParams params) {
  follow_earlier_kernels();
  const std::int64_t index = std::int64_t{blockIdx.x} * FinishTile::kThreads + threadIdx.x;
  const std::int64_t group = index / params.head_count, value = index % params.head_count;
  if (group >= params.groups) return;
  const std::int64_t product = value - params.first_product, num_products = params.products.stride;
  const bool is_product = product >= 0 && product < num_products;
  const double sum =
      is_product ? join_slots(params.products, group, params.images_per_group, product)
                 : join_slots(params.sums, group, params.images_per_group, product < 0 ? value : value - num_products);
  const bool is_bad = params.census->invalid != 0 || params.census->invalid_weights != 0;
  params.heads[index] = value == 0 && is_bad ? NAN : sum;
}

/// finish_kernel.  Computes: loss and gradient matrices of one group per block (math.md, eq. 9, 14 to 16, 21, 26).
/// Owns: the group's coefficients and loss.  Reads: the group's head.
/// Order: terms by thread, then one fixed tree, float64.
/// Cost: C^2 terms on one multiprocessor.
__global__ void __launch_bounds__(FinishTile::kThreads, FinishTile::kResidentBlocks)
    finish_kernel(const FinishParams params) {
  follow_earlier_kernels();
  __shared__ FinishSharedStorage storage;
  const std::int64_t group = blockIdx.x, terms = params.form.num_terms();
  const double* const head = params.heads + group * params.form.head_count;
  float* const out = params.coefficients + group * params.form.coefficient_count;
  const double sum_w = head[0], live_count = head[1], scale = params.reduction.scale(sum_w, live_count);
  double sum = 0;
  for (std::int64_t term = threadIdx.x; term < terms; term += FinishTile::kThreads) {
    sum += params.form.loss_term(head, term);
    params.form.write_matrices(head, term, scale, out);
  }
  sum = LossReduce(storage.loss).Reduce(sum, Sum{});
  if (threadIdx.x != 0) return;
  const bool is_bad_input = isnan(sum_w);
  params.losses[group] = is_bad_input ? NAN : params.reduction.loss(sum, sum_w, live_count);
  out[0] = is_bad_input || isnan(sum) ? NAN : 1.0f;
  out[1] = is_bad_input ? NAN : 0.0f;
}

/// loss_kernel.  Computes: what the caller asked for from the losses of the groups, added in order by one thread.
__global__ void loss_kernel(const FinishParams params) {
  follow_earlier_kernels();
  double total = 0;
  for (std::int64_t group = 0; group < params.groups; ++group) {
    if (params.is_per_group) params.loss[group] = static_cast<float>(params.losses[group]);
    total += params.losses[group];
  }
  if (!params.is_per_group) params.loss[0] = static_cast<float>(total);
}

}  // namespace arloss::kernels

#endif

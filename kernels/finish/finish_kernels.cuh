#ifndef ARLOSS_KERNELS_FINISH_KERNELS_CUH
#define ARLOSS_KERNELS_FINISH_KERNELS_CUH

#include <cub/block/block_reduce.cuh>
#include <cub/warp/warp_reduce.cuh>

#include "kernels/finish/finish_params.h"
#include "kernels/tile/grid_join.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

/// 32 neighbouring values, the slots of each dealt to eight threads.
struct JoinTile {
  static constexpr int kValues = 32;
  static constexpr int kShares = 8;
  static constexpr int kThreads = kValues * kShares;
};

struct JoinSharedStorage {
  double shares[JoinTile::kShares][JoinTile::kValues];
};

using TermReduce = cub::BlockReduce<double, FinishTile::kThreads>;
using LossReduce = cub::WarpReduce<double>;

/// This thread's share of one value of a group: every eighth of its slots, in order.
template <class Number>
__device__ double join_share(const SumSlots<Number>& slots, std::int64_t group, std::int64_t images_per_group,
                             std::int64_t value) {
  const Number* const first = slots.slot(group * images_per_group, 0) + value;
  double sum = 0;
#pragma unroll 8  // loads in flight at once
  for (std::int64_t slot = threadIdx.x / JoinTile::kValues; slot < images_per_group * slots.splits;
       slot += JoinTile::kShares)
    sum += static_cast<double>(first[slot * slots.stride]);
  return sum;
}

/// Where a product of the head lies in its slots: a symmetric matrix has no elements below the diagonal there.
__device__ inline std::int64_t slot_of_product(const JoinParams& params, std::int64_t product) {
  const std::int64_t classes = params.symmetric_classes;
  if (product >= classes * classes) return product;
  const std::int64_t c = product / classes, d = product % classes;
  return c <= d ? product : d * classes + c;
}

__device__ inline double join_share(const JoinParams& params, std::int64_t group, std::int64_t value) {
  const std::int64_t product = value - params.first_product, num_products = params.products.stride;
  if (product >= 0 && product < num_products)
    return join_share(params.products, group, params.images_per_group, slot_of_product(params, product));
  return join_share(params.sums, group, params.images_per_group, product < 0 ? value : value - num_products);
}

/// join_kernel.  Computes: the head of every group.
/// Owns: 32 values.  Reads: those values of each slot, once.
/// Order: eight shares, slots in order in each, joined in order; float64.
/// Cost: 4 or 8 bytes and one addition per slot and value.
__global__ void __launch_bounds__(JoinTile::kThreads) join_kernel(const JoinParams params) {
  follow_earlier_kernels();
  __shared__ JoinSharedStorage storage;
  const unsigned lane = threadIdx.x % JoinTile::kValues;
  const std::int64_t index = std::int64_t{blockIdx.x} * JoinTile::kValues + lane;
  const std::int64_t group = index / params.head_count, value = index % params.head_count;
  if (group < params.groups) storage.shares[threadIdx.x / JoinTile::kValues][lane] = join_share(params, group, value);
  __syncthreads();  // shares before they are joined
  if (group >= params.groups || threadIdx.x >= JoinTile::kValues) return;
  double sum = storage.shares[0][lane];
  for (int share = 1; share < JoinTile::kShares; ++share) sum += storage.shares[share][lane];
  const bool is_bad = params.census->invalid != 0 || params.census->invalid_weights != 0;
  params.heads[index] = value == 0 && is_bad ? NAN : sum;
}

/// finish_kernel.  Computes: gradient matrices, and the loss in parts (math.md, eq. 9, 14 to 16, 21, 26). One thread
/// per term.
/// Owns: its terms of the group's coefficients, one part of its loss.  Reads: the group's head.
/// Order: the terms of a block by one fixed tree, float64.
/// Cost: C^2 terms a group.
__global__ void __launch_bounds__(FinishTile::kThreads) finish_kernel(const FinishParams params) {
  follow_earlier_kernels();
  __shared__ TermReduce::TempStorage storage;
  const std::int64_t group = blockIdx.x / params.parts, part = blockIdx.x % params.parts;
  const std::int64_t term = part * FinishTile::kThreads + threadIdx.x;
  const double* const head = params.heads + group * params.form.head_count;
  double loss = 0;
  if (term < params.form.num_terms()) {
    loss = params.form.loss_term(head, term);
    params.form.write_matrices(head, term, params.reduction.scale(head[0], head[1]),
                               params.coefficients + group * params.form.coefficient_count);
  }
  loss = TermReduce(storage).Reduce(loss, Sum{});
  if (threadIdx.x == 0) params.losses[blockIdx.x] = loss;
}

/// One warp: the parts of a group's loss, joined, into the first of them; and the group's flags.
__device__ inline void join_loss(const FinishParams& params, std::int64_t group, LossReduce::TempStorage& storage) {
  const double* const head = params.heads + group * params.form.head_count;
  double* const parts = params.losses + group * params.parts;
  double sum = 0;
  for (std::int64_t part = threadIdx.x % 32; part < params.parts; part += 32) sum += parts[part];
  sum = LossReduce(storage).Reduce(sum, Sum{});
  __syncwarp();  // the tree's memory is read before it serves again, and parts before one is overwritten
  if (threadIdx.x % 32 != 0) return;
  const bool is_bad_input = isnan(head[0]);
  parts[0] = is_bad_input ? NAN : params.reduction.loss(sum, head[0], head[1]);
  float* const flags = params.coefficients + group * params.form.coefficient_count;
  flags[0] = is_bad_input || isnan(sum) ? NAN : 1.0f;
  flags[1] = is_bad_input ? NAN : 0.0f;
}

/// loss_kernel.  Computes: what the caller asked for from the losses of the groups. One block.
/// Order: the parts of a group by lanes of a warp, then one fixed tree; the groups in order, by one thread. Float64.
__global__ void __launch_bounds__(FinishTile::kThreads) loss_kernel(const FinishParams params) {
  follow_earlier_kernels();
  constexpr int kWarps = FinishTile::kThreads / 32;
  __shared__ LossReduce::TempStorage storage[kWarps];
  for (std::int64_t group = threadIdx.x / 32; group < params.groups; group += kWarps)
    join_loss(params, group, storage[threadIdx.x / 32]);
  __syncthreads();  // the groups' losses before they are added up
  if (params.is_per_group)
    for (std::int64_t group = threadIdx.x; group < params.groups; group += FinishTile::kThreads)
      params.loss[group] = static_cast<float>(params.losses[group * params.parts]);
  if (params.is_per_group || threadIdx.x != 0) return;
  double total = 0;
  for (std::int64_t group = 0; group < params.groups; ++group) total += params.losses[group * params.parts];
  params.loss[0] = static_cast<float>(total);
}

}  // namespace arloss::kernels

#endif

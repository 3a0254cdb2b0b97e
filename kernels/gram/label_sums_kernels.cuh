#ifndef ARLOSS_KERNELS_LABEL_SUMS_KERNELS_CUH
#define ARLOSS_KERNELS_LABEL_SUMS_KERNELS_CUH

#include <cub/block/block_reduce.cuh>
#include <cub/warp/warp_reduce.cuh>

#include "kernels/gram/gram_params.h"
#include "kernels/gram/gram_tile.h"
#include "kernels/pool/label_rows.cuh"
#include "kernels/tile/grid_join.cuh"
#include "kernels/tile/kernel_order.cuh"
#include "math/residual_form.h"

namespace arloss::kernels {

using WeightReduce = cub::BlockReduce<double, LabelSumsTile::kThreads>;
using MassReduce = cub::WarpReduce<double>;

struct LabelSumsSharedStorage {
  union {
    WeightReduce::TempStorage weights;
    MassReduce::TempStorage mass[LabelSumsTile::kWarps];
  };
};

/// sum w and count(w > 0) of the split into the head of its slot.
__device__ inline void sum_weights(const LabelSumsParams& params, std::int64_t image, std::int64_t first,
                                   std::int64_t end, double* slot, LabelSumsSharedStorage& storage) {
  double sum = 0, count = 0;
  for (std::int64_t i = first + threadIdx.x; i < end; i += LabelSumsTile::kThreads) {
    const float weight = params.weights[image * params.rows + i];
    sum += static_cast<double>(weight);
    count += weight > 0 ? 1 : 0;
  }
  sum = WeightReduce(storage.weights).Reduce(sum, Sum{});
  __syncthreads();  // the tree's memory is read before it serves again
  count = WeightReduce(storage.weights).Reduce(count, Sum{});
  if (threadIdx.x == 0) {
    slot[0] = sum;
    slot[1] = count;
  }
  __syncthreads();  // as above, for whoever uses the union next
}

/// The class of a live cell that is of that one class at every scale, else kNoLabels.
__device__ inline std::int32_t class_at_every_scale(const LabelScales& labels, std::int64_t cell) {
  const std::int32_t code = labels.scales[0].codes[block_of_cell(labels.scales[0], cell)];
  for (int k = 1; k < labels.count; ++k)
    if (labels.scales[k].codes[block_of_cell(labels.scales[k], cell)] != code) return kNoLabels;
  return code >= 0 ? code : kNoLabels;
}

/// One warp's share of the sums: matrix rows of the classes that are its own, so that no two warps add to one element.
class LabelSumsWarp {
 public:
  __device__ LabelSumsWarp(const LabelSumsParams& params, double* sums, MassReduce::TempStorage& mass)
      : params_(params),
        sums_(sums),
        mass_(mass),
        warp_(static_cast<int>(threadIdx.x / 32)),
        lane_(static_cast<int>(threadIdx.x % 32)) {}

  /// 32 cells, one per lane.
  __device__ void add_cells(std::int64_t cell, double weight) {
    const std::int32_t label = weight == 0 ? kNoLabels : class_at_every_scale(params_.labels, cell);
    add_pure_cells(label, weight);
    unsigned mixed = __ballot_sync(~0u, weight != 0 && label == kNoLabels);
    for (; mixed != 0; mixed &= mixed - 1) {
      const int lane = __ffs(static_cast<int>(mixed)) - 1;
      add_mixed_cell(__shfl_sync(~0u, cell, lane), __shfl_sync(~0u, weight, lane));
      __syncwarp();  // sums of this cell before those of the next read them
    }
  }

 private:
  __device__ bool is_mine(std::int32_t label) const { return label % LabelSumsTile::kWarps == warp_; }

  /// Such a cell adds its weight to one diagonal element of every R_kl.
  __device__ void add_pure_cells(std::int32_t label, double weight) {
    unsigned waiting = __ballot_sync(~0u, label != kNoLabels && is_mine(label));
    while (waiting != 0) {
      const std::int32_t next = __shfl_sync(~0u, label, __ffs(static_cast<int>(waiting)) - 1);
      const double mass = MassReduce(mass_).Reduce(label == next ? weight : 0, Sum{});
      __syncwarp();  // the tree's memory is read before it serves again
      if (lane_ == 0) add_mass(next, mass);
      __syncwarp();  // before another lane adds to the same element
      waiting &= ~__ballot_sync(~0u, label == next);
    }
  }

  __device__ void add_mass(std::int32_t label, double mass) {
    if (params_.sums == LabelSumsParams::Sums::kClassWeights) {
      sums_[label] += mass;
      return;
    }
    const math::ResidualSums sums(sums_, params_.classes, params_.labels.count);
    for (int k = 0; k < params_.labels.count; ++k)
      for (int l = k; l < params_.labels.count; ++l) sums.r(k, l)[label * params_.classes + label] += mass;
  }

  __device__ void add_mixed_cell(std::int64_t cell, double weight) {
    const math::ResidualSums sums(sums_, params_.classes, params_.labels.count);
    const LabelRow finest = label_row_of_cell(params_.labels.scales[0], cell);
    for (int k = 0; k < params_.labels.count; ++k) {
      const LabelRow row = label_row_of_cell(params_.labels.scales[k], cell);
      for (int l = k; l < params_.labels.count; ++l) {
        const LabelRow other = label_row_of_cell(params_.labels.scales[l], cell);
#pragma unroll 1
        for (int index = 0; index < row.size(); ++index)
          add_to_row(sums.r(k, l), row.label(index), weight * row.u(index), other);
      }
      if (k > 0)
        for_each_difference(row, finest, [&](std::int32_t label, double difference) {
          add_to_row(sums.dr(k), label, weight * difference, finest);
        });
    }
  }

  /// matrix[label] += factor * row, the entries dealt to the lanes.
  __device__ void add_to_row(double* matrix, std::int32_t label, double factor, const LabelRow& row) {
    if (!is_mine(label)) return;
    for (int index = lane_; index < row.size(); index += 32)
      matrix[label * params_.classes + row.label(index)] += factor * row.u(index);
    __syncwarp();  // before another lane adds to the same element
  }

  const LabelSumsParams& params_;
  double* sums_;
  MassReduce::TempStorage& mass_;
  int warp_, lane_;
};

/// label_sums_kernel.  Computes: sum w, count(w > 0), R_kl and DR_k, or n_c, of one split's cells (math.md, eq. 13,
/// 21). Owns: one slot's head and label sums.  Reads: codes and weights once per warp, from L1 but the first time.
/// Order: cells 32 at a time in order, float64.
/// Cost: 8 bytes a cell; work by the label entries of cells that are mixed at some scale.
__global__ void __launch_bounds__(LabelSumsTile::kThreads, LabelSumsTile::kResidentBlocks)
    label_sums_kernel(const LabelSumsParams params) {
  follow_earlier_kernels();
  __shared__ LabelSumsSharedStorage storage;
  const auto num_splits = static_cast<std::uint32_t>(params.slots.splits);
  const std::int64_t image = blockIdx.x / num_splits, split = blockIdx.x % num_splits;
  const RowSplits splits{params.rows, params.slots.splits};
  const std::int64_t first = splits.first(split), end = splits.first(split + 1);
  double* const slot = params.slots.slot(image, split);
  sum_weights(params, image, first, end, slot, storage);
  if (params.sums == LabelSumsParams::Sums::kWeightsOnly) return;
  LabelSumsWarp warp(params, slot + params.offset, storage.mass[threadIdx.x / 32]);
  for (std::int64_t i = first; i < end; i += 32) {
    const std::int64_t row = i + threadIdx.x % 32, cell = image * params.rows + (row < end ? row : i);
    warp.add_cells(cell, row < end ? static_cast<double>(params.weights[cell]) : 0);
  }
}

}  // namespace arloss::kernels

#endif

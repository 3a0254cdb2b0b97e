#ifndef ARLOSS_KERNELS_LABEL_SUMS_KERNELS_CUH
#define ARLOSS_KERNELS_LABEL_SUMS_KERNELS_CUH

#include <cub/block/block_reduce.cuh>

#include "kernels/gram/mixed_cells.cuh"
#include "kernels/gram/pure_cells.cuh"
#include "kernels/tile/grid_join.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

using WeightReduce = cub::BlockReduce<double, LabelSumsTile::kThreads>;

struct LabelSumsSharedStorage {
  MixedCellsStorage mixed;
  /// Cells to queue of each row of a chunk, the rows in order; chunks take the two in turn.
  int counts[2][LabelSumsTile::kRowsOfChunk];
  WeightReduce::TempStorage sum, count;
};
static_assert(sizeof(LabelSumsSharedStorage) <= 46 * 1024,
              "two blocks share 100 KiB with the weights of 48 classes, 142 KiB with those of 384");
static_assert(LabelSumsTile::kRowsOfChunk == 32, "one row per lane");

/// A part of the matrix rows of one slot, and the cells of that slot.
struct LabelSumsTask {
  std::int64_t first, end;
  std::uint32_t image, part;
  double* slot;
};
__device__ inline LabelSumsTask label_sums_task(const LabelSumsParams& params) {
  const auto num_splits = static_cast<std::uint32_t>(params.slots.splits);
  const std::uint32_t slot = blockIdx.x / params.parts, split = slot % num_splits;
  const RowSplits splits{params.rows, params.slots.splits};
  return {splits.first(split), splits.first(split + 1), slot / num_splits, blockIdx.x % params.parts,
          params.slots.slot(slot / num_splits, split)};
}

/// A thread's cells of a chunk, kThreads apart.
struct LabelSumsCells {
  static constexpr int kCount = LabelSumsTile::kCellsOfThread;
  std::uint32_t cells[kCount];
  float weights[kCount];        // 0 past the end
  std::int32_t labels[kCount];  // negative: not of one class

  __device__ bool is_mixed(int index) const { return weights[index] != 0 && labels[index] < 0; }
};

/// Where classes are too many to have their weights summed in shared memory every cell counts as mixed; where weights
/// alone are asked for, as of one class.
__device__ inline LabelSumsCells load_cells(const LabelSumsParams& params, const LabelSumsTask& task,
                                            std::int64_t first) {
  LabelSumsCells loaded;
#pragma unroll
  for (int j = 0; j < LabelSumsCells::kCount; ++j) {
    const std::int64_t row = first + j * LabelSumsTile::kThreads + threadIdx.x;
    const bool is_cell = row < task.end;
    loaded.cells[j] = static_cast<std::uint32_t>(is_cell ? row : first);
    loaded.weights[j] = is_cell ? params.weights[task.image * params.rows + row] : 0;
    loaded.labels[j] = params.sums == LabelSumsParams::Sums::kWeightsOnly ? 0 : kSeveralClasses;
  }
  if (params.pure_classes() < params.classes) return loaded;
#pragma unroll 1
  for (int k = params.labels.count - 1; k >= 0; --k) {
    if (!params.decides(k)) continue;
    const LabelScale& scale = params.labels.scales[k];
    const bool is_coarsest = k == params.labels.count - 1;
    std::int32_t codes[LabelSumsCells::kCount];
#pragma unroll
    for (int j = 0; j < LabelSumsCells::kCount; ++j)
      codes[j] = scale.codes[block_of_cell(scale, task.image, loaded.cells[j])];
#pragma unroll
    for (int j = 0; j < LabelSumsCells::kCount; ++j)
      loaded.labels[j] = is_coarsest || codes[j] == loaded.labels[j] ? codes[j] : kSeveralClasses;
  }
  return loaded;
}

/// Appends the mixed cells of a chunk to the queue, in order; returns its new length. Has a barrier.
__device__ inline int queue_cells(const LabelSumsCells& loaded, int queued, int (&counts)[LabelSumsTile::kRowsOfChunk],
                                  std::uint32_t* queue) {
  const int warp = static_cast<int>(threadIdx.x / 32), lane = static_cast<int>(threadIdx.x % 32);
  unsigned mixed[LabelSumsCells::kCount];
#pragma unroll
  for (int j = 0; j < LabelSumsCells::kCount; ++j) {
    mixed[j] = __ballot_sync(~0u, loaded.is_mixed(j));
    if (lane == 0) counts[j * LabelSumsTile::kWarps + warp] = __popc(mixed[j]);
  }
  __syncthreads();  // the counts of all warps, and what was done with the queue before it is added to
  const int count = counts[lane];
  if (__all_sync(~0u, count == 0)) return queued;
  int end = queued + count;
#pragma unroll
  for (int step = 1; step < 32; step *= 2) {
    const int before = __shfl_up_sync(~0u, end, step);
    end += lane >= step ? before - queued : 0;
  }
#pragma unroll
  for (int j = 0; j < LabelSumsCells::kCount; ++j) {
    const int first = __shfl_sync(~0u, end - count, j * LabelSumsTile::kWarps + warp);
    if (loaded.is_mixed(j)) queue[first + __popc(mixed[j] & ((1u << lane) - 1))] = loaded.cells[j];
  }
  return __shfl_sync(~0u, end, 31);
}

/// Zeroes the matrix rows that are this block's, a warp each.
__device__ inline void clear_rows(const LabelMatrices& matrices, std::uint32_t parts, std::uint32_t part) {
  for (std::uint32_t c = part + parts * (threadIdx.x / 32); c < matrices.classes; c += parts * LabelSumsTile::kWarps)
    for (int matrix = 0; matrix < matrices.count; ++matrix)
      for (std::int64_t d = threadIdx.x % 32; d < matrices.columns; d += 32) matrices.row(matrix, c)[d] = 0;
}

/// Cells of one class at every scale add their weight to one diagonal element of every R_kl.
__device__ inline void add_class_weights(const LabelSumsParams& params, const LabelMatrices& matrices,
                                         std::uint32_t part, const double* class_weights) {
  const auto classes = static_cast<std::uint32_t>(params.pure_classes());
  for (std::uint32_t c = part + params.parts * threadIdx.x; c < classes; c += params.parts * LabelSumsTile::kThreads) {
    double weight = 0;
    for (int warp = 0; warp < LabelSumsTile::kWarps; ++warp) weight += class_weights[warp * classes + c];
    for (int matrix = matrices.first_r(); matrix < matrices.count; ++matrix) matrices.diagonal(matrix, c) += weight;
  }
}

/// label_sums_kernel.  Computes: sum w, count(w > 0), R_kl and DR_k, or n_c, of one split's cells (math.md, eq. 13,
/// 21).
/// Owns: one slot's head and label sums, or every parts-th matrix row of them.  Reads: codes and weights once per
/// part.
/// Order: float64. Cells of one class by warp, rows of 32 in order, the warps in order; the others in order, by
/// batches, then the batches in order.
/// Cost: 8 bytes a cell; one multiply-add per mixed cell and pair of classes of its batch, and matrix.
__global__ void __launch_bounds__(LabelSumsTile::kThreads, LabelSumsTile::kResidentBlocks)
    label_sums_kernel(const LabelSumsParams params) {
  follow_earlier_kernels();
  __shared__ LabelSumsSharedStorage storage;
  extern __shared__ double class_weights[];  // [warps][pure_classes()]
  const LabelSumsTask task = label_sums_task(params);
  const LabelMatrices matrices(params, task.slot + params.offset);
  const bool has_labels = params.sums != LabelSumsParams::Sums::kWeightsOnly;
  for (unsigned i = threadIdx.x; i < LabelSumsTile::kWarps * params.pure_classes(); i += LabelSumsTile::kThreads)
    class_weights[i] = 0;
  if (has_labels) clear_rows(matrices, params.parts, task.part);
  __syncthreads();  // zeros before anything is added

  PureCells pure(class_weights + threadIdx.x / 32 * params.pure_classes());
  MixedCells mixed(params, task.image, task.part, matrices, storage.mixed);
  int queued = 0, turn = 0;
  for (std::int64_t row = task.first; row < task.end; row += LabelSumsTile::kChunk) {
    const LabelSumsCells loaded = load_cells(params, task, row);
#pragma unroll
    for (int j = 0; j < LabelSumsCells::kCount; ++j) pure.add(loaded.weights[j], loaded.labels[j]);
    queued = queue_cells(loaded, queued, storage.counts[turn], storage.mixed.queue);
    turn ^= 1;
    const bool is_last = row + LabelSumsTile::kChunk >= task.end;
    if (!is_last && queued <= LabelSumsTile::kQueue - LabelSumsTile::kChunk) continue;
    mixed.add_queue(queued);
    queued = 0;
  }
  pure.finish();
  const double sum = WeightReduce(storage.sum).Reduce(pure.sum(), Sum{});
  const double count = WeightReduce(storage.count).Reduce(threadIdx.x % 32 == 0 ? pure.count() : 0, Sum{});
  if (threadIdx.x == 0 && task.part == 0) {
    task.slot[0] = sum;
    task.slot[1] = count;
  }
  __syncthreads();  // the weights of every warp, and what mixed cells added, before they are joined
  if (has_labels) add_class_weights(params, matrices, task.part, class_weights);
}

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_MULTIPLY_KERNELS_CUH
#define ARLOSS_KERNELS_MULTIPLY_KERNELS_CUH

#include "kernels/gradient/gradient_params.h"
#include "kernels/gradient/slope_quotient.cuh"
#include "kernels/pool/label_rows.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

/// A tile of the product: 32 rows, one per lane, by 64 classes.
struct MultiplyTile {
  static constexpr int kRows = 32;
  static constexpr int kWarps = 8;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kResidentBlocks = 2;  // at least: ptxas, left to itself, aims at more and spills
  static constexpr int kPerThread = 8;       // classes of one thread
  static constexpr int kClasses = kWarps * kPerThread;
  static constexpr int kDepth = 32;  // classes of one step
  ARLOSS_HOST_DEVICE static constexpr std::int64_t tiles(std::int64_t classes) { return (classes - 1) / kClasses + 1; }
  ARLOSS_HOST_DEVICE static constexpr std::int64_t panels(std::int64_t rows) { return (rows - 1) / kRows + 1; }
};

struct MultiplySharedStorage {
  float rows[MultiplyTile::kDepth][MultiplyTile::kRows];
  float matrix[MultiplyTile::kDepth][MultiplyTile::kClasses];
};

/// One thread's row and its classes of a tile.
struct MultiplyTask {
  std::int64_t image, row, first_d;
  bool is_present;
};
__device__ inline MultiplyTask multiply_task(const MultiplyParams& params) {
  const auto tiles = static_cast<std::uint32_t>(MultiplyTile::tiles(params.classes));
  const auto panels = static_cast<std::uint32_t>(MultiplyTile::panels(params.rows));
  MultiplyTask task;
  task.image = blockIdx.x / tiles / panels;
  task.row = std::int64_t{blockIdx.x / tiles % panels} * MultiplyTile::kRows + threadIdx.x % 32;
  task.first_d = std::int64_t{blockIdx.x % tiles} * MultiplyTile::kClasses;
  task.is_present = task.row < params.rows;
  return task;
}

/// The class of a thread's output j: one warp takes neighbouring classes.
__device__ inline int output_class(int j) { return static_cast<int>(threadIdx.x / 32) * MultiplyTile::kPerThread + j; }

/// kDepth classes from `first_c` of the rows, and of the matrix's columns; zero past the last class or row.
__device__ inline void load_step(const MultiplyParams& params, const MultiplyTask& task, const float* planes,
                                 const float* matrix, std::int64_t first_c, MultiplySharedStorage& storage) {
  for (unsigned c = threadIdx.x / 32; c < MultiplyTile::kDepth; c += MultiplyTile::kWarps) {
    const bool is_class = first_c + c < params.classes;
    storage.rows[c][threadIdx.x % 32] =
        is_class && task.is_present ? planes[(task.image * params.classes + first_c + c) * params.rows + task.row]
                                    : 0.0f;
  }
  for (unsigned index = threadIdx.x; index < MultiplyTile::kDepth * MultiplyTile::kClasses;
       index += MultiplyTile::kThreads) {
    const std::int64_t c = first_c + index / MultiplyTile::kClasses, d = task.first_d + index % MultiplyTile::kClasses;
    storage.matrix[index / MultiplyTile::kClasses][index % MultiplyTile::kClasses] =
        c < params.classes && d < params.classes ? matrix[c * params.classes + d] : 0.0f;
  }
}

__device__ inline void multiply_term(const MultiplyParams& params, const MultiplyTask& task, const float* planes,
                                     const float* matrix, MultiplySharedStorage& storage,
                                     float (&out)[MultiplyTile::kPerThread]) {
  for (std::int64_t first_c = 0; first_c < params.classes; first_c += MultiplyTile::kDepth) {
    __syncthreads();  // the step before is read before this one overwrites it
    load_step(params, task, planes, matrix, first_c, storage);
    __syncthreads();                            // rows and columns before they are multiplied
    float step[MultiplyTile::kPerThread] = {};  // sums of one step join the others: no chain longer than C / 32
#pragma unroll 8
    for (int c = 0; c < MultiplyTile::kDepth; ++c) {
      const float row = storage.rows[c][threadIdx.x % 32];
#pragma unroll
      for (int j = 0; j < MultiplyTile::kPerThread; ++j)
        step[j] = fmaf(row, storage.matrix[c][output_class(j)], step[j]);
    }
#pragma unroll
    for (int j = 0; j < MultiplyTile::kPerThread; ++j) out[j] += step[j];
  }
}

/// out += factor * matrix[label], this thread's classes.
__device__ inline void add_matrix_row(const MultiplyParams& params, const MultiplyTask& task, const float* matrix,
                                      std::int32_t label, double factor, float (&out)[MultiplyTile::kPerThread]) {
#pragma unroll
  for (int j = 0; j < MultiplyTile::kPerThread; ++j) {
    const std::int64_t d = task.first_d + output_class(j);
    if (d < params.classes) out[j] = fmaf(static_cast<float>(factor), matrix[label * params.classes + d], out[j]);
  }
}

__device__ inline void add_labels(const MultiplyParams& params, const MultiplyTask& task,
                                  float (&out)[MultiplyTile::kPerThread]) {
  if (!task.is_present) return;
  const std::int64_t cell = task.image * params.rows + task.row;
  const LabelRow finest = label_row_of_cell(params.labels.scales[0], cell);
#pragma unroll 1
  for (int index = 0; index < finest.size(); ++index)
    add_matrix_row(params, task, params.label_matrix.of_image(task.image), finest.label(index), finest.u(index), out);
  const std::int64_t size = params.classes * params.classes;
  for (int k = 1; k < params.labels.count; ++k) {
    const float* const matrix = params.difference_matrices.of_image(task.image) + (k - 1) * size;
    for_each_difference(
        label_row_of_cell(params.labels.scales[k], cell), finest,
        [&](std::int32_t label, double difference) { add_matrix_row(params, task, matrix, label, -difference, out); });
  }
}

/// multiply_kernel.  Computes: h / w of 32 rows, 64 classes (math.md, eq. 16, 21), or h / (W s) of pooled rows (eq.
/// 12). Owns: its tile of the planes.  Reads: the rows once per 64 classes, the matrices once per 32 rows. Order:
/// classes in order, 32 to a partial sum. Cost: C^2 multiply-adds a row.
__global__ void __launch_bounds__(MultiplyTile::kThreads, MultiplyTile::kResidentBlocks)
    multiply_kernel(const MultiplyParams params) {
  follow_earlier_kernels();
  __shared__ MultiplySharedStorage storage;
  const MultiplyTask task = multiply_task(params);
  float out[MultiplyTile::kPerThread] = {};
  for (int term = 0; term < params.num_terms; ++term)
    multiply_term(params, task, params.planes[term], params.matrices[term].of_image(task.image), storage, out);
  if (params.labels.count > 0) add_labels(params, task, out);
  if (!task.is_present) return;
#pragma unroll
  for (int j = 0; j < MultiplyTile::kPerThread; ++j) {
    const std::int64_t d = task.first_d + output_class(j);
    const std::int64_t index = (task.image * params.classes + d) * params.rows + task.row;
    if (d < params.classes) params.out[index] = params.s == nullptr ? out[j] : slope_over_s(out[j], params.s[index]);
  }
}

}  // namespace arloss::kernels

#endif

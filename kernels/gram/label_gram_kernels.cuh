#ifndef ARLOSS_KERNELS_LABEL_GRAM_KERNELS_CUH
#define ARLOSS_KERNELS_LABEL_GRAM_KERNELS_CUH

#include "kernels/gram/gram_params.h"
#include "kernels/gram/gram_tile.h"
#include "kernels/pool/label_rows.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

/// One thread's column of a C x C sum that only it adds to. Neighbouring cells mostly share their class: its sum is
/// kept back until the class changes.
class LabelColumn {
 public:
  __device__ LabelColumn(double* column, std::int64_t stride) : column_(column), stride_(stride) {}

  __device__ void add(std::int32_t label, double value) {
    if (label != label_) flush();
    label_ = label;
    sum_ += value;
  }
  __device__ void flush() {
    if (label_ >= 0) column_[label_ * stride_] += sum_;
    sum_ = 0;
  }

 private:
  double* column_;
  std::int64_t stride_;
  std::int32_t label_ = -1;
  double sum_ = 0;
};

/// label_gram_kernel.  Computes: Q_1 = U_1'WE, or D_k = (U_k - U_1)'WE, of one split's cells (math.md, eq. 13).
/// One thread per class column; all of a block walk the same cells, so that branches on labels are uniform.
/// Owns: 128 columns of one slot's matrix.  Reads: each plane of E once, each label row once per 128 classes.
/// Order: cells in order, float64.
/// Cost: one multiply-add per cell, class and label entry.
__global__ void __launch_bounds__(LabelGramTile::kThreads) label_gram_kernel(const LabelGramParams params) {
  follow_earlier_kernels();
  const auto panels = static_cast<std::uint32_t>(LabelGramTile::panels(params.classes));
  const auto num_splits = static_cast<std::uint32_t>(params.slots.splits);
  const std::int64_t d = std::int64_t{blockIdx.x % panels} * LabelGramTile::kThreads + threadIdx.x;
  const std::int64_t image = blockIdx.x / panels / num_splits, split = blockIdx.x / panels % num_splits;
  if (d >= params.classes) return;
  const RowSplits splits{params.rows, params.slots.splits};
  const float* const plane = params.residual + (image * params.classes + d) * params.rows;
  LabelColumn column(params.slots.slot(image, split) + params.offset + d, params.classes);
  for (std::int64_t i = splits.first(split); i < splits.first(split + 1); ++i) {
    const std::int64_t cell = image * params.rows + i;
    const float weight = params.weights[cell];
    if (weight == 0) continue;
    const double value = static_cast<double>(weight) * static_cast<double>(plane[i]);
    const LabelRow finest = label_row_of_cell(params.finest, cell);
    const auto add = [&](std::int32_t label, double u) { column.add(label, u * value); };
    if (params.coarser.codes != nullptr) {
      for_each_difference(label_row_of_cell(params.coarser, cell), finest, add);
    } else {
#pragma unroll 1
      for (int index = 0; index < finest.size(); ++index) add(finest.label(index), finest.u(index));
    }
  }
  column.flush();
}

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_EMBED_KERNELS_CUH
#define ARLOSS_KERNELS_EMBED_KERNELS_CUH

#include "kernels/embed/embed_params.h"
#include "kernels/embed/mixed_residuals.cuh"
#include "kernels/pool/label_rows.cuh"
#include "kernels/tile/cell_columns.cuh"
#include "kernels/tile/kernel_order.cuh"
#include "kernels/tile/softmax.cuh"

namespace arloss::kernels {

struct EmbedSharedStorage {
  ColumnExchange exchange;
};
static_assert(sizeof(EmbedSharedStorage) <= 2048, "eight blocks of 256 threads fit every device's shared memory");

/// Largest logit of the cell. A NaN need not show here: it turns the sum of exponentials NaN.
template <class Logit>
__device__ float max_logit(const EmbedParams& params, const CellColumn& column, const CellLogits<Logit>& logits,
                           ColumnExchange& exchange) {
  float largest = -INFINITY;
  for (std::int64_t c = column.first_class; c < params.softmax.layout.classes; c += CellTile::kWarps)
    largest = fmaxf(largest, logits[c]);
  return join_column(column, largest, exchange, [](float a, float b) { return fmaxf(a, b); });
}

/// Sum of exp(z - max) over the classes that the cell's labels do not have: the digits of delta near the optimum
/// (math.md, eq. 17).
template <class Logit>
__device__ float sum_unlabelled(const EmbedParams& params, const CellColumn& column, const CellLogits<Logit>& logits,
                                const LabelRow& row, float largest, ColumnExchange& exchange) {
  LabelCursor cursor(row);
  float sum = 0;
  for (std::int64_t c = column.first_class; c < params.softmax.layout.classes; c += CellTile::kWarps) {
    if (cursor.has(static_cast<std::int32_t>(c))) continue;
    const float e = half_exponential(logits[c], largest);
    sum += e * e;
  }
  return sum_column(column, sum, exchange);
}

/// Sum of exp(z - max) over all classes.
template <class Logit>
__device__ float sum_all(const CellLogits<Logit>& logits, const LabelRow& row, float largest, float unlabelled) {
  float sum = unlabelled;
#pragma unroll 1
  for (int index = 0; index < row.size(); ++index) {
    const float e = half_exponential(logits[row.label(index)], largest);
    sum += e * e;
  }
  return sum;
}

/// Writes E of the labelled classes.
template <class Logit>
__device__ void write_labelled(const CellLogits<Logit>& logits, const LabelRow& row, float largest, float unlabelled,
                               float sum, std::int64_t cells, float* residual) {
  if (row.is_pure()) {
    residual[row.code() * cells] =
        pure_residual(unlabelled / sum, half_exponential(logits[row.code()], largest) / sqrtf(sum));
    return;
  }
  MixedResiduals mixed;
  mixed.normalise(row, logits, unlabelled, largest);
  mixed.for_each_residual(row, logits, [&](std::int32_t label, float value) { residual[label * cells] = value; });
}

/// At least: ptxas, left to itself, aims at six and spills on sm_80 and sm_90.
constexpr int kEmbedResidentBlocks = 4;

/// embed_kernel.  Computes: E of every cell (math.md, eq. 17 and 18), any number of classes.
/// Owns: the rows of 32 cells.  Reads: the logits three times, from L2 but the first.
/// Order: eight partial sums a cell, joined in order.
/// Cost: 4 bytes out per logit, two exponentials per logit.
template <class Logit>
__global__ void __launch_bounds__(CellTile::kThreads, kEmbedResidentBlocks) embed_kernel(const EmbedParams params) {
  follow_earlier_kernels();
  __shared__ EmbedSharedStorage storage;
  const CellColumn column = cell_column(params.softmax.layout.cells);
  const std::int64_t row_index = column.is_present ? column.row : column.image * params.softmax.layout.cells;
  const CellLogits<Logit> logits(params.softmax.logits, params.softmax.layout, column.image,
                                 column.is_present ? column.cell : 0);
  const LabelRow row(params.labels, block_of_cell(params.labels, row_index));
  const float largest = max_logit(params, column, logits, storage.exchange);
  const float unlabelled = sum_unlabelled(params, column, logits, row, largest, storage.exchange);
  if (!column.is_present) return;
  const std::int64_t cells = params.softmax.layout.cells;
  float* const residual = params.residual + column.image * params.softmax.layout.classes * cells + column.cell;
  const bool is_live = params.weights[row_index] != 0;
  const float sum = sum_all(logits, row, largest, unlabelled), inverse = 1 / sqrtf(sum);
  if (column.first_class == 0) params.softmax.norms[row_index] = {largest, inverse};
  LabelCursor cursor(row);
  for (std::int64_t c = column.first_class; c < params.softmax.layout.classes; c += CellTile::kWarps)
    if (!is_live || !cursor.has(static_cast<std::int32_t>(c)))
      residual[c * cells] = is_live ? half_exponential(logits[c], largest) * inverse : 0;
  if (is_live && column.first_class == 0) write_labelled(logits, row, largest, unlabelled, sum, cells, residual);
}

}  // namespace arloss::kernels

#endif

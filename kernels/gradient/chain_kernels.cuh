#ifndef ARLOSS_KERNELS_CHAIN_KERNELS_CUH
#define ARLOSS_KERNELS_CHAIN_KERNELS_CUH

#include "kernels/gradient/gradient_params.h"
#include "kernels/pool/label_rows.cuh"
#include "kernels/tile/cell_columns.cuh"
#include "kernels/tile/softmax.cuh"

namespace arloss::kernels {

struct ChainSharedStorage {
  ColumnExchange exchange;
};

/// One cell's s and v = s h, class by ascending class.
class ChainColumn {
 public:
  __device__ ChainColumn(const ChainParams& params, const CellColumn& column, const LabelRow& row)
      : params_(params), cursor_(row), image_(column.image), cell_(column.cell) {
    plane_ = column.image * params.softmax.layout.classes * params.softmax.layout.cells + column.cell;
    for (int t = 0; t < params.num_tables; ++t) {
      const LabelScale& blocks = params.tables[t].blocks;
      const std::int64_t per_image = math::num_blocks(blocks.grid.depth, blocks.edge) *
                                     math::num_blocks(blocks.grid.height, blocks.edge) *
                                     math::num_blocks(blocks.grid.width, blocks.edge);
      const std::int64_t block = block_of_cell(blocks, column.row);
      slopes_[t] = params.tables[t].planes + image_ * params.softmax.layout.classes * per_image + block % per_image;
      strides_[t] = per_image;
    }
  }

  struct Value {
    float s, v;
  };
  /// c never falls from one call to the next.
  __device__ Value at(std::int64_t c) {
    const std::int64_t index = plane_ + c * params_.softmax.layout.cells;
    const auto u = static_cast<float>(cursor_.at(static_cast<std::int32_t>(c)));
    const float s = root_of(params_.softmax, image_, c, cell_, params_.residual[index], u);
    float v = params_.h == nullptr ? 0 : s * params_.h[index];
    for (int t = 0; t < params_.num_tables; ++t) v += s * s * slopes_[t][c * strides_[t]];
    return {s, v};
  }

 private:
  const ChainParams& params_;
  LabelCursor cursor_;
  std::int64_t image_, cell_, plane_;
  const float* slopes_[ChainParams::kMaxTables];
  std::int64_t strides_[ChainParams::kMaxTables];
};

/// Calls body(c, s, v) for this thread's classes of the cell.
template <class Body>
__device__ void for_each_class(const ChainParams& params, const CellColumn& column, const LabelRow& row,
                               const Body& body) {
  ChainColumn values(params, column, row);
  for (std::int64_t c = column.first_class; c < params.softmax.layout.classes; c += CellTile::kWarps) {
    const ChainColumn::Value value = values.at(c);
    body(c, value.s, value.v);
  }
}

/// The class that holds more than half, if any: its dz is minus the sum of the others (math.md, eq. 20).
__device__ inline bool is_largest(float s) { return s * s > 0.5f; }

/// Writes, or adds, one cell's gradient; cells of weight 0 get the dead value, or keep what they hold.
template <class Logit>
__device__ void store_element(const ChainParams& params, Logit* to, float value, bool is_live) {
  if (params.adds && !is_live && !isnan(value)) return;
  *to = from_float<Logit>(params.adds ? to_float(*to) + value : value);
}

/// chain_kernel.  Computes: the gradient of the logits from h (math.md, eq. 11, 12, 20), any number of classes.
/// Owns: the gradient of 32 cells.  Reads: E and h three times, from L2 but the first.
/// Order: eight partial sums a cell, joined in order.
/// Cost: 8 bytes in and a logit out per logit.
template <class Logit>
__global__ void __launch_bounds__(CellTile::kThreads) chain_kernel(const ChainParams params) {
  __shared__ ChainSharedStorage storage;
  CellColumn column = cell_column(params.softmax.layout.cells);
  if (!column.is_present) column.row = column.image * params.softmax.layout.cells + (column.cell = 0);
  const LabelRow row(params.labels, block_of_cell(params.labels, column.row));
  float dot = 0;
  for_each_class(params, column, row, [&](std::int64_t, float, float v) { dot += v; });
  dot = sum_column(column, dot, storage.exchange);
  float others = 0;
  for_each_class(params, column, row,
                 [&](std::int64_t, float s, float v) { others += is_largest(s) ? 0 : v - s * s * dot; });
  others = sum_column(column, others, storage.exchange);
  if (!column.is_present) return;
  const float* const flags = params.flags.of_image(column.image);
  const float upstream =
      params.grad_loss == nullptr ? 1.0f : params.grad_loss[params.is_grad_per_image ? column.image : 0];
  const float weight = params.weights[column.row], factor = weight * (flags[0] * upstream);
  const bool is_live = weight != 0 && !isnan(flags[1]);
  auto* const gradient = static_cast<Logit*>(params.gradient);
  for_each_class(params, column, row, [&](std::int64_t c, float s, float v) {
    const float dz = is_largest(s) ? -others : v - s * s * dot;
    store_element(params, gradient + params.softmax.layout.index(column.image, c, column.cell),
                  is_live ? dz * factor : flags[1], is_live);
  });
}

}  // namespace arloss::kernels

#endif

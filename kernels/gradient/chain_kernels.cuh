#ifndef ARLOSS_KERNELS_CHAIN_KERNELS_CUH
#define ARLOSS_KERNELS_CHAIN_KERNELS_CUH

#include "kernels/gradient/cell_gradient.cuh"
#include "kernels/pool/label_rows.cuh"
#include "kernels/tile/cell_columns.cuh"
#include "kernels/tile/kernel_order.cuh"
#include "kernels/tile/softmax.cuh"

namespace arloss::kernels {

/// Where the pooled scales have a cell's slopes: those of the first class, and how far on those of the next are.
struct ChainSlopes {
  const float* first[ChainParams::kMaxTables][CellTile::kCells];
  std::int64_t stride[ChainParams::kMaxTables];
};

struct ChainSharedStorage {
  ColumnExchange exchange;
  ChainSlopes slopes;  // by thread they would be arrays in local memory
};

/// One warp per scale, one lane per cell.
__device__ inline void find_slopes(const ChainParams& params, const CellColumn& column, ChainSlopes& slopes) {
  for (int t = column.first_class; t < params.num_tables; t += CellTile::kWarps) {
    const BlockGrid& grid = params.tables[t].grid;
    const std::uint32_t block = grid.block_of(static_cast<std::uint32_t>(column.cell));
    slopes.first[t][column.lane] =
        params.tables[t].planes + column.image * params.out.layout.classes * grid.blocks + block;
    if (column.lane == 0) slopes.stride[t] = grid.blocks;
  }
  __syncthreads();  // the slopes' places before the threads of other warps read them
}

/// One cell's s and v = s h, class by ascending class.
class ChainColumn {
 public:
  __device__ ChainColumn(const ChainParams& params, const CellColumn& column, const LabelRow& row,
                         const ChainSlopes& slopes)
      : params_(params), slopes_(slopes), cursor_(row), lane_(column.lane), image_(column.image), cell_(column.cell) {
    plane_ = column.image * params.out.layout.classes * params.out.layout.cells + column.cell;
  }

  struct Value {
    float s, v;
  };
  /// c never falls from one call to the next.
  __device__ Value at(std::int64_t c) {
    const std::int64_t index = plane_ + c * params_.out.layout.cells;
    const auto u = static_cast<float>(cursor_.at(static_cast<std::int32_t>(c)));
    const float s = root_of(params_.softmax, image_, c, cell_, params_.residual[index], u);
    float v = params_.h == nullptr ? 0 : s * params_.h[index];
    for (int t = 0; t < params_.num_tables; ++t) v += s * s * slopes_.first[t][lane_][c * slopes_.stride[t]];
    return {s, v};
  }

 private:
  const ChainParams& params_;
  const ChainSlopes& slopes_;
  LabelCursor cursor_;
  int lane_;
  std::int64_t image_, cell_, plane_;
};

/// Calls body(c, s, v) for this thread's classes of the cell.
template <class Body>
__device__ void for_each_class(const ChainParams& params, const CellColumn& column, const LabelRow& row,
                               const ChainSlopes& slopes, const Body& body) {
  ChainColumn values(params, column, row, slopes);
  for (std::int64_t c = column.first_class; c < params.out.layout.classes; c += CellTile::kWarps) {
    const ChainColumn::Value value = values.at(c);
    body(c, value.s, value.v);
  }
}

/// chain_kernel.  Computes: the gradient of the logits from h (math.md, eq. 11, 12, 20), any number of classes.
/// Owns: the gradient of 32 cells.  Reads: E and h three times, from L2 but the first.
/// Order: eight partial sums a cell, joined in order.
/// Cost: 8 bytes in and a logit out per logit.
template <class Logit>
__global__ void __launch_bounds__(CellTile::kThreads) chain_kernel(const ChainParams params) {
  follow_earlier_kernels();
  __shared__ ChainSharedStorage storage;
  CellColumn column = cell_column(params.out.layout.cells);
  if (!column.is_present) column.row = column.image * params.out.layout.cells + (column.cell = 0);
  const LabelRow row(params.labels, block_of_cell(params.labels, column.row));
  find_slopes(params, column, storage.slopes);
  float dot = 0;
  for_each_class(params, column, row, storage.slopes, [&](std::int64_t, float, float v) { dot += v; });
  dot = sum_column(column, dot, storage.exchange);
  float others = 0;
  for_each_class(params, column, row, storage.slopes,
                 [&](std::int64_t, float s, float v) { others += is_largest(s) ? 0 : v - s * s * dot; });
  others = sum_column(column, others, storage.exchange);
  if (!column.is_present) return;
  const CellGradient<Logit> gradient(params.out, column.image, column.cell);
  for_each_class(params, column, row, storage.slopes, [&](std::int64_t c, float s, float v) {
    gradient.store(c, is_largest(s) ? -others : v - s * s * dot);
  });
}

}  // namespace arloss::kernels

#endif

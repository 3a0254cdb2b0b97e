#ifndef ARLOSS_KERNELS_INSPECT_KERNELS_CUH
#define ARLOSS_KERNELS_INSPECT_KERNELS_CUH

#include "kernels/inspect/inspect_params.h"
#include "kernels/pool/label_rows.cuh"
#include "kernels/tile/grid_join.cuh"
#include "kernels/tile/kernel_order.cuh"
#include "kernels/tile/logit_types.cuh"

namespace arloss::kernels {

struct JoinLogitCensus {
  __device__ LogitCensus operator()(const LogitCensus& a, const LogitCensus& b) const {
    LogitCensus both;
    both.valid_cells = a.valid_cells + b.valid_cells;
    both.nonfinite = a.nonfinite + b.nonfinite;
    both.first_nonfinite = min(a.first_nonfinite, b.first_nonfinite);
    return both;
  }
};

using LogitCensusJoin = GridJoin<InspectTile::kThreads, LogitCensus, LogitCensus, JoinLogitCensus>;

struct LogitCensusSharedStorage {
  LogitCensusJoin::SharedStorage join;
};

/// One thread's item of a launch of InspectTile blocks.
__device__ inline std::int64_t inspect_index() {
  return std::int64_t{blockIdx.x} * InspectTile::kThreads + threadIdx.x;
}

/// Faults among one live cell's logits.
template <class Logit>
__device__ LogitCensus find_faults(const LogitCensusParams& params, std::int64_t image, std::int64_t cell) {
  const auto* const logits = static_cast<const Logit*>(params.logits);
  LogitCensus census;
  census.valid_cells = 1;
  std::int64_t masked = 0, first_masked = LogitCensus::kNowhere;
  bool has_finite = false;
  for (std::int64_t c = 0; c < params.layout.classes; ++c) {
    const std::int64_t index = params.layout.index(image, c, cell);
    const float logit = to_float(logits[index]);
    if (isfinite(logit)) {
      has_finite = true;
    } else if (logit < 0) {
      ++masked;
      first_masked = min(first_masked, index);
    } else {
      ++census.nonfinite;
      census.first_nonfinite = min(census.first_nonfinite, index);
    }
  }
  if (has_finite) return census;
  census.nonfinite += masked;
  census.first_nonfinite = min(census.first_nonfinite, first_masked);
  return census;
}

/// logit_census_kernel.  Computes: LogitCensus of the batch. One thread per cell.
/// Owns: one slot per block.  Reads: each logit of a live cell once.
/// Order: integers and the lowest position, so none matters.
/// Cost: the bytes of the logits.
template <class Logit>
__global__ void __launch_bounds__(InspectTile::kThreads) logit_census_kernel(const LogitCensusParams params) {
  follow_earlier_kernels();
  __shared__ LogitCensusSharedStorage storage;
  const std::int64_t row = inspect_index();
  LogitCensus census;
  if (row < params.layout.batch * params.layout.cells && params.weights[row] > 0 && !isinf(params.weights[row]))
    census = find_faults<Logit>(params, row / params.layout.cells, row % params.layout.cells);
  LogitCensusJoin::run(census, params.census, blockIdx.x, gridDim.x, storage.join);
}

/// distribution_kernel.  Computes: t^k of every cell (math.md, eq. 5). One thread per cell and class.
/// Owns: its element.  Cost: 4 bytes out per cell and class.
__global__ void __launch_bounds__(InspectTile::kThreads) distribution_kernel(const DistributionParams params) {
  follow_earlier_kernels();
  const std::int64_t index = inspect_index();
  if (index >= params.batch * params.cells * params.classes) return;
  const LabelRow row = label_row_of_cell(params.labels, index / params.classes);
  params.out[index] = static_cast<float>(row.t_of(static_cast<std::int32_t>(index % params.classes)));
}

/// What softmax divides by, as the largest logit and the sum of exp(z - largest).
struct Normaliser {
  double largest, sum;
};
template <class Logit>
__device__ Normaliser normaliser(const CellLogits<Logit>& logits, std::int64_t classes) {
  Normaliser found{-INFINITY, 0};
  for (std::int64_t c = 0; c < classes; ++c) found.largest = fmax(found.largest, static_cast<double>(logits[c]));
  for (std::int64_t c = 0; c < classes; ++c) found.sum += exp(static_cast<double>(logits[c]) - found.largest);
  return found;
}

/// A_ij = <s_i, s_j>, s = sqrt(softmax(z)).
template <class Logit>
__device__ double output_affinity(const AffinityRowsParams& params, std::int64_t image, std::int64_t i,
                                  std::int64_t j) {
  const CellLogits<Logit> z_i(params.logits, params.layout, image, i);
  const CellLogits<Logit> z_j(params.logits, params.layout, image, j);
  const Normaliser n_i = normaliser(z_i, params.layout.classes), n_j = normaliser(z_j, params.layout.classes);
  double sum = 0;
  for (std::int64_t c = 0; c < params.layout.classes; ++c) {
    const double a = static_cast<double>(z_i[c]) - n_i.largest, b = static_cast<double>(z_j[c]) - n_j.largest;
    sum += exp((a + b) / 2);
  }
  sum /= sqrt(n_i.sum * n_j.sum);
  return sum > 1 ? 1 : sum;  // above it by rounding
}

/// B_ij = sum_k omega_k <u^k_i, u^k_j> (math.md, eq. 6).
__device__ inline double label_affinity(const AffinityRowsParams& params, std::int64_t cell_i, std::int64_t cell_j) {
  double blend = 0;
  for (int k = 0; k < params.scales.count; ++k) {
    const LabelRow row_i = label_row_of_cell(params.scales.scales[k], cell_i);
    const LabelRow row_j = label_row_of_cell(params.scales.scales[k], cell_j);
    double affinity = 0;
#pragma unroll 1
    for (int index = 0; index < row_i.size(); ++index) affinity += row_i.u(index) * row_j.u_of(row_i.label(index));
    blend += params.omega[k] * affinity;
  }
  return blend;
}

/// affinity_rows_kernel.  Computes: rows of A, B or A - B. One thread per element.
/// Owns: its element.  Cost: 6 C reads and 3 C exponentials in float64 per element of A.
template <class Logit>
__global__ void __launch_bounds__(InspectTile::kThreads, InspectTile::kResidentBlocks)
    affinity_rows_kernel(const AffinityRowsParams params) {
  follow_earlier_kernels();
  const std::int64_t index = inspect_index();
  if (index >= params.count * params.layout.cells) return;
  const std::int64_t image = params.images[index / params.layout.cells], i = params.rows[index / params.layout.cells];
  const std::int64_t j = index % params.layout.cells;
  if (image < 0 || image >= params.layout.batch || i < 0 || i >= params.layout.cells) {
    params.out[index] = NAN;
    return;
  }
  const std::int64_t cell_i = image * params.layout.cells + i, cell_j = image * params.layout.cells + j;
  double value = 0;
  if (params.weights[cell_i] != 0 && params.weights[cell_j] != 0) {
    if (params.has_output) value = output_affinity<Logit>(params, image, i, j);
    if (params.has_labels) {
      const double labels = label_affinity(params, cell_i, cell_j);
      value = params.has_output ? value - labels : labels;
    }
  }
  params.out[index] = static_cast<float>(value);
}

}  // namespace arloss::kernels

#endif

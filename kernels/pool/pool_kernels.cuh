#ifndef ARLOSS_KERNELS_POOL_KERNELS_CUH
#define ARLOSS_KERNELS_POOL_KERNELS_CUH

#include "kernels/pool/class_lists.cuh"
#include "kernels/pool/grid_boxes.cuh"
#include "kernels/tile/grid_join.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

struct JoinCensus {
  __device__ LabelCensus operator()(const LabelCensus& a, const LabelCensus& b) const {
    LabelCensus both;
    both.ignored = a.ignored + b.ignored;
    both.invalid = a.invalid + b.invalid;
    both.first_invalid = min(a.first_invalid, b.first_invalid);
    both.invalid_weights = a.invalid_weights + b.invalid_weights;
    both.first_invalid_weight = min(a.first_invalid_weight, b.first_invalid_weight);
    return both;
  }
};

using CensusJoin = GridJoin<PoolTile::kThreads, LabelCensus, LabelCensus, JoinCensus>;

struct PoolSharedStorage {
  CensusJoin::SharedStorage join;
};
static_assert(sizeof(PoolSharedStorage) <= 1024, "sixteen blocks of 128 threads fit every device's shared memory");

struct PoolWarpSharedStorage {
  WarpHistograms histograms;
  CensusJoin::SharedStorage join;
};
static_assert(sizeof(PoolWarpSharedStorage) <= 20 * 1024, "two blocks even where 48 KiB are all there is");

/// Class index of a label pixel that is none.
inline constexpr std::int32_t kInvalidLabel = -3;

/// Class of a label pixel, kNoLabels where it is ignored, else kInvalidLabel.
__device__ inline std::int32_t classify(const PoolParams& params, std::int64_t label) {
  if (params.has_ignore_index && label == params.ignore_index) return kNoLabels;
  return label >= 0 && label < params.classes ? static_cast<std::int32_t>(label) : kInvalidLabel;
}

/// The label pixels of a cell, counted over the batch.
__device__ inline GridBox label_box(const PoolParams& params, std::int64_t cell) {
  const GridSize &cells = params.cells.grid, &labels = params.label_grid, &ratio = params.ratio;
  if (ratio.count() == 1) return {cell, 1, 1, 1};
  const GridPlace place = place_of(cell, cells);
  return box_of(place.image, label_span(place.z, cells.depth, labels.depth, ratio.depth),
                label_span(place.y, cells.height, labels.height, ratio.height),
                label_span(place.x, cells.width, labels.width, ratio.width), labels);
}

__device__ inline void add_label(std::int32_t label, std::int64_t position, LabelCensus& census) {
  census.ignored += label == kNoLabels;
  if (label != kInvalidLabel) return;
  ++census.invalid;
  census.first_invalid = min(census.first_invalid, position);
}

/// A cell's label pixels as class_lists.cuh walks them; `census`, if any, is told of each.
template <class Label>
struct LabelWalk {
  const PoolParams& params;
  const GridBox& box;
  LabelCensus* census;

  template <Walker kWalker, class Body>
  __device__ void run(const Body& body) const {
    const auto* const labels = static_cast<const Label*>(params.labels);
    for_each_position<kWalker>(box, params.label_grid, [&](std::int64_t position) {
      const std::int32_t label = classify(params, static_cast<std::int64_t>(labels[position]));
      if (census != nullptr) add_label(label, position, *census);
      body(label, 1u);
    });
  }
};

/// Weight of a cell, from its code.
__device__ inline void write_weight(const PoolParams& params, std::int64_t cell, std::int32_t code,
                                    LabelCensus& census) {
  const float given = params.pixel_weights == nullptr ? 1.0f : params.pixel_weights[cell];
  if (params.weights != nullptr) params.weights[cell] = code == kNoLabels ? 0.0f : given;
  if (given >= 0 && !isinf(given)) return;
  ++census.invalid_weights;
  census.first_invalid_weight = min(census.first_invalid_weight, cell);
}

/// pool_kernel.  Computes: code, class counts and weight of each cell with few label pixels, and the census (math.md,
/// eq. 3, 4 and 8).  One thread per cell.
/// Owns: its row of the table and weight, one census slot.  Reads: each label pixel once; of a cell of several classes
/// once more per further class, from L1.
/// Order: integers and the lowest position, so none matters.
/// Cost: bytes of the labels, 4 to 12 bytes out for most cells; no atomics but one ticket.
template <class Label>
__global__ void __launch_bounds__(PoolTile::kThreads, PoolTile::kResidentBlocks) pool_kernel(const PoolParams params) {
  follow_earlier_kernels();
  __shared__ PoolSharedStorage storage;
  LabelCensus census;
  const std::int64_t cell = std::int64_t{blockIdx.x} * PoolTile::kThreads + threadIdx.x;
  if (cell < params.batch * params.cells.grid.count()) {
    const GridBox box = label_box(params, cell);
    const LabelWalk<Label> first_walk{params, box, &census}, walk{params, box, nullptr};
    write_weight(params, cell, pool_by_thread(first_walk, walk, params.cells, cell), census);
  }
  CensusJoin::run(census, params.census, blockIdx.x, gridDim.x, storage.join);
}

/// pool_warp_kernel.  Computes: as pool_kernel, of cells with many label pixels.  One warp per cell.
/// Owns: as pool_kernel.  Reads: each label pixel once; of a cell of several classes once more per 1,024 classes.
/// Order: integers and the lowest position, so none matters.
/// Cost: bytes of the labels; in cells of several classes one shared-memory atomic per valid label pixel; one ticket.
template <class Label>
__global__ void __launch_bounds__(PoolTile::kThreads, PoolTile::kResidentBlocks)
    pool_warp_kernel(const PoolParams params) {
  follow_earlier_kernels();
  __shared__ PoolWarpSharedStorage storage;
  LabelCensus census;
  const std::uint32_t warp = threadIdx.x / 32;
  const std::int64_t cell = std::int64_t{blockIdx.x} * PoolTile::kWarps + warp;
  if (cell < params.batch * params.cells.grid.count()) {
    const GridBox box = label_box(params, cell);
    const LabelWalk<Label> first_walk{params, box, &census}, walk{params, box, nullptr};
    const std::int32_t code = pool_by_warp(first_walk, walk, params.cells, cell, storage.histograms.bins[warp]);
    if (threadIdx.x % 32 == 0) write_weight(params, cell, code, census);
  }
  CensusJoin::run(census, params.census, blockIdx.x, gridDim.x, storage.join);
}

}  // namespace arloss::kernels

#endif

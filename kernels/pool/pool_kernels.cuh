#ifndef ARLOSS_KERNELS_POOL_KERNELS_CUH
#define ARLOSS_KERNELS_POOL_KERNELS_CUH

#include "kernels/pool/pool_params.h"
#include "kernels/tile/grid_join.cuh"

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
  std::uint32_t histogram[PoolTile::kWarps][PoolTile::kWindow];  // one per warp; all 0 between uses
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

/// The label pixels of one block of cells, a box of the label map.
struct LabelBox {
  std::int64_t first;  // position of its first label pixel
  int depth, height, width;
};

/// The label pixels that a block owns along one axis.
struct LabelSpan {
  std::int64_t first;
  int size;
};
__device__ inline LabelSpan label_span(std::int64_t block, std::int64_t edge, std::int64_t cells, std::int64_t labels) {
  const std::int64_t first = math::first_label(block * edge, cells, labels);
  return {first, static_cast<int>(math::first_label(min((block + 1) * edge, cells), cells, labels) - first)};
}

/// `block` counts over the batch.
__device__ inline LabelBox label_box(const PoolParams& params, std::int64_t block) {
  const GridSize blocks = block_grid(params), &cells = params.grid, &labels = params.label_grid;
  const std::int64_t row = block / blocks.width, slice = row / blocks.height, image = slice / blocks.depth;
  const LabelSpan x = label_span(block - row * blocks.width, params.edge, cells.width, labels.width);
  const LabelSpan y = label_span(row - slice * blocks.height, params.edge, cells.height, labels.height);
  const LabelSpan z = label_span(slice - image * blocks.depth, params.edge, cells.depth, labels.depth);
  const std::int64_t first_row = (image * labels.depth + z.first) * labels.height + y.first;
  return {first_row * labels.width + x.first, z.size, y.size, x.size};
}

/// Calls body(class, position) for label pixels start, start + step, ... of a box, counted along x, then y, then z.
template <class Label, class Body>
__device__ void for_each_label(const PoolParams& params, const LabelBox& box, int start, int step, const Body& body) {
  const auto* const labels = static_cast<const Label*>(params.labels);
  int x = start, y = 0, z = 0;
  while (true) {
    for (; x >= box.width; ++y) x -= box.width;
    for (; y >= box.height; ++z) y -= box.height;
    if (z >= box.depth) return;
    const std::int64_t row = z * params.label_grid.height + y;
    const std::int64_t position = box.first + row * params.label_grid.width + x;
    body(classify(params, static_cast<std::int64_t>(labels[position])), position);
    x += step;
  }
}

__device__ inline void add_label(std::int32_t label, std::int64_t position, LabelCensus& census) {
  census.ignored += label == kNoLabels;
  if (label != kInvalidLabel) return;
  ++census.invalid;
  census.first_invalid = min(census.first_invalid, position);
}

/// Code and weight of a block, from its number of classes and one of them.
__device__ inline void finish_block(const PoolParams& params, std::int64_t block, int num_classes, std::int32_t label,
                                    LabelCensus& census) {
  params.codes[block] = num_classes == 0 ? kNoLabels : num_classes == 1 ? label : -num_classes;
  const float given = params.pixel_weights == nullptr ? 1.0f : params.pixel_weights[block];
  if (params.weights != nullptr) params.weights[block] = num_classes == 0 ? 0.0f : given;
  if (given >= 0 && !isinf(given)) return;
  ++census.invalid_weights;
  census.first_invalid_weight = min(census.first_invalid_weight, block);
}

/// The lowest class of a box above `label`, with its count; count 0 where there is none.
template <class Label>
__device__ LabelCount next_class(const PoolParams& params, const LabelBox& box, std::int32_t label) {
  LabelCount next{0, 0};
  for_each_label<Label>(params, box, 0, 1, [&](std::int32_t other, std::int64_t) {
    if (other <= label || (next.count != 0 && other > next.label)) return;
    next.count = next.count != 0 && other == next.label ? next.count + 1 : 1;
    next.label = other;
  });
  return next;
}

/// One thread's block of cells: a pass over its few label pixels per class, no table at all.
template <class Label>
__device__ void pool_block(const PoolParams& params, std::int64_t block, LabelCensus& census) {
  const LabelBox box = label_box(params, block);
  std::uint32_t remaining = 0;  // valid label pixels not counted yet
  for_each_label<Label>(params, box, 0, 1, [&](std::int32_t label, std::int64_t position) {
    remaining += label >= 0;
    add_label(label, position, census);
  });
  LabelCount* const counts = params.counts + block * count_stride(params);
  LabelCount entry{kNoLabels, 0};
  int num_classes = 0;
  for (; remaining != 0; remaining -= entry.count) {
    entry = next_class<Label>(params, box, entry.label);
    counts[num_classes++] = entry;
  }
  finish_block(params, block, num_classes, entry.label, census);
}

/// Counts the label pixels of one window of classes into the warp's histogram; integer atomics, so in any order.
template <class Label>
__device__ void count_window(const PoolParams& params, const LabelBox& box, std::int64_t window,
                             std::uint32_t* histogram, LabelCensus& census) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  for_each_label<Label>(params, box, lane, 32, [&](std::int32_t label, std::int64_t position) {
    if (window == 0) add_label(label, position, census);
    if (label >= window && label < window + PoolTile::kWindow) atomicAdd(&histogram[label - window], 1u);
  });
}

/// Moves a window of the histogram into the block's list, classes ascending, and clears it. Returns the list's new
/// length; `label` becomes a class that the window holds, where it holds any.
__device__ inline int move_window(const PoolParams& params, std::int64_t window, std::uint32_t* histogram,
                                  LabelCount* counts, int num_classes, std::int32_t& label) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  const std::int64_t size = min(std::int64_t{PoolTile::kWindow}, params.classes - window);
  for (std::int64_t first = 0; first < size; first += 32) {
    const std::uint32_t count = first + lane < size ? histogram[first + lane] : 0;
    const unsigned present = __ballot_sync(~0u, count != 0);
    if (present == 0) continue;
    if (count != 0) {
      const auto mine = static_cast<std::int32_t>(window + first + lane);
      counts[num_classes + __popc(present & ((1u << lane) - 1))] = {mine, count};
      histogram[first + lane] = 0;
    }
    label = static_cast<std::int32_t>(window + first) + __ffs(present) - 1;
    num_classes += __popc(present);
  }
  return num_classes;
}

/// A warp's block of cells: its label pixels dealt to the lanes, counted in shared memory.
template <class Label>
__device__ void pool_block_by_warp(const PoolParams& params, std::int64_t block, std::uint32_t* histogram,
                                   LabelCensus& census) {
  const LabelBox box = label_box(params, block);
  LabelCount* const counts = params.counts + block * count_stride(params);
  std::int32_t label = kNoLabels;
  int num_classes = 0;
  for (std::int64_t window = 0; window < params.classes; window += PoolTile::kWindow) {
    count_window<Label>(params, box, window, histogram, census);
    __syncwarp();  // counts of all lanes before they are moved
    num_classes = move_window(params, window, histogram, counts, num_classes, label);
    __syncwarp();  // zeros before the counts of the next window
  }
  if (threadIdx.x % 32 == 0) finish_block(params, block, num_classes, label, census);
}

/// pool_kernel.  Computes: code, class counts and weight of each block of cells with few label pixels, and the census
/// (math.md, eq. 3, 4 and 8).  One thread per block of cells.
/// Owns: codes, counts and weights of its blocks, one census slot.  Reads: each label pixel once for the census and
/// once per class of its block, from L1 but the first time.
/// Order: integers and the lowest position, so none matters.
/// Cost: bytes of the labels, 12 to 16 bytes out for most blocks of cells; no atomics but one ticket.
template <class Label>
__global__ void __launch_bounds__(PoolTile::kThreads, PoolTile::kResidentBlocks) pool_kernel(const PoolParams params) {
  __shared__ PoolSharedStorage storage;
  LabelCensus census;
  const std::int64_t block = std::int64_t{blockIdx.x} * PoolTile::kThreads + threadIdx.x;
  if (block < params.batch * blocks_per_image(params)) pool_block<Label>(params, block, census);
  CensusJoin::run(census, params.census, blockIdx.x, gridDim.x, storage.join);
}

/// pool_warp_kernel.  Computes: as pool_kernel, of blocks of cells with many label pixels.  One warp per block.
/// Owns: as pool_kernel.  Reads: each label pixel once per 1,024 classes.
/// Order: integers and the lowest position, so none matters.
/// Cost: bytes of the labels; one shared-memory atomic per valid label pixel, and one ticket.
template <class Label>
__global__ void __launch_bounds__(PoolTile::kThreads, PoolTile::kResidentBlocks)
    pool_warp_kernel(const PoolParams params) {
  __shared__ PoolWarpSharedStorage storage;
  const std::uint32_t warp = threadIdx.x / 32;
  std::uint32_t* const histogram = storage.histogram[warp];
  for (unsigned bin = threadIdx.x % 32; bin < PoolTile::kWindow; bin += 32) histogram[bin] = 0;
  __syncwarp();  // zeros before the first counts
  LabelCensus census;
  const std::int64_t block = std::int64_t{blockIdx.x} * PoolTile::kWarps + warp;
  if (block < params.batch * blocks_per_image(params)) pool_block_by_warp<Label>(params, block, histogram, census);
  CensusJoin::run(census, params.census, blockIdx.x, gridDim.x, storage.join);
}

}  // namespace arloss::kernels

#endif

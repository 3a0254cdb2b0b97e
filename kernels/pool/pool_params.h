#ifndef ARLOSS_KERNELS_POOL_PARAMS_H
#define ARLOSS_KERNELS_POOL_PARAMS_H

#include <cstdint>
#include <limits>

#include "kernels/tile/join_buffers.h"
#include "math/cell_partition.h"

namespace arloss::kernels {

enum class LabelType { kUint8, kInt32, kInt64 };

struct GridSize {
  std::int64_t depth, height, width;  // depth 1 for 2-D
};

/// Code of a block without a valid label pixel. Others: its class where it has one, minus their number where it has
/// several.
inline constexpr std::int32_t kNoLabels = -1;

/// One class of a block and how many of its label pixels it has, at least one.
struct LabelCount {
  std::int32_t label;
  std::uint32_t count;
};

/// What the whole label map and the pixel weights were found to hold.
struct LabelCensus {
  static constexpr std::int64_t kNowhere = std::numeric_limits<std::int64_t>::max();

  std::int64_t ignored = 0, invalid = 0;  // label pixels; invalid ones are neither a class nor ignored
  std::int64_t first_invalid = kNowhere;  // the lowest position in the label map
  std::int64_t invalid_weights = 0;       // negative or not finite
  std::int64_t first_invalid_weight = kNowhere;
};

/// Label histograms of one scale: of the aligned blocks of `edge` cells per axis (math.md, eq. 3 and 4); blocks of edge
/// 1 are the cells. Invalid label pixels count as ignored. All pointers in device memory.
struct PoolParams {
  const void* labels;  // [batch][label depth][label height][label width], dense
  LabelType label_type;
  std::int64_t batch, classes, edge;
  GridSize grid, label_grid;  // label_grid at least grid in each axis
  bool has_ignore_index;
  std::int64_t ignore_index;
  const float* pixel_weights;  // optional, [batch][blocks]

  std::int32_t* codes;  // [batch][blocks]
  LabelCount* counts;   // [batch][blocks][count_stride(params)], classes ascending; the rest of a row is untouched
  float* weights;       // optional, [batch][blocks]: the pixel weight, or 1; 0 where the code is kNoLabels
  JoinBuffers<LabelCensus, LabelCensus> census;  // one set of pool_grid_blocks(params) slots
};

struct PoolTile {
  static constexpr int kThreads = 128;
  static constexpr int kWarps = kThreads / 32;
  /// Thread blocks per multiprocessor that the kernels are compiled for (measured: at 12, 40 registers, they spill).
  static constexpr int kResidentBlocks = 8;
  /// Label pixels up to which a block of cells is one thread's: beyond, every lane of a warp has a pixel (derived).
  static constexpr std::int64_t kThreadLabels = 32;
  /// Classes a warp counts at once; more are counted window by window (derived: 4 KiB of shared memory per warp lets
  /// kResidentBlocks thread blocks share 133 KiB, and common label sets, up to 171 classes, take one window).
  static constexpr int kWindow = 1024;
};

/// Blocks of cells along each axis, and of one image.
ARLOSS_HOST_DEVICE constexpr GridSize block_grid(const PoolParams& params) {
  return {math::num_blocks(params.grid.depth, params.edge), math::num_blocks(params.grid.height, params.edge),
          math::num_blocks(params.grid.width, params.edge)};
}
ARLOSS_HOST_DEVICE constexpr std::int64_t blocks_per_image(const PoolParams& params) {
  const GridSize blocks = block_grid(params);
  return blocks.depth * blocks.height * blocks.width;
}

/// Most label pixels along an axis that a block of `edge` cells owns.
ARLOSS_HOST_DEVICE constexpr std::int64_t max_labels_along(std::int64_t cells, std::int64_t labels, std::int64_t edge) {
  const std::int64_t bound = (edge < cells ? edge : cells) * ((labels - 1) / cells + 1);
  return bound < labels ? bound : labels;
}
ARLOSS_HOST_DEVICE constexpr std::int64_t max_block_labels(const PoolParams& params) {
  return max_labels_along(params.grid.depth, params.label_grid.depth, params.edge) *
         max_labels_along(params.grid.height, params.label_grid.height, params.edge) *
         max_labels_along(params.grid.width, params.label_grid.width, params.edge);
}

/// Entries of `counts` that one block has room for: as many classes as it can hold.
ARLOSS_HOST_DEVICE constexpr std::int64_t count_stride(const PoolParams& params) {
  const std::int64_t labels = max_block_labels(params);
  return labels < params.classes ? labels : params.classes;
}

constexpr bool is_pooled_by_warps(const PoolParams& params) {
  return max_block_labels(params) > PoolTile::kThreadLabels;
}

/// Thread blocks, and census slots, of the launch.
constexpr std::int64_t pool_grid_blocks(const PoolParams& params) {
  const std::int64_t per_thread_block = is_pooled_by_warps(params) ? PoolTile::kWarps : PoolTile::kThreads;
  return (params.batch * blocks_per_image(params) - 1) / per_thread_block + 1;
}

}  // namespace arloss::kernels

#endif

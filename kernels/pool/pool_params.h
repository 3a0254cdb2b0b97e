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

  ARLOSS_HOST_DEVICE constexpr std::int64_t count() const { return depth * height * width; }
};

/// Code of an item, a cell or a block of cells, without a valid label pixel. Others: its class where it has one, minus
/// their number where it has several.
inline constexpr std::int32_t kNoLabels = -1;

/// One class of an item and how many of its label pixels it has, at least one.
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

/// Label histograms of a grid of items, the same for every image of a batch. All pointers in device memory.
struct LabelTable {
  GridSize grid;              // items of one image
  std::int64_t max_labels;    // label pixels of an item at most
  std::int64_t count_stride;  // room for as many classes as an item can have, where those can be several
  std::int32_t* codes;        // [batch][items]
  LabelCount* counts;     // optional, [batch][items][count_stride], classes ascending; the rest of a row, and all of
                          // it where the code is a class or kNoLabels, is untouched
  std::uint32_t* totals;  // optional where max_labels is 1, and where nothing is pooled from this table;
                          // [batch][items]: valid label pixels
};

/// Label histograms of the cells (math.md, eq. 3 and 4). Invalid label pixels count as ignored. All pointers in device
/// memory.
struct PoolParams {
  const void* labels;  // [batch][label depth][label height][label width], dense
  LabelType label_type;
  std::int64_t batch, classes;
  GridSize label_grid;  // at least cells.grid in each axis
  bool has_ignore_index;
  std::int64_t ignore_index;
  const float* pixel_weights;  // optional, [batch][cells]
  GridSize ratio;              // label pixels to a cell along each axis, 0 where that is no whole number; launch_pool's

  LabelTable cells;
  float* weights;  // optional, [batch][cells]: the pixel weight, or 1; 0 where the code is kNoLabels
  JoinBuffers<LabelCensus, LabelCensus> census;  // one set of pool_grid_blocks() slots
};

/// One table from a finer one whose items nest in its own.
struct TablePooling {
  LabelTable from, to;
  GridSize edge;  // items of `from` to one of `to` along each axis; fewer at the far border
};

/// Label histograms of blocks of cells, without another look at the labels.
struct PoolTablesParams {
  static constexpr int kMaxTables = 8;
  std::int64_t batch;
  TablePooling tables[kMaxTables];
  int num_tables;
};

struct PoolTile {
  static constexpr int kThreads = 128;
  static constexpr int kWarps = kThreads / 32;
  /// Thread blocks per multiprocessor that the kernels are compiled for (measured: at 12, 40 registers, they spill).
  static constexpr int kResidentBlocks = 8;
  /// Label pixels up to which a cell is one thread's: beyond, every lane of a warp has two or more (derived).
  static constexpr std::int64_t kThreadLabels = 64;
  /// Items up to which a block of them is one thread's. There are fewer blocks than cells to hide latencies (derived).
  static constexpr std::int64_t kThreadItems = 16;
  /// Classes a warp counts at once; more are counted window by window (derived: 4 KiB of shared memory per warp lets
  /// kResidentBlocks thread blocks share 133 KiB, and common label sets, up to 171 classes, take one window).
  static constexpr int kWindow = 1024;
};

/// Most label pixels along an axis that a block of `edge` cells owns.
ARLOSS_HOST_DEVICE constexpr std::int64_t max_labels_along(std::int64_t cells, std::int64_t labels, std::int64_t edge) {
  const std::int64_t bound = (edge < cells ? edge : cells) * ((labels - 1) / cells + 1);
  return bound < labels ? bound : labels;
}
/// Most label pixels of a block of `edge` cells along each axis.
ARLOSS_HOST_DEVICE constexpr std::int64_t max_block_labels(const GridSize& cells, const GridSize& labels,
                                                           const GridSize& edge) {
  return max_labels_along(cells.depth, labels.depth, edge.depth) *
         max_labels_along(cells.height, labels.height, edge.height) *
         max_labels_along(cells.width, labels.width, edge.width);
}

/// Blocks of `edge` items along each axis; the last ones may be smaller.
ARLOSS_HOST_DEVICE constexpr GridSize block_grid(const GridSize& items, const GridSize& edge) {
  return {math::num_blocks(items.depth, edge.depth), math::num_blocks(items.height, edge.height),
          math::num_blocks(items.width, edge.width)};
}

/// The table of blocks of `edge` cells along each axis: all but the pointers.
constexpr LabelTable label_table(std::int64_t classes, const GridSize& cells, const GridSize& labels,
                                 const GridSize& edge) {
  const std::int64_t max_labels = max_block_labels(cells, labels, edge);
  const std::int64_t max_classes = max_labels < classes ? max_labels : classes;
  return {block_grid(cells, edge), max_labels, max_classes < 2 ? 0 : max_classes, nullptr, nullptr, nullptr};
}

/// Thread blocks for `items` items of a thread, or a warp, each.
ARLOSS_HOST_DEVICE constexpr std::int64_t pool_blocks(std::int64_t items, bool by_warps) {
  return (items - 1) / (by_warps ? PoolTile::kWarps : PoolTile::kThreads) + 1;
}

constexpr bool is_pooled_by_warps(const LabelTable& cells) { return cells.max_labels > PoolTile::kThreadLabels; }
/// Thread blocks, and census slots, of the launch that fills the table of cells.
constexpr std::int64_t pool_grid_blocks(std::int64_t batch, const LabelTable& cells) {
  return pool_blocks(batch * cells.grid.count(), is_pooled_by_warps(cells));
}

ARLOSS_HOST_DEVICE constexpr bool is_pooled_by_warps(const TablePooling& table) {
  return max_block_labels(table.from.grid, table.from.grid, table.edge) > PoolTile::kThreadItems;
}
/// Thread blocks of one table of the launch.
ARLOSS_HOST_DEVICE constexpr std::int64_t table_blocks(std::int64_t batch, const TablePooling& table) {
  return pool_blocks(batch * table.to.grid.count(), is_pooled_by_warps(table));
}

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_POOL_TABLES_KERNELS_CUH
#define ARLOSS_KERNELS_POOL_TABLES_KERNELS_CUH

#include "kernels/pool/class_lists.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

/// The items of a block as class_lists.cuh walks them: what they count, class by class.
struct ItemWalk {
  const LabelTable& items;
  const GridBox& box;

  template <Walker kWalker, class Body>
  __device__ void run(const Body& body) const {
    for_each_position<kWalker>(box, items.grid, [&](std::int64_t item) {
      const std::int32_t code = items.codes[item];
      if (code == kNoLabels) return;
      if (code >= 0) return body(code, items.totals == nullptr ? 1u : items.totals[item]);
      const LabelCount* const list = items.counts + item * items.count_stride;
#pragma unroll 1
      for (int index = 0; index < -code; ++index) body(list[index].label, list[index].count);
    });
  }
};

/// The items that an item of the coarser table, counted over the batch, is pooled from.
__device__ inline GridBox item_box(const TablePooling& table, std::int64_t item) {
  const GridPlace place = place_of(item, table.to.grid);
  const GridSize &from = table.from.grid, &edge = table.edge;
  return box_of(place.image, item_span(place.z, edge.depth, from.depth), item_span(place.y, edge.height, from.height),
                item_span(place.x, edge.width, from.width), from);
}

/// pool_tables_kernel.  Computes: codes, class counts and totals of coarser tables (math.md, eq. 3 and 4), all in one
/// grid.  One thread, or one warp, per item, as its table asks.
/// Owns: the item's row.  Reads: codes and totals of the finer items once, their lists too where they have several
/// classes; of an item of several classes all that once more per further class (thread) or 1,024 classes (warp).
/// Order: integers, so none matters.
/// Cost: 4 to 8 bytes in per finer item of one class; in items of several one shared-memory atomic per entry (warp).
__global__ void __launch_bounds__(PoolTile::kThreads, PoolTile::kResidentBlocks)
    pool_tables_kernel(const PoolTablesParams params) {
  follow_earlier_kernels();
  __shared__ WarpHistograms histograms;
  std::int64_t block = blockIdx.x;
  int index = 0;
  for (; block >= table_blocks(params.batch, params.tables[index]); ++index)
    block -= table_blocks(params.batch, params.tables[index]);
  const TablePooling& table = params.tables[index];
  const bool by_warps = is_pooled_by_warps(table);
  const std::uint32_t warp = threadIdx.x / 32;
  const std::int64_t item = by_warps ? block * PoolTile::kWarps + warp : block * PoolTile::kThreads + threadIdx.x;
  if (item >= params.batch * table.to.grid.count()) return;
  const GridBox box = item_box(table, item);
  const ItemWalk walk{table.from, box};
  if (by_warps)
    pool_by_warp(walk, walk, table.to, item, histograms.bins[warp]);
  else
    pool_by_thread(walk, walk, table.to, item);
}

}  // namespace arloss::kernels

#endif

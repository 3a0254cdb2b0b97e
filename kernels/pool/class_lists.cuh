#ifndef ARLOSS_KERNELS_CLASS_LISTS_CUH
#define ARLOSS_KERNELS_CLASS_LISTS_CUH

#include "kernels/pool/grid_boxes.cuh"

/// Code, list and total of one item of a table. What it is pooled from comes as a walk: walk.run<Walker>(body) calls
/// body(label, count) for every entry; negative labels are no classes. The first pass may have a walk of its own that
/// does more than the others. Items of one class, most, take that pass alone.

namespace arloss::kernels {

/// One histogram per warp, in shared memory.
struct WarpHistograms {
  std::uint32_t bins[PoolTile::kWarps][PoolTile::kWindow];
};

/// Above every class.
inline constexpr std::int32_t kNoClass = std::numeric_limits<std::int32_t>::max();

/// The lowest class above a given one among entries, and their count of it.
class LowestClass {
 public:
  __device__ explicit LowestClass(std::int32_t above) : above_(above) {}

  __device__ void add(std::int32_t label, std::uint32_t count) {
    if (label <= above_ || label > found_.label) return;
    found_.count = label == found_.label ? found_.count + count : count;
    found_.label = label;
  }
  /// Count 0 where there is none.
  __device__ const LabelCount& found() const { return found_; }

 private:
  std::int32_t above_;
  LabelCount found_{kNoClass, 0};
};

__device__ inline LabelCount* list_of(const LabelTable& table, std::int64_t item) {
  return table.counts == nullptr ? nullptr : table.counts + item * table.count_stride;
}

__device__ inline void write_item(const LabelTable& table, std::int64_t item, std::int32_t code, std::uint32_t total) {
  table.codes[item] = code;
  if (table.totals != nullptr) table.totals[item] = total;
}

/// The classes of `total` label pixels, ascending, a pass each but for the lowest; returns their number.
template <class Walk>
__device__ int list_by_thread(const Walk& walk, LabelCount lowest, std::uint32_t total, LabelCount* list) {
  int num_classes = 0;
  while (true) {
    if (list != nullptr) list[num_classes] = lowest;
    ++num_classes;
    total -= lowest.count;
    if (total == 0) return num_classes;
    LowestClass next(lowest.label);
    walk.template run<Walker::kThread>([&](std::int32_t label, std::uint32_t count) { next.add(label, count); });
    lowest = next.found();
  }
}

/// One thread's item, of few entries: no table at all. Returns the code.
template <class FirstWalk, class Walk>
__device__ std::int32_t pool_by_thread(const FirstWalk& first_walk, const Walk& walk, const LabelTable& table,
                                       std::int64_t item) {
  LowestClass lowest(kNoLabels);
  std::uint32_t total = 0;
  first_walk.template run<Walker::kThread>([&](std::int32_t label, std::uint32_t count) {
    if (label >= 0) total += count;
    lowest.add(label, count);
  });
  std::int32_t code = total == 0 ? kNoLabels : lowest.found().label;
  if (lowest.found().count != total) code = -list_by_thread(walk, lowest.found(), total, list_of(table, item));
  write_item(table, item, code, total);
  return code;
}

/// Moves `size` bins of the warp's histogram, from class `first` on, to the end of a list; returns its new length.
__device__ inline int move_bins(const std::uint32_t* histogram, std::int64_t first, int size, LabelCount* list,
                                int num_classes) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  for (int bin = lane; bin - lane < size; bin += 32) {
    const std::uint32_t count = bin < size ? histogram[bin] : 0;
    const unsigned present = __ballot_sync(~0u, count != 0);
    const int before = __popc(present & ((1u << lane) - 1));
    if (count != 0 && list != nullptr) list[num_classes + before] = {static_cast<std::int32_t>(first + bin), count};
    num_classes += __popc(present);
  }
  return num_classes;
}

/// The classes from `lowest` to `highest`, ascending, a pass for each window of them; returns their number. Integer
/// atomics, so entries count in any order.
template <class Walk>
__device__ int list_by_warp(const Walk& walk, std::int32_t lowest, std::int32_t highest, std::uint32_t* histogram,
                            LabelCount* list) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  int num_classes = 0;
  for (std::int64_t window = lowest; window <= highest; window += PoolTile::kWindow) {
    const int size = static_cast<int>(min(highest - window + 1, std::int64_t{PoolTile::kWindow}));
    for (int bin = lane; bin < size; bin += 32) histogram[bin] = 0;
    __syncwarp();  // zeros before the first counts
    walk.template run<Walker::kWarp>([&](std::int32_t label, std::uint32_t count) {
      if (label >= window && label - window < size) atomicAdd(&histogram[label - window], count);
    });
    __syncwarp();  // counts of all lanes before they are moved
    num_classes = move_bins(histogram, window, size, list, num_classes);
    __syncwarp();  // all bins are moved before they are zeroed again
  }
  return num_classes;
}

/// A warp's item: its entries dealt to the lanes, counted in shared memory where they are of several classes.
/// `histogram` has PoolTile::kWindow bins. Returns the code to all lanes.
template <class FirstWalk, class Walk>
__device__ std::int32_t pool_by_warp(const FirstWalk& first_walk, const Walk& walk, const LabelTable& table,
                                     std::int64_t item, std::uint32_t* histogram) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  std::int32_t lowest = kNoClass, highest = kNoLabels;
  std::uint32_t total = 0;
  first_walk.template run<Walker::kWarp>([&](std::int32_t label, std::uint32_t count) {
    if (label < 0) return;
    lowest = min(lowest, label);
    highest = max(highest, label);
    total += count;
  });
  lowest = __reduce_min_sync(~0u, lowest);
  highest = __reduce_max_sync(~0u, highest);
  total = __reduce_add_sync(~0u, total);
  std::int32_t code = highest;  // the one class, or kNoLabels
  if (lowest < highest) code = -list_by_warp(walk, lowest, highest, histogram, list_of(table, item));
  if (lane == 0) write_item(table, item, code, total);
  return code;
}

}  // namespace arloss::kernels

#endif

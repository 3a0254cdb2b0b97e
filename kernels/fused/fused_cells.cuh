#ifndef ARLOSS_KERNELS_FUSED_CELLS_CUH
#define ARLOSS_KERNELS_FUSED_CELLS_CUH

#include "kernels/fused/staged_rows.cuh"
#include "kernels/ptx/prefetch.cuh"
#include "kernels/tile/cell_splits.h"

namespace arloss::kernels {

/// The cells of one thread block.
struct BlockCells {
  std::int64_t image, first, end;
};
__device__ inline BlockCells block_cells(const CellSplits& splits) {
  const auto per_image = static_cast<std::uint32_t>(splits.splits);
  const std::uint32_t split = blockIdx.x % per_image;
  return {blockIdx.x / per_image, splits.first(split), splits.end(split)};
}

/// Brings the logits of the next tile, kCells cells from `first` or as many as come before `end`, to L2 while this one
/// is worked on: the kernels have no registers to load them into. By the kThreads threads that share it.
template <class Logit, int kCells, int kThreads>
__device__ void prefetch_tile(const void* logits, const LogitLayout& layout, std::int64_t image, std::int64_t first,
                              std::int64_t end) {
  if (first >= end) return;
  const Logit* const tile = static_cast<const Logit*>(logits) + layout.index(image, 0, first);
  const int thread = static_cast<int>(threadIdx.x % kThreads);
  if (is_staged(layout)) {
    constexpr int kLine = 128 / sizeof(Logit);
    const std::int64_t elements = min(end - first, std::int64_t{kCells}) * layout.classes;
#pragma unroll 1
    for (std::int64_t element = thread * kLine; element < elements; element += kThreads * kLine)
      ptx::prefetch_l2(tile + element);
  } else {
#pragma unroll 1
    for (std::int64_t c = thread; c < layout.classes; c += kThreads)
#pragma unroll
      for (int cell = 0; cell < kCells; cell += 32)
        if (cell == 0 || first + cell < end) ptx::prefetch_l2(tile + c * layout.class_stride + cell);
  }
}

}  // namespace arloss::kernels

#endif

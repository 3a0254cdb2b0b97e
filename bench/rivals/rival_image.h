#ifndef ARLOSS_BENCH_RIVAL_IMAGE_H
#define ARLOSS_BENCH_RIVAL_IMAGE_H

#include <cstdint>
#include <vector>

#include "bench_workloads.h"

namespace bench {

/// Some cells of an image that lie one after another: whole rows of a map, whole slices of a volume.
struct CellChunk {
  std::int64_t first_slice, last_slice, first_row, last_row;  // one past the last
  std::int64_t first_cell, cells;
};

enum class ChunkSize {
  kShare,  // a thread's share of the image, or the image: each step passes over all of it
  kCache,  // rows of numbers that stay in a core's cache from step to step
};

/// An image cut where no block of any scale is.
std::vector<CellChunk> cut_image(const BenchWorkload& workload, const std::vector<std::int32_t>& scales,
                                 int num_threads, ChunkSize size);

/// Label pooling to dense soft labels, for one thread.
class SoftLabels {
 public:
  SoftLabels(const BenchWorkload& workload, const std::vector<std::int32_t>& scales, std::int64_t most_cells);

  /// Rows sqrt(omega_k) u^k of a chunk's cells, v[k * C + c][cell] with `stride` cells from class to class; live[cell]
  /// is 1 where the cell has a valid label, and rows of other cells are 0. Returns the live cells.
  std::int64_t pool(const CellChunk& chunk, const std::uint8_t* labels, float* v, std::int64_t stride, float* live);

  std::size_t bytes() const;

 private:
  void count_labels(const CellChunk& chunk, const std::uint8_t* labels);
  void sum_blocks(const CellChunk& chunk, std::int64_t edge);
  void spread_blocks(const CellChunk& chunk, std::int64_t edge, const float* live, float* v, std::int64_t stride);

  BenchWorkload workload_;
  std::vector<std::int32_t> scales_;
  std::int64_t most_cells_;
  std::vector<std::int64_t> column_begin_;  // of each cell column, in label pixels
  std::vector<float> counts_, blocks_, totals_, line_;
};

/// Roots of the softmax, s[c][cell], 0 where live[cell] is, of logits planes `plane` cells apart.
void softmax_roots(const float* logits, std::int64_t plane, std::int64_t classes, std::int64_t cells, const float* live,
                   float* s, std::int64_t stride);

/// The softmax chain: from h = dL/ds to dL/dz = (s h - s^2 <s, h>) / 2, planes `plane` cells apart.
void softmax_chain(const float* s, const float* h, std::int64_t stride, std::int64_t classes, std::int64_t cells,
                   float* gradient, std::int64_t plane);

}  // namespace bench

#endif

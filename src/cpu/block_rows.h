#ifndef ARLOSS_CPU_BLOCK_ROWS_H
#define ARLOSS_CPU_BLOCK_ROWS_H

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cpu/cpu_backend.h"

namespace arloss::cpu {

/// One pooled block of a pyramid, float64 (math.md, eq. 12): means over its cells, weighted by w_i, of p, of t and of p
/// - t, the last formed from residuals so that it keeps its digits near the optimum.
struct BlockRow {
  std::int64_t image, block;
  double weight;                     // W = sum of w_i; 0: the means are 0
  const double *p, *t, *difference;  // [classes]
};

/// Sums over the cells of blocks that lie side by side.
class BlockSums {
 public:
  /// `base`: double_count(...) values.
  BlockSums(double* base, std::int64_t classes, std::int64_t num_blocks)
      : classes_(classes), num_blocks_(num_blocks), base_(base) {}

  static std::int64_t double_count(std::int64_t classes, std::int64_t num_blocks) {
    return (3 * classes + 1) * num_blocks + 3 * classes;
  }

  void clear() { std::fill(base_, base_ + double_count(classes_, num_blocks_), 0.0); }

  /// Adds the cells of a chunk, the first of which lies in column `column` of the blocks' cells; p - t as E (s + u)
  /// (math.md, eq. 19).
  template <class LabelRowOfCell>
  void add(const Chunk& chunk, std::int64_t column, std::int64_t edge, const LabelRowOfCell& label_row) {
    for (int i = 0; i < chunk.cells.count; ++i) weight()[(column + i) / edge] += static_cast<double>(chunk.weight[i]);
    for (std::int64_t c = 0; c < classes_; ++c) {
      const float *s = chunk.s + c * kChunkStride, *residual = chunk.residual + c * kChunkStride;
      for (int i = 0; i < chunk.cells.count; ++i) {
        const std::int64_t block = (column + i) / edge;
        const double weighted_s = static_cast<double>(chunk.weight[i]) * static_cast<double>(s[i]);
        p(c)[block] += weighted_s * static_cast<double>(s[i]);
        difference(c)[block] += weighted_s * static_cast<double>(residual[i]);
      }
    }
    for (int i = 0; i < chunk.cells.count; ++i) {
      if (chunk.weight[i] == 0) continue;
      const std::int64_t block = (column + i) / edge;
      const LabelRow row = label_row(i);
      for (int share = 0; share < row.count; ++share) {
        const auto [label, u] = row.shares[share];
        const double weighted_u = static_cast<double>(chunk.weight[i]) * u;
        t(label)[block] += weighted_u * u;
        difference(label)[block] +=
            weighted_u * static_cast<double>(chunk.residual[std::int64_t{label} * kChunkStride + i]);
      }
    }
  }

  /// The means of one of the blocks; valid until the next call.
  BlockRow row(std::int64_t block) {
    double* means = weight() + num_blocks_;
    const double total = weight()[block];
    for (std::int64_t c = 0; c < classes_; ++c) {
      const double scale = total > 0 ? 1 / total : 0;
      means[c] = p(c)[block] * scale;
      means[classes_ + c] = t(c)[block] * scale;
      means[2 * classes_ + c] = difference(c)[block] * scale;
    }
    return {0, block, total, means, means + classes_, means + 2 * classes_};
  }

 private:
  double* p(std::int64_t c) { return base_ + c * num_blocks_; }
  double* t(std::int64_t c) { return base_ + (classes_ + c) * num_blocks_; }
  double* difference(std::int64_t c) { return base_ + (2 * classes_ + c) * num_blocks_; }
  double* weight() { return base_ + 3 * classes_ * num_blocks_; }

  std::int64_t classes_, num_blocks_;
  double* base_;
};

/// One class of a pooled row: s^k, u^k and the residual s^k - u^k (math.md, eq. 19), 0 where both vanish.
struct PooledElement {
  float s, u, residual;
};

inline PooledElement pooled_element(const BlockRow& row, std::int64_t c) {
  const double s = std::sqrt(row.p[c]), u = std::sqrt(row.t[c]);
  return {static_cast<float>(s), static_cast<float>(u),
          static_cast<float>(s + u == 0 ? 0 : row.difference[c] / (s + u))};
}

/// h / s, to be multiplied with p <= s^2 W / w. Below 1e-15, where the quotient could overflow, the product is under
/// 1e-15 h and taken as 0; so is 0 / 0.
inline float slope_over_s(float h, float s) { return s < 1e-15f ? 0 : h / s; }

/// Blocks of one task: what fits a chunk of cells side by side.
inline std::int64_t blocks_per_task(std::int64_t edge) { return std::max<std::int64_t>(1, kChunk / edge); }

template <class Sink>
void CpuBackend::pool_block_rows(const Call& call, const Blocks& blocks, const Sink& sink) const {
  const Extent& extent = blocks.extent();
  const std::int64_t per_task = blocks_per_task(blocks.edge());
  const std::int64_t tasks_per_row = (extent.width + per_task - 1) / per_task;
  const std::int64_t num_tasks = problem_.batch * extent.depth * extent.height * tasks_per_row;
  parallel_for(num_threads_, num_tasks, [&](std::int64_t task, int thread) {
    Chunk chunk = chunk_of_thread(call, thread);
    BlockSums sums(at<double>(scratch(call, thread), block_sums_), problem_.classes, per_task);
    sums.clear();
    const std::int64_t row = task / tasks_per_row;
    Position first = start_of_row(extent, row);
    first.x = task % tasks_per_row * per_task;
    const std::int64_t image = row / (extent.depth * extent.height);
    const std::int64_t last_x = std::min(first.x + per_task, extent.width);
    add_box_of_cells(call, image, blocks.cells(first, last_x), blocks.edge(), chunk, sums);
    for (std::int64_t x = first.x; x < last_x; ++x) {
      BlockRow block = sums.row(x - first.x);
      block.image = image;
      block.block = (first.z * extent.height + first.y) * extent.width + x;
      sink(block, chunk);
    }
  });
}

}  // namespace arloss::cpu

#endif

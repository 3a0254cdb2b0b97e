#ifndef ARLOSS_CPU_CPU_BACKEND_H
#define ARLOSS_CPU_CPU_BACKEND_H

#include <cstdint>
#include <string>
#include <vector>

#include "cpu/grid.h"
#include "cpu/label_pool.h"
#include "cpu/parallel.h"
#include "cpu/simd/simd_kernels.h"
#include "plan/backend.h"
#include "plan/forms.h"

namespace arloss::cpu {

/// One run call: the caller's tensors, and the workspace moved up to a cache line.
struct Call {
  const arloss_tensors_t& io;
  void* state;
  void* workspace;
  LabelMap labels;
};

/// Consecutive cells of one image.
struct CellRange {
  std::int64_t image, first;
  int count;
};

/// Consecutive live cells of a chunk, [first, last), that are all of one class at the finest scale.
struct PureRun {
  std::int32_t label;
  int first, last;
};

/// One thread's scratch for a chunk of cells: its tiles ([classes][kChunkStride], cells fastest) and per-cell rows
/// ([kChunk]).
struct Chunk {
  CellRange cells;
  float* s;         // sqrt(softmax)
  float* residual;  // s - u of the plan's finest label scale
  float* work;      // weighted rows forward, v = s h backward
  float* weight;    // w_i, 0 past the last cell
  float* max_logit;
  float* sum;
  std::int32_t* anchor;  // class of a pure cell, or -1
  std::int32_t* codes;   // label code at the finest scale
  std::int64_t* blocks;  // block at the finest scale, where that is not single cells
  PureRun* pure_runs;    // [kChunk], num_pure_runs of them
  int* mixed_cells;      // [kChunk], the num_mixed_cells live ones that are mixed at the finest scale
  LabelCounter counter;
  LabelShare* shares;        // [classes]: label_row's
  LabelShare* mixed_shares;  // label rows of the chunk's mixed cells, as many as found room
  LabelRow* mixed_rows;      // [kChunk] those rows; no shares: none yet
  double* class_row;         // [classes] numbers of one cell's classes
  double* pure_mass;         // [classes]
  // The mixed block whose row `shares` holds, -1 for none, and its classes.
  std::int64_t row_block;
  int row_count;
  std::int64_t num_mixed_shares;
  int num_pure_runs, num_mixed_cells;
};

class BlockSums;

/// What every CPU route shares: threads, label pooling, the walk from logits to square-root rows and from h to the
/// gradient, and the calls that inspect. Routes add their sums.
class CpuBackend : public Backend {
 public:
  CpuBackend(const Problem& problem, const Options& options, Route route);

  const Ledger& state() const override { return state_; }
  const Ledger& workspace() const override { return workspace_; }
  std::string describe() const override;

  RunFault affinity_rows(const Buffers& buffers, const AffinityRows& rows) const override;
  RunFault label_distribution(const Buffers& buffers, int scale_index, float* out) const override;
  RunFault check(const Buffers& buffers, arloss_report_t* report) const override;

 protected:
  Call open(const Buffers& buffers) const;
  /// Pools and validates labels and weights; every run call's first step.
  RunFault pool_labels(const Call& call) const;

  Chunk chunk_of_thread(const Call& call, int thread) const;

  /// Fills codes, anchors, weights, pure runs and mixed cells of the chunk from the label map.
  void load_labels(const Call& call, const CellRange& cells, Chunk& chunk) const;
  /// load_labels, then s and the residual against the finest scale's label rows (math.md, eq. 13, 17, 18), in tiles of
  /// `stride` cells.
  void embed(const Call& call, const CellRange& cells, Chunk& chunk, int stride = kChunkStride) const;
  /// u of cell i at the finest scale. Cells of one block lie side by side: the last row is kept.
  LabelRow label_row(const Call& call, Chunk& chunk, int i) const;
  /// Index into the pooled edges of scale k, or -1 for single cells.
  int edge_index(int k) const { return edge_of_scale_[static_cast<std::size_t>(k)]; }

  /// A tile of v, with the s and weights of its cells.
  struct GradientTile {
    const float* s;
    float* v;
    const float* weight;
    int stride;
  };
  /// Writes the gradient of a range of cells from v = s h (math.md, eq. 11, 20), scaled and weighted.
  void write_gradient(const Call& call, const CellRange& cells, const GradientTile& tile, float scale) const;
  float upstream(const Call& call, std::int64_t image) const;

  /// Writes io.loss from loss_of_group(group).
  template <class LossOfGroup>
  void write_loss(const Call& call, const LossOfGroup& loss_of_group) const {
    double total = 0;
    for (std::int64_t group = 0; group < problem_.num_groups(); ++group) {
      const double loss = loss_of_group(group);
      if (problem_.reduction == ARLOSS_REDUCTION_NONE) call.io.loss[group] = static_cast<float>(loss);
      total += loss;
    }
    if (problem_.reduction != ARLOSS_REDUCTION_NONE) call.io.loss[0] = static_cast<float>(total);
  }

  /// v_ic += p_ic h_c / s_c of the pooled row the cell lies in (math.md, eq. 12). `slopes`: h / s of one image's
  /// blocks, [panels][classes][kPanel].
  void add_pooled_slopes(const Blocks& blocks, const float* slopes, const CellRange& cells,
                         const GradientTile& tile) const;

  /// Pools p, t and p - t over the blocks of a pyramid's scale; sink(BlockRow, Chunk) is called once per
  /// block, with the scratch of the thread it runs on.
  template <class Sink>
  void pool_block_rows(const Call& call, const Blocks& blocks, const Sink& sink) const;

  CellSpan span(const void* tensor, const CellRange& cells) const;
  std::int64_t chunks_per_image() const { return (problem_.grid.count() + kChunk - 1) / kChunk; }
  CellRange chunk_cells(std::int64_t image, std::int64_t chunk) const;
  int length_of(int count) const { return (count + 15) / 16 * 16; }

  /// Books the per-thread scratch; to be called once, after a route has booked its own into scratch_.
  void book_scratch(std::int64_t max_tasks, std::int64_t max_pooled_blocks);
  void* scratch(const Call& call, int thread) const;

  const Problem problem_;
  const math::Reduction reduction_;
  const SimdKernels& kernels_;
  int num_threads_;
  Ledger state_, workspace_, scratch_;
  std::vector<int> edge_of_scale_;  // [num_scales]
  LabelPool pool_;

 private:
  static void sort_cells(Chunk& chunk);
  std::int64_t mixed_capacity() const;
  LabelRow mixed_cell_row(const Call& call, Chunk& chunk, int i) const;
  void refine_mixed_cell(const Call& call, Chunk& chunk, int i, int stride) const;
  void write_label_row(const Call& call, std::int64_t image, std::int64_t cell, int thread, float* out) const;
  void add_output_row(const Call& call, std::int64_t image, std::int64_t cell, int thread, bool is_residual,
                      float* out) const;
  void mask_row(const Call& call, std::int64_t image, std::int64_t cell, int thread, float* out) const;
  void add_box_of_cells(const Call& call, std::int64_t image, const Box& cells, std::int64_t edge, Chunk& chunk,
                        BlockSums& sums) const;

  struct ChunkOffsets {
    std::size_t s, residual, work, weight, max_logit, sum, anchor, codes, blocks, pure_runs, mixed_cells, counts,
        touched, shares, pure_mass, affinity_row, mixed_shares, mixed_rows, class_row;
  };
  std::int64_t most_classes_;  // of a cell
  ChunkOffsets offsets_{};
  std::size_t scratch_offset_ = 0, block_sums_ = 0;
};

}  // namespace arloss::cpu

#endif

#ifndef ARLOSS_CPU_PAIRWISE_H
#define ARLOSS_CPU_PAIRWISE_H

#include <vector>

#include "cpu/block_rows.h"
#include "cpu/cpu_backend.h"

namespace arloss::cpu {

/// The all-pairs route, for every penalty: O(N^2 C) work, O(N C) memory. A task owns one strip of kPanel rows and walks
/// the partner panels of its group, so each strip's gradient is its own and losses join in strip order. Keeps no state.
///
/// The rows that are paired are cells; for PYRAMID they are the blocks of one scale after the other, the finest last.
class PairwiseBackend : public CpuBackend {
 public:
  PairwiseBackend(const Problem& problem, const Options& options);

  std::int64_t sum_count() const override { return 0; }
  RunFault forward(const Buffers& buffers) const override { return run(buffers, {true, false}); }
  RunFault backward(const Buffers& buffers) const override { return run(buffers, {false, true}); }
  RunFault forward_backward(const Buffers& buffers) const override { return run(buffers, {true, true}); }
  /// No sums are additive over shards here: the C API refuses both before they get this far.
  RunFault accumulate(const Buffers&) const override { return {}; }
  RunFault finish(const Buffers&) const override { return {}; }

 private:
  struct Wants {
    bool loss, gradient;
  };

  /// Label rows as lists, one per block of an edge ([batch][rows]): the class the row leans on most, and the entries of
  /// u - onehot(that class), none for a pure row and at most `stride`.
  struct LabelLists {
    Blocks blocks;
    double omega;
    std::int64_t rows, stride;
    std::size_t entries, counts, anchors;
  };

  /// One pass over all pairs of cells, or of the blocks of a pyramid's scale.
  struct Pass {
    Blocks blocks;
    double weight;            // in the loss
    std::int64_t num_panels;  // per image
    std::vector<LabelLists> lists;
    std::size_t slope_over_s;  // pooled rows: h / s, [batch][panels][classes][kPanel]
    bool is_pooled() const { return blocks.edge() > 1; }
  };

  /// One thread's scratch for a strip.
  struct Strip {
    std::int64_t image, panel, index;  // index over the batch
    float *u, *residual;               // [lists][classes][kPanel]
    std::int32_t* anchor;              // [lists][kPanel]
    PairLabels* labels;                // [lists]
    std::int64_t* list_rows;           // [kPanel]
    float *slope, *v;                  // [kPanel][kPanel], [classes][kPanel]
    double* h;                         // [classes][kPanel]
  };

  void add_pass(std::int64_t edge, double weight, const std::vector<Scale>& label_scales);
  LabelLists book_lists(std::int64_t edge, double omega, bool is_pooled);
  void book_rows();

  RunFault run(const Buffers& buffers, Wants wants) const;
  void sum_weights(const Call& call) const;
  void set_group_scales(const Call& call) const;

  // Packing: what a pass reads per row, written once.
  void pack(const Call& call, const Pass& pass) const;
  void pack_labels(const Call& call, const LabelLists& lists, int edge) const;
  void pack_label_row(const Call& call, const LabelLists& lists, std::int64_t row, const LabelShare* shares,
                      int count) const;
  void pack_cells(const Call& call, const Pass& pass, std::int64_t image, std::int64_t panel, Chunk chunk) const;
  void pack_block(const Call& call, const Pass& pass, const BlockRow& block, LabelShare* shares) const;

  // The pairs.
  void visit_strip(const Call& call, const Pass& pass, Strip& strip, Wants wants) const;
  void load_strip_labels(const Call& call, const Pass& pass, Strip& strip) const;
  void load_partner_labels(const Call& call, const Pass& pass, std::int64_t image, std::int64_t panel,
                           Strip& strip) const;
  void write_list_rows(const Pass& pass, const LabelLists& lists, std::int64_t image, std::int64_t panel,
                       std::int64_t* rows) const;
  PairPanel panel(const Call& call, std::int64_t index) const;
  Strip strip_of_thread(const Call& call, int thread) const;

  // From h to the gradient, from strip losses to the loss.
  void keep_pooled_slopes(const Call& call, const Pass& pass, const Strip& strip) const;
  void write_strip_gradient(const Call& call, const Pass& pass, const Strip& strip) const;
  void write_pooled_gradient(const Call& call) const;
  /// Adds what comes through the pooled passes and writes the gradient.
  void write_cells(const Call& call, const CellRange& cells, const GradientTile& tile) const;
  void add_losses(const Call& call, const Pass& pass) const;
  void write_losses(const Call& call) const;
  float group_scale(const Call& call, std::int64_t image) const;

  const PairTileKernel pair_tile_;
  std::vector<Pass> passes_;
  std::int64_t max_panels_ = 0;  // per image, over the passes
  struct {
    std::size_t s, residual, weight, live, bad;        // rows and panels of the current pass
    std::size_t strip_loss, chunk_weight, chunk_live;  // to be joined in order
    std::size_t group_weight, group_live, group_bad, group_loss, group_scale;
  } tables_{};
  struct {
    std::size_t u, residual, anchor, labels, list_rows, slope, v, h;
  } strip_{};
};

}  // namespace arloss::cpu

#endif

#ifndef ARLOSS_CPU_FACTORED_H
#define ARLOSS_CPU_FACTORED_H

#include <algorithm>
#include <vector>

#include "cpu/block_rows.h"
#include "cpu/cpu_backend.h"
#include "math/factored_form.h"

namespace arloss::cpu {

/// The pooled rows of one scale of a pyramid: panels of kPanel blocks, [batch][panels][classes][kPanel], blocks
/// fastest.
struct BlockTable {
  Blocks blocks;
  std::int64_t num_panels;             // per image
  std::size_t residual, s, u, weight;  // offsets into the workspace; backward turns `residual` into h / s
};

/// The linear-time routes: C x C residual sums forward, C x C coefficient matrices backward, never a pair.
///
/// State: the additive heads of all groups, then their coefficients (math::FactoredForm).
class FactoredBackend : public CpuBackend {
 public:
  FactoredBackend(const Problem& problem, const Options& options, Route route);

  std::int64_t sum_count() const override { return problem_.num_groups() * form_.head_count; }
  RunFault forward(const Buffers& buffers) const override;
  RunFault backward(const Buffers& buffers) const override;
  RunFault forward_backward(const Buffers& buffers) const override;
  RunFault accumulate(const Buffers& buffers) const override;
  RunFault finish(const Buffers& buffers) const override;

 private:
  using Part = math::FactoredForm::Part;

  /// The form's parts, for a loop over them.
  struct Parts {
    const math::FactoredForm& form;
    const Part* begin() const { return form.parts; }
    const Part* end() const { return form.parts + form.num_parts; }
  };
  Parts parts() const { return {form_}; }
  /// The part of the cells themselves; NULL where all are pooled.
  const Part* cell_part() const {
    const Part* const found = std::find_if(parts().begin(), parts().end(), [](const Part& p) { return p.table < 0; });
    return found == parts().end() ? nullptr : found;
  }

  void book_table(std::int64_t edge);
  std::int64_t choose_slots() const;

  // Forward: one task sums a fixed run of chunks (or of pooled panels) into its slot; slots join in order.
  void accumulate_sums(const Call& call) const;
  void accumulate_slot(const Call& call, std::int64_t image, std::int64_t slot, double* head, Chunk& chunk,
                       LabelRuns& runs) const;
  void add_chunk(const Call& call, const Part& part, double* head, Chunk& chunk, LabelRuns& runs) const;
  void add_output_gram(const Call& call, Chunk& chunk, double* p) const;
  void add_label_gram(const Chunk& chunk, const LabelRuns& runs, int k, double* out) const;
  void add_label_sums(const Call& call, const Chunk& chunk, const LabelRuns& runs,
                      const math::ResidualSums& sums) const;
  void join_pure_mass(const Part& part, const double* pure_mass, double* head) const;
  void add_table_panels(const Call& call, const Part& part, std::int64_t image, std::int64_t slot, double* head,
                        Chunk& chunk) const;
  void join_slots(const Call& call) const;

  // Backward.
  void write_gradients(const Call& call) const;
  void write_chunk_gradient(const Call& call, const CellRange& cells, Chunk& chunk, LabelRuns& runs) const;
  void multiply_coefficients(const Call& call, const Part& part, const float* matrices, Chunk& chunk,
                             LabelRuns& runs) const;
  void add_run(const Chunk& chunk, const LabelRun& run, const Part& part, const float* matrices) const;
  void multiply_table_panel(const Call& call, const Part& part, std::int64_t image, std::int64_t panel,
                            const Chunk& chunk) const;

  // The pyramid's tables.
  struct PanelRows {
    float *residual, *s, *u;  // tiles [classes][kPanel]
    float* weight;            // [kPanel]
  };
  PanelRows panel_rows(const Call& call, const BlockTable& table, std::int64_t image, std::int64_t panel) const;
  void fill_table(const Call& call, const BlockTable& table) const;

  // The chunk's label rows by runs of cells (label_runs.cpp).
  std::int64_t most_run_shares() const;
  std::int64_t run_share_capacity() const;
  void book_label_runs();
  LabelRuns label_runs_of_thread(const Call& call, int thread) const;
  /// Calls body() with the runs of one part of the chunk's cells after another: commonly all at once.
  template <class Body>
  void for_each_part_of_labels(const Call& call, Chunk& chunk, LabelRuns& runs, const Body& body) const {
    for (int cell = 0; cell < chunk.cells.count;) {
      cell = fill_label_runs(call, chunk, cell, runs);
      body();
    }
  }
  /// Runs from cell `first` on, as many as there is room for; returns the cell after the last.
  int fill_label_runs(const Call& call, Chunk& chunk, int first, LabelRuns& runs) const;
  int end_of_run(const Call& call, const Chunk& chunk, int first, bool is_pure) const;
  bool is_pure_cell(const Call& call, const Chunk& chunk, int i) const;
  void add_label_run(const Call& call, Chunk& chunk, int first, int last, bool is_pure, LabelRuns& runs) const;

  double* head(const Call& call, std::int64_t group) const;
  const float* coefficients(const Call& call, std::int64_t group) const;

  const math::FactoredForm form_;
  std::vector<BlockTable> tables_;
  int num_label_scales_ = 1;  // that the cells' own part is compared with
  std::int64_t num_slots_ = 1;
  std::size_t slots_ = 0, coefficients_ = 0;
  std::size_t label_runs_ = 0, run_rows_ = 0, run_shares_ = 0;  // offsets into a thread's scratch
};

}  // namespace arloss::cpu

#endif

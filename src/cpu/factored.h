#ifndef ARLOSS_CPU_FACTORED_H
#define ARLOSS_CPU_FACTORED_H

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

  void book_table(std::int64_t edge);
  std::int64_t choose_slots() const;

  // Forward: one task sums a fixed run of chunks (or of pooled panels) into its slot; slots join in order.
  void accumulate_sums(const Call& call) const;
  void accumulate_slot(const Call& call, std::int64_t image, std::int64_t slot, double* head, Chunk& chunk) const;
  void add_chunk(const Call& call, const Part& part, double* head, Chunk& chunk) const;
  void add_output_gram(const Call& call, Chunk& chunk, double* p) const;
  void add_label_gram(const Call& call, Chunk& chunk, int k, double* out) const;
  /// u^k - u^1 of cell i; no entries where they are equal. Valid until the next call.
  LabelRow label_difference(const Call& call, Chunk& chunk, int k, int i) const;
  void add_label_sums(const Call& call, Chunk& chunk, const math::ResidualSums& sums) const;
  void add_mixed_label_sums(const Call& call, Chunk& chunk, int i, const math::ResidualSums& sums) const;
  void join_pure_mass(const Part& part, const double* pure_mass, double* head) const;
  void add_table_panels(const Call& call, const Part& part, std::int64_t image, std::int64_t slot, double* head,
                        Chunk& chunk) const;
  void join_slots(const Call& call) const;

  // Backward.
  void write_gradients(const Call& call) const;
  void write_chunk_gradient(const Call& call, const CellRange& cells, Chunk& chunk) const;
  void multiply_coefficients(const Call& call, const Part& part, const float* matrices, Chunk& chunk) const;
  void add_label_row(Chunk& chunk, int i, const LabelRow& row, float sign, const float* matrix) const;
  void multiply_table_panel(const Call& call, const Part& part, std::int64_t image, std::int64_t panel,
                            const Chunk& chunk) const;

  // The pyramid's tables.
  struct PanelRows {
    float *residual, *s, *u;  // tiles [classes][kPanel]
    float* weight;            // [kPanel]
  };
  PanelRows panel_rows(const Call& call, const BlockTable& table, std::int64_t image, std::int64_t panel) const;
  void fill_table(const Call& call, const BlockTable& table) const;

  double* head(const Call& call, std::int64_t group) const;
  const float* coefficients(const Call& call, std::int64_t group) const;

  const math::FactoredForm form_;
  std::vector<BlockTable> tables_;
  std::int64_t num_slots_ = 1;
  std::size_t slots_ = 0, coefficients_ = 0;
};

}  // namespace arloss::cpu

#endif

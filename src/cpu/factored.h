#ifndef ARLOSS_CPU_FACTORED_H
#define ARLOSS_CPU_FACTORED_H

#include <vector>

#include "cpu/block_rows.h"
#include "cpu/cpu_backend.h"
#include "math/residual_form.h"

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
/// State: the additive head, per group [sum of w, count of w > 0, sums...], then the float32 coefficients per group
/// [1 or NaN, matrices...]. Sums and matrices come in parts that share no scale: one part for BLEND, SEPARATE and
/// ABSOLUTE, one per scale for PYRAMID.
class FactoredBackend : public CpuBackend {
 public:
  FactoredBackend(const Problem& problem, const Options& options, Route route);

  std::int64_t sum_count() const override { return problem_.num_groups() * head_count_; }
  InputFault forward(const Buffers& buffers) const override;
  InputFault backward(const Buffers& buffers) const override;
  InputFault forward_backward(const Buffers& buffers) const override;
  InputFault accumulate(const Buffers& buffers) const override;
  void finish(const Buffers& buffers) const override;

 private:
  /// Scales whose sums belong together, and where their sums and coefficients lie in a group's head and coefficients.
  struct Part {
    int num_scales;
    std::vector<double> omega;  // within the part; {1} for a scale of a pyramid
    double weight;              // of the part in the loss
    std::int64_t sums, coefficients;
    int table;  // index into tables_ for pooled rows, -1 for the cells' own
  };

  void add_part(Part part);
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

  // The head to loss and coefficients.
  double group_loss(const double* head) const;
  void write_group_coefficients(const double* head, double factor, float* out) const;

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
  math::ResidualSums sums_of(const Part& part, double* head) const;

  bool is_absolute_;
  std::vector<Part> parts_;
  std::vector<BlockTable> tables_;
  std::int64_t head_count_ = 2, coefficient_count_ = 1;
  std::int64_t num_slots_ = 1;
  std::size_t slots_ = 0, coefficients_ = 0;
};

}  // namespace arloss::cpu

#endif

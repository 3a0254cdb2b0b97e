#ifndef ARLOSS_CPU_FACTORED_H
#define ARLOSS_CPU_FACTORED_H

#include <algorithm>
#include <vector>

#include "cpu/block_rows.h"
#include "cpu/cpu_backend.h"
#include "cpu/label_tile.h"
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
                       LabelTiles& tiles) const;
  void add_chunk(const Call& call, const Part& part, double* head, Chunk& chunk, LabelTiles& tiles) const;
  void add_gram(const Call& call, const Chunk& chunk, ClassRows left, const ClassRows& right, double* out,
                bool is_symmetric = false) const;
  void finish_label_sums(const Part& part, const double* pure_mass, double* head) const;
  void add_table_panels(const Call& call, const Part& part, std::int64_t image, std::int64_t slot, double* head,
                        Chunk& chunk) const;
  void join_slots(const Call& call) const;

  // Backward.
  void write_gradients(const Call& call) const;
  void write_chunk_gradient(const Call& call, const CellRange& cells, Chunk& chunk, LabelTiles& tiles) const;
  void multiply_coefficients(const Call& call, const Part& part, const float* matrices, Chunk& chunk,
                             LabelTiles& tiles) const;
  void multiply_table_panel(const Call& call, const Part& part, std::int64_t image, std::int64_t panel,
                            const Chunk& chunk) const;

  // The pyramid's tables.
  struct PanelRows {
    float *residual, *s, *u;  // tiles [classes][kPanel]
    float* weight;            // [kPanel]
  };
  PanelRows panel_rows(const Call& call, const BlockTable& table, std::int64_t image, std::int64_t panel) const;
  void fill_table(const Call& call, const BlockTable& table) const;

  // The chunk's label rows (label_tile.cpp).
  void book_label_tiles();
  LabelTiles label_tiles_of_thread(const Call& call, int thread) const;
  /// U_1 of the mixed cells, and of the pure ones where asked for.
  void write_finest(const Call& call, Chunk& chunk, bool has_pure, LabelTiles& tiles) const;
  /// U_k - U_1 of the coarser scales.
  void write_differences(const Call& call, Chunk& chunk, LabelTiles& tiles) const;
  void write_difference(const Call& call, Chunk& chunk, const LabelRow& coarser, int first, int last, double* u,
                        LabelTileWriter& writer) const;

  double* head(const Call& call, std::int64_t group) const;
  const float* coefficients(const Call& call, std::int64_t group) const;

  const math::FactoredForm form_;
  std::vector<BlockTable> tables_;
  /// Of `count` cells.
  ClassRows rows_of_all(const float* tile, int count) const {
    return {tile, problem_.classes, nullptr, parts_of(0, count)};
  }

  int num_label_scales_ = 0;  // that the cells' own part is compared with
  std::int64_t num_slots_ = 1;
  std::size_t slots_ = 0, coefficients_ = 0;
  std::size_t label_tiles_ = 0, tile_classes_ = 0, row_of_class_ = 0, block_shares_ = 0, block_u_ = 0;  // in scratch_
};

}  // namespace arloss::cpu

#endif

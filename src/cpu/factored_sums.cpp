// The forward half of the linear-time routes: from cells to the additive sums (math.md, eq. 13).
#include <algorithm>

#include "cpu/factored.h"

namespace arloss::cpu {
namespace {

/// Builds label rows (w u_c over the cells of a chunk) for the few classes that occur in it, so that the product with
/// the residual rows costs by those classes only.
class LabelRows {
 public:
  explicit LabelRows(const Chunk& chunk) : chunk_(chunk) {}
  ~LabelRows() {
    for (int row = 0; row < count_; ++row) chunk_.row_of_class[chunk_.class_of_row[row]] = -1;
  }
  LabelRows(const LabelRows&) = delete;
  LabelRows& operator=(const LabelRows&) = delete;

  /// Columns [first, last): the weighted label row of the cells of a run.
  void add(const LabelRow& row, int first, int last) {
    for (int c = 0; c < row.count; ++c) {
      float* const to = row_of(row.shares[c].label);
      for (int i = first; i < last; ++i)
        to[i] = static_cast<float>(static_cast<double>(chunk_.weight[i]) * row.shares[c].u);
    }
  }
  int count() const { return count_; }

 private:
  float* row_of(std::int32_t label) {
    std::int32_t& row = chunk_.row_of_class[label];
    if (row < 0) {
      row = count_++;
      chunk_.class_of_row[row] = label;
      std::fill_n(chunk_.work + std::int64_t{row} * kChunkStride, kChunk, 0.0f);
    }
    return chunk_.work + std::int64_t{row} * kChunkStride;
  }

  const Chunk& chunk_;
  int count_ = 0;
};

double sum_of(const float* weights, int first, int last) {
  double sum = 0;
  for (int i = first; i < last; ++i) sum += static_cast<double>(weights[i]);
  return sum;
}

void mirror_upper(double* matrix, std::int64_t classes) {
  for (std::int64_t c = 0; c < classes; ++c)
    for (std::int64_t d = c + 1; d < classes; ++d) matrix[d * classes + c] = matrix[c * classes + d];
}

/// out_cd += scale * a_c b_d over the classes of two label rows.
void add_outer(double* out, std::int64_t classes, const LabelRow& a, const LabelRow& b, double scale) {
  for (int c = 0; c < a.count; ++c)
    for (int d = 0; d < b.count; ++d)
      out[a.shares[c].label * classes + b.shares[d].label] += scale * a.shares[c].u * b.shares[d].u;
}

}  // namespace

void FactoredBackend::accumulate_sums(const Call& call) const {
  for (const BlockTable& table : tables_) fill_table(call, table);
  parallel_for(num_threads_, problem_.batch * num_slots_, [&](std::int64_t task, int thread) {
    double* slot = at<double>(call.workspace, slots_) + task * form_.head_count;
    std::fill_n(slot, form_.head_count, 0.0);
    Chunk chunk = chunk_of_thread(call, thread);
    LabelRuns runs = label_runs_of_thread(call, thread);
    accumulate_slot(call, task / num_slots_, task % num_slots_, slot, chunk, runs);
  });
  join_slots(call);
}

/// One walk over the slot's cells gives the weights, and the sums of the part that is not pooled where there is one.
void FactoredBackend::accumulate_slot(const Call& call, std::int64_t image, std::int64_t slot, double* head,
                                      Chunk& chunk, LabelRuns& runs) const {
  const Part* const part_of_cells = cell_part();
  std::fill_n(chunk.pure_mass, problem_.classes, 0.0);
  const std::int64_t first = slot * chunks_per_image() / num_slots_;
  const std::int64_t last = (slot + 1) * chunks_per_image() / num_slots_;
  for (std::int64_t index = first; index < last; ++index) {
    const CellRange cells = chunk_cells(image, index);
    if (part_of_cells != nullptr) {
      embed(call, cells, chunk);
      add_chunk(call, *part_of_cells, head, chunk, runs);
    } else {
      load_labels(call, cells, chunk);
    }
    const auto num_live = std::count_if(chunk.weight, chunk.weight + cells.count, [](float w) { return w > 0; });
    head[0] += call.io.pixel_weights == nullptr ? static_cast<double>(num_live) : sum_of(chunk.weight, 0, cells.count);
    head[1] += static_cast<double>(num_live);
  }
  if (part_of_cells != nullptr) join_pure_mass(*part_of_cells, chunk.pure_mass, head);
  for (const Part& part : parts())
    if (part.table >= 0) add_table_panels(call, part, image, slot, head, chunk);
}

void FactoredBackend::add_chunk(const Call& call, const Part& part, double* head, Chunk& chunk, LabelRuns& runs) const {
  const math::ResidualSums sums = form_.sums(part, head);
  double* const n = head + part.sums;  // of ABSOLUTE
  if (!form_.is_absolute) add_output_gram(call, chunk, sums.p());
  for_each_part_of_labels(call, chunk, runs, [&] {
    if (form_.is_absolute) {
      for (const LabelRun& run : runs) n[run.code] += sum_of(chunk.weight, run.first, run.last);
      return add_label_gram(chunk, runs, 0, n + problem_.classes);
    }
    add_label_gram(chunk, runs, 0, sums.q());
    for (int k = 1; k < part.num_scales; ++k) add_label_gram(chunk, runs, k, sums.d(k));
    add_label_sums(call, chunk, runs, sums);
  });
}

/// P += E'WE.
void FactoredBackend::add_output_gram(const Call& call, Chunk& chunk, double* p) const {
  const int length = length_of(chunk.cells.count);
  const float* left = chunk.residual;  // rows of weight 0 are zero, the other weights are 1 unless the caller gave some
  if (call.io.pixel_weights != nullptr) {
    kernels_.multiply(chunk.residual, chunk.weight, 0, kChunkStride, length, problem_.classes, chunk.work);
    left = chunk.work;
  }
  kernels_.gram({left, chunk.residual, kChunkStride, length, static_cast<int>(problem_.classes), problem_.classes,
                 nullptr, true, p});
}

/// Q_1 += U_1'WE for k = 0, D_k += (U_k - U_1)'WE for the coarser scales.
void FactoredBackend::add_label_gram(const Chunk& chunk, const LabelRuns& runs, int k, double* out) const {
  LabelRows rows(chunk);
  for (const LabelRun& run : runs)
    if (k == 0 || run.code < 0) rows.add(k == 0 ? run.rows[0] : run.differences[k], run.first, run.last);
  kernels_.gram({chunk.work, chunk.residual, kChunkStride, length_of(chunk.cells.count), rows.count(), problem_.classes,
                 chunk.class_of_row, false, out});
}

/// R_kl and DR_k. A cell that is pure at every scale adds its weight to one diagonal element of every R_kl: kept apart.
void FactoredBackend::add_label_sums(const Call& call, const Chunk& chunk, const LabelRuns& runs,
                                     const math::ResidualSums& sums) const {
  for (const LabelRun& run : runs) {
    const double mass = call.io.pixel_weights == nullptr ? static_cast<double>(run.last - run.first)
                                                         : sum_of(chunk.weight, run.first, run.last);
    if (run.code >= 0) {
      chunk.pure_mass[run.code] += mass;
      continue;
    }
    for (int k = 0; k < sums.num_scales(); ++k) {
      for (int l = k; l < sums.num_scales(); ++l)
        add_outer(sums.r(k, l), problem_.classes, run.rows[k], run.rows[l], mass);
      if (k > 0) add_outer(sums.dr(k), problem_.classes, run.differences[k], run.rows[0], mass);
    }
  }
}

void FactoredBackend::join_pure_mass(const Part& part, const double* pure_mass, double* head) const {
  if (form_.is_absolute) return;
  const math::ResidualSums sums = form_.sums(part, head);
  for (int k = 0; k < part.num_scales; ++k)
    for (int l = k; l < part.num_scales; ++l)
      for (std::int64_t c = 0; c < problem_.classes; ++c) sums.r(k, l)[c * problem_.classes + c] += pure_mass[c];
}

void FactoredBackend::join_slots(const Call& call) const {
  const double* slots = at<double>(call.workspace, slots_);
  const std::int64_t slots_per_group = problem_.batch / problem_.num_groups() * num_slots_;
  for (std::int64_t group = 0; group < problem_.num_groups(); ++group) {
    double* sums = head(call, group);
    std::fill_n(sums, form_.head_count, 0.0);
    for (std::int64_t slot = 0; slot < slots_per_group; ++slot) {
      const double* from = slots + (group * slots_per_group + slot) * form_.head_count;
      for (std::int64_t index = 0; index < form_.head_count; ++index) sums[index] += from[index];
    }
    if (!form_.is_absolute)
      for (const Part& part : parts()) mirror_upper(form_.sums(part, sums).p(), problem_.classes);
  }
}

/// P, Q and R of this slot's share of a pooled scale.
void FactoredBackend::add_table_panels(const Call& call, const Part& part, std::int64_t image, std::int64_t slot,
                                       double* head, Chunk& chunk) const {
  const BlockTable& table = tables_[static_cast<std::size_t>(part.table)];
  const math::ResidualSums sums = form_.sums(part, head);
  const std::int64_t classes = problem_.classes;
  const auto rows_of_all = static_cast<int>(classes);
  const std::int64_t last = (slot + 1) * table.num_panels / num_slots_;
  for (std::int64_t panel = slot * table.num_panels / num_slots_; panel < last; ++panel) {
    const PanelRows rows = panel_rows(call, table, image, panel);
    kernels_.multiply(rows.residual, rows.weight, 0, kPanel, kPanel, classes, chunk.work);
    kernels_.gram({chunk.work, rows.residual, kPanel, kPanel, rows_of_all, classes, nullptr, true, sums.p()});
    kernels_.multiply(rows.u, rows.weight, 0, kPanel, kPanel, classes, chunk.work);
    kernels_.gram({chunk.work, rows.residual, kPanel, kPanel, rows_of_all, classes, nullptr, false, sums.q()});
    for (int i = 0; i < kPanel; ++i) {
      int count = 0;
      for (std::int64_t c = 0; c < classes; ++c)
        if (const float u = rows.u[c * kPanel + i]; u > 0)
          chunk.shares[count++] = {static_cast<std::int32_t>(c), static_cast<double>(u)};
      const LabelRow row{chunk.shares, count};
      add_outer(sums.r(0, 0), classes, row, row, static_cast<double>(rows.weight[i]));
    }
  }
}

}  // namespace arloss::cpu

// The forward half of the linear-time routes: from cells to the additive sums (math.md, eq. 13).
#include <algorithm>

#include "cpu/factored.h"

namespace arloss::cpu {
namespace {

int num_live(const Chunk& chunk) {
  int count = chunk.num_mixed_cells;
  for (int r = 0; r < chunk.num_pure_runs; ++r) count += chunk.pure_runs[r].last - chunk.pure_runs[r].first;
  return count;
}

/// Sum of the weights of cells [first, last), `num_live` of them not 0.
double mass_of(const Call& call, const Chunk& chunk, int first, int last, int num_live) {
  if (call.io.pixel_weights == nullptr) return num_live;
  double sum = 0;
  for (int i = first; i < last; ++i) sum += static_cast<double>(chunk.weight[i]);
  return sum;
}

void mirror_upper(double* matrix, std::int64_t classes) {
  for (std::int64_t c = 0; c < classes; ++c)
    for (std::int64_t d = c + 1; d < classes; ++d) matrix[d * classes + c] = matrix[c * classes + d];
}

/// out_cd += scale * u_c u_d over the classes of a label row.
void add_outer(double* out, std::int64_t classes, const LabelRow& row, double scale) {
  for (int c = 0; c < row.count; ++c)
    for (int d = 0; d < row.count; ++d)
      out[row.shares[c].label * classes + row.shares[d].label] += scale * row.shares[c].u * row.shares[d].u;
}

}  // namespace

void FactoredBackend::accumulate_sums(const Call& call) const {
  for (const BlockTable& table : tables_) fill_table(call, table);
  parallel_for(num_threads_, problem_.batch * num_slots_, [&](std::int64_t task, int thread) {
    double* slot = at<double>(call.workspace, slots_) + task * form_.head_count;
    std::fill_n(slot, form_.head_count, 0.0);
    Chunk chunk = chunk_of_thread(call, thread);
    LabelTiles tiles = label_tiles_of_thread(call, thread);
    accumulate_slot(call, task / num_slots_, task % num_slots_, slot, chunk, tiles);
  });
  join_slots(call);
}

/// One walk over the slot's cells gives the weights, and the sums of the part that is not pooled where there is one.
void FactoredBackend::accumulate_slot(const Call& call, std::int64_t image, std::int64_t slot, double* head,
                                      Chunk& chunk, LabelTiles& tiles) const {
  const Part* const part_of_cells = cell_part();
  std::fill_n(chunk.pure_mass, problem_.classes, 0.0);
  const std::int64_t first = slot * chunks_per_image() / num_slots_;
  const std::int64_t last = (slot + 1) * chunks_per_image() / num_slots_;
  for (std::int64_t index = first; index < last; ++index) {
    const CellRange cells = chunk_cells(image, index);
    if (part_of_cells != nullptr) {
      embed(call, cells, chunk);
      add_chunk(call, *part_of_cells, head, chunk, tiles);
    } else {
      load_labels(call, cells, chunk);
    }
    head[0] += mass_of(call, chunk, 0, cells.count, num_live(chunk));
    head[1] += num_live(chunk);
  }
  if (part_of_cells != nullptr) finish_label_sums(*part_of_cells, chunk.pure_mass, head);
  for (const Part& part : parts())
    if (part.table >= 0) add_table_panels(call, part, image, slot, head, chunk);
}

void FactoredBackend::add_chunk(const Call& call, const Part& part, double* head, Chunk& chunk,
                                LabelTiles& tiles) const {
  const math::ResidualSums sums = form_.sums(part, head);
  const ClassRows residual = rows_of_all(chunk.residual, chunk.cells.count);
  write_finest(call, chunk, true, tiles);
  for (int r = 0; r < chunk.num_pure_runs; ++r) {
    const PureRun& run = chunk.pure_runs[r];
    chunk.pure_mass[run.label] += mass_of(call, chunk, run.first, run.last, run.last - run.first);
  }
  if (form_.is_absolute) {
    double* const n = head + part.sums;
    return add_gram(call, chunk, tiles.finest.rows(), residual, n + problem_.classes);
  }
  add_gram(call, chunk, residual, residual, sums.p(), true);
  add_gram(call, chunk, tiles.finest.rows(), residual, sums.q());
  for (int m = 0; m < chunk.num_mixed_cells; ++m) {
    const LabelRow row = label_row(call, chunk, chunk.mixed_cells[m]);
    add_outer(sums.r(0, 0), problem_.classes, row, static_cast<double>(chunk.weight[chunk.mixed_cells[m]]));
  }
  write_differences(call, chunk, tiles);
  for (int k = 1; k < part.num_scales; ++k) {
    const ClassRows rows = tiles.differences[k].rows();
    add_gram(call, chunk, rows, residual, sums.d(k));
    add_gram(call, chunk, rows, tiles.finest.rows(), sums.dr(k));
    for (int l = k; l < part.num_scales; ++l) add_gram(call, chunk, rows, tiles.differences[l].rows(), sums.r(k, l));
  }
}

/// out += left' W right.
void FactoredBackend::add_gram(const Call& call, const Chunk& chunk, ClassRows left, const ClassRows& right,
                               double* out, bool is_symmetric) const {
  if (call.io.pixel_weights != nullptr) {  // else 0 or 1, and cells of weight 0 are zero
    const int length = length_of(chunk.cells.count);
    kernels_.multiply(left.tile, chunk.weight, 0, kChunkStride, length, left.count, chunk.work);
    left.tile = chunk.work;
  }
  kernels_.gram({left, right, kChunkStride, problem_.classes, is_symmetric, out});
}

/// Adds the weights of pure cells to R_11 (n_c for ABSOLUTE), and what is missing to the other R_kl, which hold
/// (U_k - U_1)'W(U_l - U_1) so far (math.md, eq. 13a).
void FactoredBackend::finish_label_sums(const Part& part, const double* pure_mass, double* head) const {
  const std::int64_t classes = problem_.classes;
  if (form_.is_absolute) {
    for (std::int64_t c = 0; c < classes; ++c) head[part.sums + c] += pure_mass[c];
    return;
  }
  const math::ResidualSums sums = form_.sums(part, head);
  for (std::int64_t c = 0; c < classes; ++c) sums.r(0, 0)[c * classes + c] += pure_mass[c];
  for (int k = 1; k < part.num_scales; ++k)
    for (std::int64_t c = 0; c < classes; ++c)
      for (std::int64_t d = 0; d < classes; ++d) {
        const std::int64_t cd = c * classes + d, dc = d * classes + c;
        sums.r(0, k)[cd] += sums.r(0, 0)[cd] + sums.dr(k)[dc];
        for (int l = k; l < part.num_scales; ++l)
          sums.r(k, l)[cd] += sums.r(0, 0)[cd] + sums.dr(k)[cd] + sums.dr(l)[dc];
      }
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
  const std::int64_t last = (slot + 1) * table.num_panels / num_slots_;
  for (std::int64_t panel = slot * table.num_panels / num_slots_; panel < last; ++panel) {
    const PanelRows rows = panel_rows(call, table, image, panel);
    const ClassRows residual = rows_of_all(rows.residual, kPanel), weighted = rows_of_all(chunk.work, kPanel);
    kernels_.multiply(rows.residual, rows.weight, 0, kPanel, kPanel, classes, chunk.work);
    kernels_.gram({weighted, residual, kPanel, classes, true, sums.p()});
    kernels_.multiply(rows.u, rows.weight, 0, kPanel, kPanel, classes, chunk.work);
    kernels_.gram({weighted, residual, kPanel, classes, false, sums.q()});
    for (int i = 0; i < kPanel; ++i) {
      int count = 0;
      for (std::int64_t c = 0; c < classes; ++c)
        if (const float u = rows.u[c * kPanel + i]; u > 0)
          chunk.shares[count++] = {static_cast<std::int32_t>(c), static_cast<double>(u)};
      add_outer(sums.r(0, 0), classes, {chunk.shares, count}, static_cast<double>(rows.weight[i]));
    }
  }
}

}  // namespace arloss::cpu

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

  /// Columns [first, last): cells of one class.
  void add(std::int32_t label, int first, int last) {
    std::copy(chunk_.weight + first, chunk_.weight + last, row_of(label) + first);
  }
  /// Column i: the weighted label row of the chunk's cell i.
  void add(const LabelRow& row, int i) {
    const double weight = static_cast<double>(chunk_.weight[i]);
    for (int c = 0; c < row.count; ++c) row_of(row.shares[c].label)[i] = static_cast<float>(weight * row.shares[c].u);
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

/// Calls body(first, last) for every run of the chunk's cells with the same code.
template <class Body>
void for_each_run(const Chunk& chunk, const Body& body) {
  for (int first = 0, last; first < chunk.cells.count; first = last) {
    for (last = first + 1; last < chunk.cells.count && chunk.codes[last] == chunk.codes[first];) ++last;
    body(first, last);
  }
}

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

double share_of(const LabelRow& row, std::int32_t label) {
  for (int c = 0; c < row.count; ++c)
    if (row.shares[c].label == label) return row.shares[c].u;
  return 0;
}

}  // namespace

void FactoredBackend::accumulate_sums(const Call& call) const {
  for (const BlockTable& table : tables_) fill_table(call, table);
  parallel_for(num_threads_, problem_.batch * num_slots_, [&](std::int64_t task, int thread) {
    double* slot = at<double>(call.workspace, slots_) + task * form_.head_count;
    std::fill_n(slot, form_.head_count, 0.0);
    Chunk chunk = chunk_of_thread(call, thread);
    accumulate_slot(call, task / num_slots_, task % num_slots_, slot, chunk);
  });
  join_slots(call);
}

/// One walk over the slot's cells gives the weights, and the sums of the part that is not pooled where there is one.
void FactoredBackend::accumulate_slot(const Call& call, std::int64_t image, std::int64_t slot, double* head,
                                      Chunk& chunk) const {
  const Part* cell_part = nullptr;
  for (const Part& part : parts())
    if (part.table < 0) cell_part = &part;
  std::fill_n(chunk.pure_mass, problem_.classes, 0.0);
  const std::int64_t first = slot * chunks_per_image() / num_slots_;
  const std::int64_t last = (slot + 1) * chunks_per_image() / num_slots_;
  for (std::int64_t index = first; index < last; ++index) {
    const CellRange cells = chunk_cells(image, index);
    if (cell_part != nullptr) {
      embed(call, cells, chunk);
      add_chunk(call, *cell_part, head, chunk);
    } else {
      load_labels(call, cells, chunk);
    }
    const auto num_live = std::count_if(chunk.weight, chunk.weight + cells.count, [](float w) { return w > 0; });
    head[0] += call.io.pixel_weights == nullptr ? static_cast<double>(num_live) : sum_of(chunk.weight, 0, cells.count);
    head[1] += static_cast<double>(num_live);
  }
  if (cell_part != nullptr) join_pure_mass(*cell_part, chunk.pure_mass, head);
  for (const Part& part : parts())
    if (part.table >= 0) add_table_panels(call, part, image, slot, head, chunk);
}

void FactoredBackend::add_chunk(const Call& call, const Part& part, double* head, Chunk& chunk) const {
  if (form_.is_absolute) {
    double* n = head + part.sums;
    for (int i = 0; i < chunk.cells.count; ++i)
      if (chunk.weight[i] != 0) n[chunk.codes[i]] += static_cast<double>(chunk.weight[i]);
    return add_label_gram(call, chunk, 0, n + problem_.classes);
  }
  const math::ResidualSums sums = form_.sums(part, head);
  add_output_gram(call, chunk, sums.p());
  add_label_gram(call, chunk, 0, sums.q());
  for (int k = 1; k < part.num_scales; ++k) add_label_gram(call, chunk, k, sums.d(k));
  add_label_sums(call, chunk, sums);
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
void FactoredBackend::add_label_gram(const Call& call, Chunk& chunk, int k, double* out) const {
  LabelRows rows(chunk);
  for_each_run(chunk, [&](int first, int last) {
    if (k == 0 && chunk.codes[first] >= 0) return rows.add(chunk.codes[first], first, last);
    for (int i = first; i < last; ++i)
      if (chunk.weight[i] != 0)
        rows.add(k == 0 ? label_row(call, chunk, 0, i) : label_difference(call, chunk, k, i), i);
  });
  kernels_.gram({chunk.work, chunk.residual, kChunkStride, length_of(chunk.cells.count), rows.count(), problem_.classes,
                 chunk.class_of_row, false, out});
}

LabelRow FactoredBackend::label_difference(const Call& call, Chunk& chunk, int k, int i) const {
  if (chunk.codes[i] >= 0 && label_code(call, chunk, k, i) == chunk.codes[i]) return {nullptr, 0};
  const LabelRow finest = label_row(call, chunk, 0, i), coarser = label_row(call, chunk, k, i);
  LabelShare* difference = chunk.shares + problem_.num_scales() * problem_.classes;
  int count = 0;
  for (int c = 0; c < coarser.count; ++c)
    difference[count++] = {coarser.shares[c].label, coarser.shares[c].u - share_of(finest, coarser.shares[c].label)};
  // Blocks need not nest (edges 2 and 3): the finest may hold classes that the coarser does not.
  for (int c = 0; c < finest.count; ++c)
    if (share_of(coarser, finest.shares[c].label) == 0)
      difference[count++] = {finest.shares[c].label, -finest.shares[c].u};
  return {difference, count};
}

/// R_kl and DR_k. A cell that is pure at every scale adds its weight to one diagonal element of every R_kl: kept apart.
void FactoredBackend::add_label_sums(const Call& call, Chunk& chunk, const math::ResidualSums& sums) const {
  for_each_run(chunk, [&](int first, int last) {
    const std::int32_t code = chunk.codes[first];
    if (code >= 0 && sums.num_scales() == 1) {
      chunk.pure_mass[code] +=
          call.io.pixel_weights == nullptr ? static_cast<double>(last - first) : sum_of(chunk.weight, first, last);
      return;
    }
    for (int i = first; i < last; ++i) {
      if (chunk.weight[i] == 0) continue;
      bool is_pure = code >= 0;
      for (int k = 1; k < sums.num_scales() && is_pure; ++k) is_pure = label_code(call, chunk, k, i) == code;
      if (is_pure) {
        chunk.pure_mass[code] += static_cast<double>(chunk.weight[i]);
      } else {
        add_mixed_label_sums(call, chunk, i, sums);
      }
    }
  });
}

void FactoredBackend::add_mixed_label_sums(const Call& call, Chunk& chunk, int i,
                                           const math::ResidualSums& sums) const {
  const double weight = static_cast<double>(chunk.weight[i]);
  for (int k = 0; k < sums.num_scales(); ++k) {
    const LabelRow row = label_row(call, chunk, k, i);
    for (int l = k; l < sums.num_scales(); ++l)
      add_outer(sums.r(k, l), problem_.classes, row, label_row(call, chunk, l, i), weight);
    if (k > 0)
      add_outer(sums.dr(k), problem_.classes, label_difference(call, chunk, k, i), label_row(call, chunk, 0, i),
                weight);
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

// Label rows of a chunk, by runs of cells that share them.
#include "cpu/label_runs.h"

#include <algorithm>

#include "cpu/factored.h"

namespace arloss::cpu {
namespace {

double share_of(const LabelRow& row, std::int32_t label) {
  for (int c = 0; c < row.count; ++c)
    if (row.shares[c].label == label) return row.shares[c].u;
  return 0;
}

LabelRow append(LabelRuns& runs, const LabelRow& row) {
  LabelShare* const to = runs.shares + runs.num_shares;
  std::copy_n(row.shares, row.count, to);
  runs.num_shares += row.count;
  return {to, row.count};
}

/// coarser - finest. Blocks need not nest (edges 2 and 3): the finest may hold classes that the coarser does not.
LabelRow append_difference(LabelRuns& runs, const LabelRow& finest, const LabelRow& coarser) {
  LabelShare* const to = runs.shares + runs.num_shares;
  int count = 0;
  for (int c = 0; c < coarser.count; ++c)
    to[count++] = {coarser.shares[c].label, coarser.shares[c].u - share_of(finest, coarser.shares[c].label)};
  for (int c = 0; c < finest.count; ++c)
    if (share_of(coarser, finest.shares[c].label) == 0) to[count++] = {finest.shares[c].label, -finest.shares[c].u};
  runs.num_shares += count;
  return {to, count};
}

}  // namespace

/// Of one run at most.
std::int64_t FactoredBackend::most_run_shares() const { return 2 * num_label_scales_ * problem_.classes; }

/// One share a pure cell is all there is with one scale, whose mixed rows lie elsewhere; with more a run has some ten.
/// Labels of noise have more yet, and take a chunk in parts.
std::int64_t FactoredBackend::run_share_capacity() const {
  return most_run_shares() + kChunk * (num_label_scales_ > 1 ? 4 : 1);
}

void FactoredBackend::book_label_runs() {
  const std::int64_t scales = num_label_scales_;
  label_runs_ = scratch_.book<LabelRun>("runs of cells", {kChunk});
  run_rows_ = scratch_.book<LabelRow>("rows of runs", {kChunk, 2 * scales});
  run_shares_ = scratch_.book<LabelShare>("shares of runs", {run_share_capacity()});
}

LabelRuns FactoredBackend::label_runs_of_thread(const Call& call, int thread) const {
  void* const mine = scratch(call, thread);
  return {at<LabelRun>(mine, label_runs_), at<LabelRow>(mine, run_rows_), at<LabelShare>(mine, run_shares_), 0, 0};
}

int FactoredBackend::fill_label_runs(const Call& call, Chunk& chunk, int first, LabelRuns& runs) const {
  const std::int64_t last_start = run_share_capacity() - most_run_shares();
  runs.num_runs = 0;
  runs.num_shares = 0;
  int cell = first;
  while (cell < chunk.cells.count && runs.num_shares <= last_start) {
    if (chunk.weight[cell] == 0) {
      ++cell;
      continue;
    }
    const bool is_pure = is_pure_cell(call, chunk, cell);
    const int last = end_of_run(call, chunk, cell, is_pure);
    add_label_run(call, chunk, cell, last, is_pure, runs);
    cell = last;
  }
  return cell;
}

/// Is the cell of one class at every scale?
bool FactoredBackend::is_pure_cell(const Call& call, const Chunk& chunk, int i) const {
  if (chunk.codes[i] < 0) return false;
  for (int k = 1; k < num_label_scales_; ++k)
    if (label_code(call, chunk, k, i) != chunk.codes[i]) return false;
  return true;
}

/// Cells of weight 0 end a run.
int FactoredBackend::end_of_run(const Call& call, const Chunk& chunk, int first, bool is_pure) const {
  const auto num_edges = static_cast<int>(edge_of_scale_.back()) + 1;
  const bool may_continue = chunk.codes[first] >= 0 || edge_index(0) >= 0;
  int last = first + 1;
  for (; may_continue && last < chunk.cells.count; ++last) {
    if (chunk.codes[last] != chunk.codes[first] || chunk.weight[last] == 0) break;
    bool is_same_block = true;
    for (int edge = 0; edge < num_edges; ++edge)
      is_same_block &= chunk.blocks[edge * kChunk + last] == chunk.blocks[edge * kChunk + last - 1];
    if (!is_same_block && !(is_pure && is_pure_cell(call, chunk, last))) break;
  }
  return last;
}

void FactoredBackend::add_label_run(const Call& call, Chunk& chunk, int first, int last, bool is_pure,
                                    LabelRuns& runs) const {
  const int num_scales = num_label_scales_;
  LabelRow* const rows = runs.rows + std::int64_t{runs.num_runs} * 2 * num_scales;
  LabelRow* const differences = rows + num_scales;
  for (int k = 0; k < (is_pure ? 1 : num_scales); ++k) {
    rows[k] = label_row(call, chunk, k, first);
    if (k > 0 || chunk.mixed_rows[first].shares == nullptr) rows[k] = append(runs, rows[k]);
    differences[k] = k == 0 ? LabelRow{nullptr, 0} : append_difference(runs, rows[0], rows[k]);
  }
  runs.runs[runs.num_runs++] = {first, last, is_pure ? chunk.codes[first] : -1, rows, differences};
}

}  // namespace arloss::cpu

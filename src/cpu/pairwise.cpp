#include "cpu/pairwise.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "plan/routes.h"

namespace arloss::cpu {
namespace {

std::int64_t num_panels(std::int64_t rows) { return (rows + kPanel - 1) / kPanel; }

}  // namespace

PairwiseBackend::PairwiseBackend(const Problem& problem, const Options& options)
    : CpuBackend(problem, options, Route::kPairwise), pair_tile_(pair_tile_kernel()) {
  if (problem_.scale_mode == ARLOSS_SCALES_PYRAMID) {
    for (int k = problem_.num_scales() - 1; k >= 0; --k) {
      const Scale& scale = problem_.scales[static_cast<std::size_t>(k)];
      add_pass(scale.edge, scale.weight, {{scale.edge, 1.0}});
    }
  } else {
    add_pass(1, 1.0, problem_.scales);
  }
  book_rows();
}

void PairwiseBackend::add_pass(std::int64_t edge, double weight, const std::vector<Scale>& label_scales) {
  const Blocks blocks(problem_.grid, edge);
  Pass pass{blocks, weight, num_panels(blocks.count()), {}, 0};
  for (const Scale& scale : label_scales) pass.lists.push_back(book_lists(scale.edge, scale.weight, pass.is_pooled()));
  if (pass.is_pooled())
    pass.slope_over_s = workspace_.book<float>("slopes of pooled rows, scale " + std::to_string(edge),
                                               {problem_.batch, pass.num_panels, problem_.classes, kPanel});
  max_panels_ = std::max(max_panels_, pass.num_panels);
  passes_.push_back(std::move(pass));
}

PairwiseBackend::LabelLists PairwiseBackend::book_lists(std::int64_t edge, double omega, bool is_pooled) {
  const std::int64_t most = pool_.max_block_labels(edge);
  const std::int64_t stride = most == 1 ? 0 : is_pooled ? problem_.classes : std::min(problem_.classes, most);
  LabelLists lists{Blocks(problem_.grid, edge), omega, 0, stride, 0, 0, 0};
  lists.rows = lists.blocks.count();
  const std::string name = " of scale " + std::to_string(edge);
  lists.entries = workspace_.book<LabelEntry>("label entries" + name, {problem_.batch, lists.rows, stride});
  lists.counts = workspace_.book<std::int32_t>("label entry counts" + name, {problem_.batch, lists.rows});
  lists.anchors = workspace_.book<std::int32_t>("label anchors" + name, {problem_.batch, lists.rows});
  return lists;
}

void PairwiseBackend::book_rows() {
  const std::int64_t classes = problem_.classes, panels = max_panels_, groups = problem_.num_groups();
  const auto num_lists = static_cast<std::int64_t>(passes_[0].lists.size());
  tables_.s = workspace_.book<float>("square-root rows", {problem_.batch, panels, classes, kPanel});
  tables_.residual = workspace_.book<float>("residual rows", {problem_.batch, panels, classes, kPanel});
  tables_.weight = workspace_.book<float>("row weights", {problem_.batch, panels, kPanel});
  tables_.live = workspace_.book<char>("panels with a live row", {problem_.batch, panels});
  tables_.bad = workspace_.book<char>("panels with a NaN row", {problem_.batch, panels});
  tables_.strip_loss = workspace_.book<double>("strip losses", {problem_.batch, panels});
  tables_.chunk_weight = workspace_.book<double>("chunk weights", {problem_.batch, chunks_per_image()});
  tables_.chunk_live = workspace_.book<double>("chunk live cells", {problem_.batch, chunks_per_image()});
  tables_.group_weight = workspace_.book<double>("group weights", {groups});
  tables_.group_live = workspace_.book<double>("group live cells", {groups});
  tables_.group_bad = workspace_.book<char>("groups with a NaN row", {groups});
  tables_.group_loss = workspace_.book<double>("group losses", {groups});
  tables_.group_scale = workspace_.book<double>("group scales", {groups});
  strip_.u = scratch_.book<float>("strip label rows", {num_lists, classes, kPanel});
  strip_.residual = scratch_.book<float>("strip label residuals", {num_lists, classes, kPanel});
  strip_.anchor = scratch_.book<std::int32_t>("strip label anchors", {num_lists, kPanel});
  strip_.labels = scratch_.book<PairLabels>("partner label rows", {num_lists});
  strip_.list_rows = scratch_.book<std::int64_t>("label row indices", {kPanel});
  strip_.slope = scratch_.book<float>("slope tile", {kPanel, kPanel});
  strip_.v = scratch_.book<float>("v tile", {classes, kPanel});
  strip_.h = scratch_.book<double>("h tile", {classes, kPanel});
  std::int64_t max_pooled_blocks = 0;
  for (const Pass& pass : passes_)
    if (pass.is_pooled()) max_pooled_blocks = std::max(max_pooled_blocks, blocks_per_task(pass.blocks.edge()));
  book_scratch(problem_.batch * panels, max_pooled_blocks);
}

RunFault PairwiseBackend::run(const Buffers& buffers, Wants wants) const {
  const Call call = open(buffers);
  const RunFault fault = pool_labels(call);
  if (fault.is_found()) return fault;
  sum_weights(call);
  for (const Pass& pass : passes_) {
    pack(call, pass);
    set_group_scales(call);
    parallel_for(num_threads_, problem_.batch * pass.num_panels, [&](std::int64_t task, int thread) {
      Strip strip = strip_of_thread(call, thread);
      strip.image = task / pass.num_panels;
      strip.panel = task % pass.num_panels;
      strip.index = task;
      visit_strip(call, pass, strip, wants);
      if (wants.gradient && pass.is_pooled()) keep_pooled_slopes(call, pass, strip);
      if (wants.gradient && !pass.is_pooled()) write_strip_gradient(call, pass, strip);
    });
    if (wants.loss) add_losses(call, pass);
  }
  if (wants.gradient && passes_.back().is_pooled()) write_pooled_gradient(call);
  if (wants.loss) write_losses(call);
  return fault;
}

// --- weights and scales ----------------------------------------------------------------------------------------------

void PairwiseBackend::sum_weights(const Call& call) const {
  double* chunk_weight = at<double>(call.workspace, tables_.chunk_weight);
  double* chunk_live = at<double>(call.workspace, tables_.chunk_live);
  const std::int64_t per_image = chunks_per_image();
  parallel_for(num_threads_, problem_.batch * per_image, [&](std::int64_t task, int thread) {
    Chunk chunk = chunk_of_thread(call, thread);
    load_labels(call, chunk_cells(task / per_image, task % per_image), chunk);
    chunk_weight[task] = chunk_live[task] = 0;
    for (int i = 0; i < chunk.cells.count; ++i) {
      chunk_weight[task] += static_cast<double>(chunk.weight[i]);
      chunk_live[task] += chunk.weight[i] > 0 ? 1 : 0;
    }
  });
  const std::int64_t per_group = problem_.batch / problem_.num_groups() * per_image;
  for (std::int64_t group = 0; group < problem_.num_groups(); ++group) {
    double weight = 0, live = 0;
    for (std::int64_t chunk = group * per_group; chunk < (group + 1) * per_group; ++chunk) {
      weight += chunk_weight[chunk];
      live += chunk_live[chunk];
    }
    at<double>(call.workspace, tables_.group_weight)[group] = weight;
    at<double>(call.workspace, tables_.group_live)[group] = live;
    at<double>(call.workspace, tables_.group_loss)[group] = 0;
    at<char>(call.workspace, tables_.group_bad)[group] = 0;
  }
}

/// The reduction's factor; NaN where a live row is NaN: penalties and clamps may swallow it, this does not.
void PairwiseBackend::set_group_scales(const Call& call) const {
  for (std::int64_t group = 0; group < problem_.num_groups(); ++group)
    at<double>(call.workspace, tables_.group_scale)[group] =
        at<char>(call.workspace, tables_.group_bad)[group]
            ? std::numeric_limits<double>::quiet_NaN()
            : reduction_.scale(at<double>(call.workspace, tables_.group_weight)[group],
                               at<double>(call.workspace, tables_.group_live)[group]);
}

float PairwiseBackend::group_scale(const Call& call, std::int64_t image) const {
  return static_cast<float>(at<double>(call.workspace, tables_.group_scale)[problem_.group_of_image(image)]);
}

// --- packing ---------------------------------------------------------------------------------------------------------

void PairwiseBackend::pack(const Call& call, const Pass& pass) const {
  const std::int64_t panels = problem_.batch * pass.num_panels;
  char* bad = at<char>(call.workspace, tables_.bad);
  char* live = at<char>(call.workspace, tables_.live);
  if (pass.is_pooled()) {
    std::memset(at<float>(call.workspace, tables_.weight), 0, sizeof(float) * panels * kPanel);
    for (const std::size_t tile : {tables_.s, tables_.residual})
      std::memset(at<float>(call.workspace, tile), 0, sizeof(float) * panels * problem_.classes * kPanel);
    pool_block_rows(call, pass.blocks,
                    [&](const BlockRow& block, Chunk& chunk) { pack_block(call, pass, block, chunk.shares); });
  } else {
    for (std::size_t k = 0; k < pass.lists.size(); ++k)
      pack_labels(call, pass.lists[k], edge_index(static_cast<int>(k)));
    parallel_for(num_threads_, panels, [&](std::int64_t task, int thread) {
      pack_cells(call, pass, task / pass.num_panels, task % pass.num_panels, chunk_of_thread(call, thread));
    });
  }
  for (std::int64_t index = 0; index < panels; ++index) {
    const PairPanel rows = panel(call, index);
    live[index] = bad[index] = 0;
    for (int i = 0; i < kPanel; ++i) {
      live[index] |= rows.weight[i] > 0;
      bad[index] |= std::isnan(rows.s[i]);
    }
    if (bad[index]) at<char>(call.workspace, tables_.group_bad)[problem_.group_of_image(index / pass.num_panels)] = 1;
  }
}

void PairwiseBackend::pack_labels(const Call& call, const LabelLists& lists, int edge) const {
  parallel_for(num_threads_, problem_.batch * num_panels(lists.rows), [&](std::int64_t task, int thread) {
    Chunk chunk = chunk_of_thread(call, thread);
    const std::int64_t image = task / num_panels(lists.rows);
    const std::int64_t first = task % num_panels(lists.rows) * kPanel;
    for (std::int64_t row = first; row < std::min(first + kPanel, lists.rows); ++row) {
      const std::int32_t code =
          edge < 0 ? pool_.cell_code(call.labels, image, row) : pool_.block_codes(call.labels, edge, image)[row];
      int count = 0;
      if (code >= 0) {
        chunk.shares[count++] = {code, 1.0};
      } else if (code == kMixedLabels) {
        count = edge < 0 ? pool_.cell_shares(call.labels, image, row, chunk.counter, chunk.shares)
                         : pool_.block_shares(call.labels, edge, image, row, chunk.shares);
      }
      pack_label_row(call, lists, image * lists.rows + row, chunk.shares, count);
    }
  });
}

/// One label row as anchor and entries. A row without labels (its weight is 0) counts as pure in class 0.
void PairwiseBackend::pack_label_row(const Call& call, const LabelLists& lists, std::int64_t row,
                                     const LabelShare* shares, int count) const {
  int anchor = 0;
  double others = 0;
  for (int c = 1; c < count; ++c)
    if (shares[c].u > shares[anchor].u) anchor = c;
  for (int c = 0; c < count; ++c)
    if (c != anchor) others += shares[c].u * shares[c].u;
  at<std::int32_t>(call.workspace, lists.anchors)[row] = count > 0 ? shares[anchor].label : 0;
  at<std::int32_t>(call.workspace, lists.counts)[row] = count > 1 ? count : 0;
  if (count <= 1) return;
  LabelEntry* entries = at<LabelEntry>(call.workspace, lists.entries) + row * lists.stride;
  for (int c = 0; c < count; ++c)
    entries[c] = {shares[c].label, static_cast<float>(c == anchor ? -others / (1 + shares[anchor].u) : shares[c].u)};
}

void PairwiseBackend::pack_cells(const Call& call, const Pass& pass, std::int64_t image, std::int64_t panel_index,
                                 Chunk chunk) const {
  const std::int64_t index = image * pass.num_panels + panel_index;
  const std::int64_t first = panel_index * kPanel;
  const CellRange cells{image, first, static_cast<int>(std::min<std::int64_t>(kPanel, problem_.grid.count() - first))};
  chunk.s = at<float>(call.workspace, tables_.s) + index * problem_.classes * kPanel;
  chunk.residual = at<float>(call.workspace, tables_.residual) + index * problem_.classes * kPanel;
  embed(call, cells, chunk, kPanel);
  std::copy_n(chunk.weight, kPanel, at<float>(call.workspace, tables_.weight) + index * kPanel);
}

void PairwiseBackend::pack_block(const Call& call, const Pass& pass, const BlockRow& block, LabelShare* shares) const {
  const std::int64_t classes = problem_.classes;
  const std::int64_t row = block.image * pass.num_panels * kPanel + block.block;
  const std::int64_t tile = row / kPanel * classes * kPanel + row % kPanel;
  at<float>(call.workspace, tables_.weight)[row] = static_cast<float>(block.weight);
  int count = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    const PooledElement element = pooled_element(block, c);
    at<float>(call.workspace, tables_.s)[tile + c * kPanel] = element.s;
    at<float>(call.workspace, tables_.residual)[tile + c * kPanel] = element.residual;
    if (block.t[c] > 0) shares[count++] = {static_cast<std::int32_t>(c), std::sqrt(block.t[c])};
  }
  pack_label_row(call, pass.lists[0], block.image * pass.lists[0].rows + block.block, shares, count);
}

// --- the pairs -------------------------------------------------------------------------------------------------------

PairPanel PairwiseBackend::panel(const Call& call, std::int64_t index) const {
  const std::int64_t tile = index * problem_.classes * kPanel;
  return {at<float>(call.workspace, tables_.s) + tile, at<float>(call.workspace, tables_.residual) + tile,
          at<float>(call.workspace, tables_.weight) + index * kPanel};
}

PairwiseBackend::Strip PairwiseBackend::strip_of_thread(const Call& call, int thread) const {
  void* mine = scratch(call, thread);
  return {0,
          0,
          0,
          at<float>(mine, strip_.u),
          at<float>(mine, strip_.residual),
          at<std::int32_t>(mine, strip_.anchor),
          at<PairLabels>(mine, strip_.labels),
          at<std::int64_t>(mine, strip_.list_rows),
          at<float>(mine, strip_.slope),
          at<float>(mine, strip_.v),
          at<double>(mine, strip_.h)};
}

/// All pairs of a strip with its group. The loss takes each unordered pair of panels once, from the strip of lower
/// index, so that forward alone walks half of what the gradient does and still adds the same numbers in the same order.
void PairwiseBackend::visit_strip(const Call& call, const Pass& pass, Strip& strip, Wants wants) const {
  const char* live = at<char>(call.workspace, tables_.live);
  const bool is_batch = problem_.span == ARLOSS_SPAN_BATCH;
  const std::int64_t first = is_batch ? 0 : strip.image * pass.num_panels;
  const std::int64_t last = is_batch ? problem_.batch * pass.num_panels : first + pass.num_panels;
  std::fill_n(strip.h, problem_.classes * kPanel, 0.0);
  double total = 0;
  if (live[strip.index]) {
    load_strip_labels(call, pass, strip);
    for (std::int64_t partner = wants.gradient ? first : strip.index; partner < last; ++partner) {
      if (!live[partner]) continue;
      load_partner_labels(call, pass, partner / pass.num_panels, partner % pass.num_panels, strip);
      double loss = 0;
      PairJob job{problem_.classes,
                  panel(call, strip.index),
                  panel(call, partner),
                  strip.labels,
                  static_cast<int>(pass.lists.size()),
                  problem_.scale_mode != ARLOSS_SCALES_SEPARATE,
                  problem_.penalty,
                  static_cast<float>(problem_.penalty_param),
                  partner == strip.index,
                  wants.loss && partner >= strip.index,
                  wants.gradient,
                  strip.slope,
                  &loss,
                  strip.h};
      pair_tile_(job);
      total += partner == strip.index ? loss : 2 * loss;
    }
  }
  at<double>(call.workspace, tables_.strip_loss)[strip.index] = total;
}

/// Label-list rows of a panel's rows, -1 past the image's last.
void PairwiseBackend::write_list_rows(const Pass& pass, const LabelLists& lists, std::int64_t image,
                                      std::int64_t panel_index, std::int64_t* rows) const {
  const std::int64_t first = panel_index * kPanel;
  const auto count = static_cast<int>(std::min<std::int64_t>(kPanel, pass.blocks.count() - first));
  if (pass.is_pooled()) {
    for (int i = 0; i < count; ++i) rows[i] = first + i;
  } else {
    lists.blocks.write_indices(first, count, rows);
  }
  for (int i = 0; i < count; ++i) rows[i] += image * lists.rows;
  std::fill(rows + count, rows + kPanel, -1);
}

void PairwiseBackend::load_strip_labels(const Call& call, const Pass& pass, Strip& strip) const {
  const std::int64_t tile = problem_.classes * kPanel;
  for (std::size_t k = 0; k < pass.lists.size(); ++k) {
    const LabelLists& lists = pass.lists[k];
    const auto offset = static_cast<std::int64_t>(k);
    float *u = strip.u + offset * tile, *residual = strip.residual + offset * tile;
    std::int32_t* anchors = strip.anchor + offset * kPanel;
    std::fill_n(u, tile, 0.0f);
    std::fill_n(residual, tile, 0.0f);
    write_list_rows(pass, lists, strip.image, strip.panel, strip.list_rows);
    for (int i = 0; i < kPanel; ++i) {
      const std::int64_t row = strip.list_rows[i];
      anchors[i] = row < 0 ? 0 : at<std::int32_t>(call.workspace, lists.anchors)[row];
      u[anchors[i] * kPanel + i] = 1;
      const int count = row < 0 ? 0 : at<std::int32_t>(call.workspace, lists.counts)[row];
      const LabelEntry* entries = at<LabelEntry>(call.workspace, lists.entries) + row * lists.stride;
      for (int entry = 0; entry < count; ++entry) {
        residual[entries[entry].label * kPanel + i] = entries[entry].residual;
        u[entries[entry].label * kPanel + i] += entries[entry].residual;
      }
    }
    strip.labels[k].omega = static_cast<float>(lists.omega);
    strip.labels[k].strip_u = u;
    strip.labels[k].strip_residual = residual;
    strip.labels[k].strip_anchor = anchors;
  }
}

void PairwiseBackend::load_partner_labels(const Call& call, const Pass& pass, std::int64_t image,
                                          std::int64_t panel_index, Strip& strip) const {
  for (std::size_t k = 0; k < pass.lists.size(); ++k) {
    const LabelLists& lists = pass.lists[k];
    PairLabels& labels = strip.labels[k];
    write_list_rows(pass, lists, image, panel_index, strip.list_rows);
    for (int j = 0; j < kPanel; ++j) {
      const std::int64_t row = std::max<std::int64_t>(strip.list_rows[j], 0);
      labels.partner_entries[j] = at<LabelEntry>(call.workspace, lists.entries) + row * lists.stride;
      labels.partner_counts[j] = at<std::int32_t>(call.workspace, lists.counts)[row];
      labels.partner_anchor[j] = at<std::int32_t>(call.workspace, lists.anchors)[row];
    }
  }
}

// --- gradient and loss -----------------------------------------------------------------------------------------------

void PairwiseBackend::keep_pooled_slopes(const Call& call, const Pass& pass, const Strip& strip) const {
  const float* s = panel(call, strip.index).s;
  float* out = at<float>(call.workspace, pass.slope_over_s) + strip.index * problem_.classes * kPanel;
  for (std::int64_t index = 0; index < problem_.classes * kPanel; ++index)
    out[index] = slope_over_s(static_cast<float>(pass.weight * strip.h[index]), s[index]);
}

void PairwiseBackend::write_strip_gradient(const Call& call, const Pass& pass, const Strip& strip) const {
  const PairPanel rows = panel(call, strip.index);
  const std::int64_t first = strip.panel * kPanel;
  const CellRange cells{strip.image, first,
                        static_cast<int>(std::min<std::int64_t>(kPanel, problem_.grid.count() - first))};
  for (std::int64_t index = 0; index < problem_.classes * kPanel; ++index)
    strip.v[index] = static_cast<float>(pass.weight * strip.h[index] * static_cast<double>(rows.s[index]));
  write_cells(call, cells, {rows.s, strip.v, rows.weight, kPanel});
}

/// A pyramid without scale 1: all of the gradient comes through pooled rows.
void PairwiseBackend::write_pooled_gradient(const Call& call) const {
  const std::int64_t per_image = chunks_per_image();
  parallel_for(num_threads_, problem_.batch * per_image, [&](std::int64_t task, int thread) {
    Chunk chunk = chunk_of_thread(call, thread);
    const CellRange cells = chunk_cells(task / per_image, task % per_image);
    embed(call, cells, chunk);
    std::fill_n(chunk.work, problem_.classes * kChunkStride, 0.0f);
    write_cells(call, cells, {chunk.s, chunk.work, chunk.weight, kChunkStride});
  });
}

void PairwiseBackend::write_cells(const Call& call, const CellRange& cells, const GradientTile& tile) const {
  for (const Pass& pass : passes_)
    if (pass.is_pooled())
      add_pooled_slopes(
          pass.blocks,
          at<float>(call.workspace, pass.slope_over_s) + cells.image * pass.num_panels * problem_.classes * kPanel,
          cells, tile);
  write_gradient(call, cells, tile, group_scale(call, cells.image));
}

void PairwiseBackend::add_losses(const Call& call, const Pass& pass) const {
  const double* strip_loss = at<double>(call.workspace, tables_.strip_loss);
  double* group_loss = at<double>(call.workspace, tables_.group_loss);
  for (std::int64_t strip = 0; strip < problem_.batch * pass.num_panels; ++strip)
    group_loss[problem_.group_of_image(strip / pass.num_panels)] += pass.weight * strip_loss[strip];
}

void PairwiseBackend::write_losses(const Call& call) const {
  write_loss(call, [&](std::int64_t group) {
    const double sum = at<double>(call.workspace, tables_.group_loss)[group];
    const double scale = at<double>(call.workspace, tables_.group_scale)[group];
    return scale == 0 ? 0 : scale * (sum < 0 ? 0 : sum);
  });
}

}  // namespace arloss::cpu

#include "cpu/factored.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "plan/forms.h"
#include "plan/routes.h"

namespace arloss::cpu {
namespace {

/// Largest count of tasks an image is cut into; with a batch of 8 enough for 256 threads.
constexpr std::int64_t kMaxSlots = 32;
/// Chunks below which a slot is not worth its own sums.
constexpr std::int64_t kMinChunksPerSlot = 4;
/// Most chunks of one backward task: in a run of them each is fetched ahead by the one before.
constexpr std::int64_t kMaxChunksPerTask = 4;
/// Fewer where a thread would have less tasks than this to balance.
constexpr std::int64_t kMinTasksPerThread = 4;

}  // namespace

FactoredBackend::FactoredBackend(const Problem& problem, const Options& options, Route route)
    : CpuBackend(problem, options, route), form_(factored_form(problem, route)) {
  std::int64_t max_pooled_blocks = 0;
  if (route == Route::kFactoredPyramid)
    for (const Scale& scale : problem_.scales)
      if (scale.edge > 1) {
        book_table(scale.edge);
        max_pooled_blocks = std::max(max_pooled_blocks, blocks_per_task(scale.edge));
      }
  state_.book<double>("additive sums", {problem_.num_groups(), form_.head_count});
  coefficients_ = state_.book<float>("gradient matrices", {problem_.num_groups(), form_.coefficient_count});
  num_slots_ = choose_slots();
  slots_ = workspace_.book<double>("sums of " + std::to_string(num_slots_) + " slots an image",
                                   {problem_.batch, num_slots_, form_.head_count});
  if (cell_part() != nullptr) num_label_scales_ = cell_part()->num_scales;
  book_label_tiles();
  book_scratch(problem_.batch * chunks_per_image(), max_pooled_blocks);
}

void FactoredBackend::book_table(std::int64_t edge) {
  const Blocks blocks(problem_.grid, edge);
  const std::int64_t panels = (blocks.count() + kPanel - 1) / kPanel;
  const std::string name = " of pooled rows, scale " + std::to_string(edge);
  const std::initializer_list<std::int64_t> rows = {problem_.batch, panels, problem_.classes, kPanel};
  BlockTable table{blocks, panels, 0, 0, 0, 0};
  table.residual = workspace_.book<float>("residuals" + name, rows);
  table.s = workspace_.book<float>("square roots" + name, rows);
  table.u = workspace_.book<float>("labels" + name, rows);
  table.weight = workspace_.book<float>("weights" + name, {problem_.batch, panels, kPanel});
  tables_.push_back(table);
}

/// Slots depend on the problem alone, never on the threads, so that any thread count sums in the same order. Their
/// memory is held to an eighth of the logits', but for a floor of four that keeps a small machine busy on one image of
/// many classes.
std::int64_t FactoredBackend::choose_slots() const {
  const std::int64_t logits = problem_.classes * problem_.grid.count() * logit_bytes(problem_.logits_dtype);
  const std::int64_t affordable = logits / 8 / (form_.head_count * static_cast<std::int64_t>(sizeof(double)));
  const std::int64_t useful = (chunks_per_image() + kMinChunksPerSlot - 1) / kMinChunksPerSlot;
  return std::min(useful, std::clamp<std::int64_t>(affordable, 4, kMaxSlots));
}

double* FactoredBackend::head(const Call& call, std::int64_t group) const {
  return at<double>(call.state, 0) + group * form_.head_count;
}

const float* FactoredBackend::coefficients(const Call& call, std::int64_t group) const {
  return at<float>(call.state, coefficients_) + group * form_.coefficient_count;
}

// --- calls -----------------------------------------------------------------------------------------------------------

RunFault FactoredBackend::accumulate(const Buffers& buffers) const {
  const Call call = open(buffers);
  const RunFault fault = pool_labels(call);
  if (!fault.is_found()) accumulate_sums(call);
  return fault;
}

RunFault FactoredBackend::forward(const Buffers& buffers) const {
  const RunFault fault = accumulate(buffers);
  return fault.is_found() ? fault : finish(buffers);
}

RunFault FactoredBackend::backward(const Buffers& buffers) const {
  const Call call = open(buffers);
  const RunFault fault = pool_labels(call);
  if (fault.is_found()) return fault;
  for (const BlockTable& table : tables_) fill_table(call, table);
  write_gradients(call);
  return fault;
}

RunFault FactoredBackend::forward_backward(const Buffers& buffers) const {
  const Call call = open(buffers);
  const RunFault fault = pool_labels(call);
  if (fault.is_found()) return fault;
  accumulate_sums(call);
  finish(buffers);
  write_gradients(call);
  return fault;
}

// --- sums to loss and coefficients -----------------------------------------------------------------------------------

RunFault FactoredBackend::finish(const Buffers& buffers) const {
  const Call call{buffers.io, buffers.state, nullptr, {}};
  write_loss(call, [&](std::int64_t group) {
    const double* sums = head(call, group);
    double sum = 0;
    for (std::int64_t term = 0; term < form_.num_terms(); ++term) sum += form_.loss_term(sums, term);
    const double scale = reduction_.scale(sums[0], sums[1]);
    float* out = const_cast<float*>(coefficients(call, group));
    out[0] = std::isnan(sum) ? std::numeric_limits<float>::quiet_NaN() : 1.0f;
    out[1] = 0;
    for (std::int64_t term = 0; term < form_.num_terms(); ++term) form_.write_matrices(sums, term, scale, out);
    return reduction_.loss(sum, sums[0], sums[1]);
  });
  return {};
}

// --- backward --------------------------------------------------------------------------------------------------------

void FactoredBackend::write_gradients(const Call& call) const {
  for (const Part& part : parts()) {
    if (part.table < 0) continue;
    const std::int64_t panels = tables_[static_cast<std::size_t>(part.table)].num_panels;
    parallel_for(num_threads_, problem_.batch * panels, [&](std::int64_t task, int thread) {
      multiply_table_panel(call, part, task / panels, task % panels, chunk_of_thread(call, thread));
    });
  }
  const std::int64_t balanced = problem_.batch * chunks_per_image() / (kMinTasksPerThread * num_threads_);
  const std::int64_t chunks_per_task = std::clamp<std::int64_t>(balanced, 1, kMaxChunksPerTask);
  const std::int64_t tasks_per_image = (chunks_per_image() + chunks_per_task - 1) / chunks_per_task;
  parallel_for(num_threads_, problem_.batch * tasks_per_image, [&](std::int64_t task, int thread) {
    Chunk chunk = chunk_of_thread(call, thread);
    LabelTiles tiles = label_tiles_of_thread(call, thread);
    const std::int64_t first = task % tasks_per_image * chunks_per_task;
    const std::int64_t last = std::min(first + chunks_per_task, chunks_per_image());
    for (std::int64_t index = first; index < last; ++index)
      write_chunk_gradient(call, chunk_cells(task / tasks_per_image, index), chunk, tiles);
  });
}

void FactoredBackend::write_chunk_gradient(const Call& call, const CellRange& cells, Chunk& chunk,
                                           LabelTiles& tiles) const {
  embed(call, cells, chunk);
  const float* matrices = coefficients(call, problem_.group_of_image(cells.image));
  const int length = length_of(cells.count);
  if (const Part* const part = cell_part(); part != nullptr) {
    multiply_coefficients(call, *part, matrices + part->coefficients, chunk, tiles);
    kernels_.multiply(chunk.work, chunk.s, kChunkStride, kChunkStride, length, problem_.classes, chunk.work);
  } else {
    std::fill_n(chunk.work, problem_.classes * kChunkStride, 0.0f);
  }
  const GradientTile tile{chunk.s, chunk.work, chunk.weight, kChunkStride};
  for (const BlockTable& table : tables_)
    add_pooled_slopes(table.blocks, panel_rows(call, table, cells.image, 0).residual, cells, tile);
  write_gradient(call, cells, tile, matrices[0]);
}

/// h / w of the chunk's cells into the work tile (math.md, eq. 16 or 21).
void FactoredBackend::multiply_coefficients(const Call& call, const Part& part, const float* matrices, Chunk& chunk,
                                            LabelTiles& tiles) const {
  const std::int64_t size = problem_.classes * problem_.classes;
  const auto product = [&](const ClassRows& rows, const float* matrix, const float* table, Join join) {
    kernels_.product({rows, matrix, table, chunk.anchor, join, kChunkStride, problem_.classes, chunk.work});
  };
  ClassRows residual = rows_of_all(chunk.residual, chunk.cells.count);
  if (form_.is_absolute) {
    residual.count = 0;
    return product(residual, nullptr, matrices, Join::kReplace);
  }
  product(residual, matrices, matrices + size, Join::kReplace);
  write_finest(call, chunk, false, tiles);
  product(tiles.finest.rows(), matrices + size, nullptr, Join::kAdd);
  write_differences(call, chunk, tiles);
  for (int k = 1; k < part.num_scales; ++k)
    product(tiles.differences[k].rows(), matrices + (1 + k) * size, nullptr, Join::kSubtract);
}

// --- the pyramid's tables --------------------------------------------------------------------------------------------

void FactoredBackend::fill_table(const Call& call, const BlockTable& table) const {
  const std::int64_t classes = problem_.classes, rows = table.num_panels * kPanel;
  std::memset(at<float>(call.workspace, table.weight), 0, sizeof(float) * problem_.batch * rows);
  for (const std::size_t tile : {table.residual, table.s, table.u})
    std::memset(at<float>(call.workspace, tile), 0, sizeof(float) * problem_.batch * rows * classes);
  pool_block_rows(call, table.blocks, [&](const BlockRow& row, Chunk&) {
    const std::int64_t index = row.image * rows + row.block;
    const std::int64_t first = index / kPanel * classes * kPanel + index % kPanel;
    at<float>(call.workspace, table.weight)[index] = static_cast<float>(row.weight);
    for (std::int64_t c = 0; c < classes; ++c) {
      const PooledElement element = pooled_element(row, c);
      at<float>(call.workspace, table.residual)[first + c * kPanel] = element.residual;
      at<float>(call.workspace, table.s)[first + c * kPanel] = element.s;
      at<float>(call.workspace, table.u)[first + c * kPanel] = element.u;
    }
  });
}

FactoredBackend::PanelRows FactoredBackend::panel_rows(const Call& call, const BlockTable& table, std::int64_t image,
                                                       std::int64_t panel) const {
  const std::int64_t index = image * table.num_panels + panel;
  const std::int64_t tile = index * problem_.classes * kPanel;
  return {at<float>(call.workspace, table.residual) + tile, at<float>(call.workspace, table.s) + tile,
          at<float>(call.workspace, table.u) + tile, at<float>(call.workspace, table.weight) + index * kPanel};
}

/// h / W of a panel's blocks, divided by s, in place of their residuals: what a cell's p is multiplied with (eq. 12).
void FactoredBackend::multiply_table_panel(const Call& call, const Part& part, std::int64_t image, std::int64_t panel,
                                           const Chunk& chunk) const {
  const BlockTable& table = tables_[static_cast<std::size_t>(part.table)];
  const PanelRows rows = panel_rows(call, table, image, panel);
  const std::int64_t classes = problem_.classes;
  const float* matrices = coefficients(call, problem_.group_of_image(image)) + part.coefficients;
  const auto product = [&](const float* tile, const float* matrix, Join join) {
    kernels_.product({rows_of_all(tile, kPanel), matrix, nullptr, nullptr, join, kPanel, classes, chunk.work});
  };
  product(rows.residual, matrices, Join::kReplace);
  product(rows.u, matrices + classes * classes, Join::kAdd);
  for (std::int64_t index = 0; index < classes * kPanel; ++index)
    rows.residual[index] = slope_over_s(chunk.work[index], rows.s[index]);
}

}  // namespace arloss::cpu

// The calls that look: rows of the affinities, label distributions, and the check of the inputs.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "cpu/cpu_backend.h"

namespace arloss::cpu {
namespace {

RunFault find_bad_row(const Problem& problem, const AffinityRows& rows) {
  for (std::int64_t r = 0; r < rows.count; ++r)
    if (rows.images[r] < 0 || rows.images[r] >= problem.batch || rows.cells[r] < 0 ||
        rows.cells[r] >= problem.grid.count()) {
      RunFault fault;
      fault.kind = RunFault::Kind::kRow;
      fault.position = r;
      fault.row_image = rows.images[r];
      fault.row_cell = rows.cells[r];
      return fault;
    }
  return {};
}

/// Calls body(cell) for the cells of a box.
template <class Body>
void for_each_cell(const Extent& grid, const Box& box, const Body& body) {
  for (std::int64_t z = box.first.z; z < box.last.z; ++z)
    for (std::int64_t y = box.first.y; y < box.last.y; ++y)
      for (std::int64_t x = box.first.x; x < box.last.x; ++x) body((z * grid.height + y) * grid.width + x);
}

/// Calls body(block) for the blocks of one row of them.
template <class Body>
void for_each_block(const Blocks& blocks, std::int64_t row, const Body& body) {
  const Extent& extent = blocks.extent();
  for (std::int64_t x = 0; x < extent.width; ++x)
    body(Position{row / extent.height % extent.depth, row % extent.height, x});
}

/// Faults among one cell's logits: NaN and +inf always, -inf where no finite logit stands beside it.
struct CellFaults {
  std::int64_t count = 0;
  std::int64_t first_class = -1;
};

template <class LoadClass>
CellFaults find_logit_faults(std::int64_t classes, const LoadClass& load_class) {
  bool has_finite = false;
  for (std::int64_t c = 0; c < classes; ++c) has_finite |= std::isfinite(load_class(c));
  CellFaults faults;
  for (std::int64_t c = 0; c < classes; ++c) {
    const float logit = load_class(c);
    const bool is_masked_class = std::isinf(logit) && logit < 0 && has_finite;
    if (std::isfinite(logit) || is_masked_class) continue;
    if (faults.count++ == 0) faults.first_class = c;
  }
  return faults;
}

}  // namespace

RunFault CpuBackend::affinity_rows(const Buffers& buffers, const AffinityRows& rows) const {
  RunFault fault = find_bad_row(problem_, rows);
  if (fault.is_found()) return fault;
  const Call call = open(buffers);
  fault = pool_labels(call);
  if (fault.is_found()) return fault;
  parallel_for(num_threads_, rows.count, [&](std::int64_t r, int thread) {
    float* out = rows.out + r * problem_.grid.count();
    std::fill_n(out, problem_.grid.count(), 0.0f);
    if (rows.which != ARLOSS_AFFINITY_OUTPUT) write_label_row(call, rows.images[r], rows.cells[r], thread, out);
    if (rows.which != ARLOSS_AFFINITY_LABEL)
      add_output_row(call, rows.images[r], rows.cells[r], thread, rows.which == ARLOSS_AFFINITY_RESIDUAL, out);
    mask_row(call, rows.images[r], rows.cells[r], thread, out);
  });
  return fault;
}

/// out_j = B_ij, block by block of each scale (math.md, eq. 6).
void CpuBackend::write_label_row(const Call& call, std::int64_t image, std::int64_t cell, int thread,
                                 float* out) const {
  Chunk chunk = chunk_of_thread(call, thread);
  double* u = at<double>(scratch(call, thread), offsets_.affinity_row);
  const Position at_cell = position_of(problem_.grid, cell);
  for (const Scale& scale : problem_.scales) {
    const Blocks blocks(problem_.grid, scale.edge);
    std::fill_n(u, problem_.classes, 0.0);
    const Position home{at_cell.z / scale.edge, at_cell.y / scale.edge, at_cell.x / scale.edge};
    pool_.count_cells(call.labels, image, blocks.cells(home), chunk.counter);
    for (int c = 0; c < chunk.counter.num_classes(); ++c)
      u[chunk.counter.label(c)] = std::sqrt(static_cast<double>(chunk.counter.count(c)) / chunk.counter.total());
    chunk.counter.clear();
    for (std::int64_t row = 0; row < blocks.extent().depth * blocks.extent().height; ++row)
      for_each_block(blocks, row, [&](const Position& block) {
        const Box cells = blocks.cells(block);
        pool_.count_cells(call.labels, image, cells, chunk.counter);
        double affinity = 0;
        for (int c = 0; c < chunk.counter.num_classes(); ++c)
          affinity += u[chunk.counter.label(c)] *
                      std::sqrt(static_cast<double>(chunk.counter.count(c)) / chunk.counter.total());
        chunk.counter.clear();
        for_each_cell(problem_.grid, cells,
                      [&](std::int64_t j) { out[j] += static_cast<float>(scale.weight * affinity); });
      });
  }
}

/// out_j = A_ij, or A_ij - out_j.
void CpuBackend::add_output_row(const Call& call, std::int64_t image, std::int64_t cell, int thread, bool is_residual,
                                float* out) const {
  Chunk chunk = chunk_of_thread(call, thread);
  double* s = at<double>(scratch(call, thread), offsets_.affinity_row);
  embed(call, {image, cell, 1}, chunk);
  for (std::int64_t c = 0; c < problem_.classes; ++c) s[c] = static_cast<double>(chunk.s[c * kChunkStride]);
  for (std::int64_t index = 0; index < chunks_per_image(); ++index) {
    const CellRange cells = chunk_cells(image, index);
    embed(call, cells, chunk);
    for (int j = 0; j < cells.count; ++j) {
      double affinity = 0;
      for (std::int64_t c = 0; c < problem_.classes; ++c)
        affinity += s[c] * static_cast<double>(chunk.s[c * kChunkStride + j]);
      if (affinity > 1) affinity = 1;  // by rounding
      float& value = out[cells.first + j];
      value = static_cast<float>(is_residual ? affinity - static_cast<double>(value) : affinity);
    }
  }
}

/// Cells of weight 0 take no part: their row and their column are 0.
void CpuBackend::mask_row(const Call& call, std::int64_t image, std::int64_t cell, int thread, float* out) const {
  Chunk chunk = chunk_of_thread(call, thread);
  load_labels(call, {image, cell, 1}, chunk);
  const bool is_live = chunk.weight[0] > 0;
  for (std::int64_t index = 0; index < chunks_per_image(); ++index) {
    const CellRange cells = chunk_cells(image, index);
    load_labels(call, cells, chunk);
    for (int j = 0; j < cells.count; ++j)
      if (!is_live || chunk.weight[j] == 0) out[cells.first + j] = 0;
  }
}

RunFault CpuBackend::label_distribution(const Buffers& buffers, int scale_index, float* out) const {
  const Call call = open(buffers);
  const RunFault fault = pool_labels(call);
  if (fault.is_found()) return fault;
  const Blocks blocks(problem_.grid, problem_.asked_edges[static_cast<std::size_t>(scale_index)]);
  const std::int64_t rows = blocks.extent().depth * blocks.extent().height;
  parallel_for(num_threads_, problem_.batch * rows, [&](std::int64_t row, int thread) {
    Chunk chunk = chunk_of_thread(call, thread);
    const std::int64_t image = row / rows;
    for_each_block(blocks, row % rows, [&](const Position& block) {
      const Box cells = blocks.cells(block);
      pool_.count_cells(call.labels, image, cells, chunk.counter);
      for_each_cell(problem_.grid, cells, [&](std::int64_t cell) {
        float* t = out + (image * problem_.grid.count() + cell) * problem_.classes;
        std::fill_n(t, problem_.classes, 0.0f);
        for (int c = 0; c < chunk.counter.num_classes(); ++c)
          t[chunk.counter.label(c)] =
              static_cast<float>(static_cast<double>(chunk.counter.count(c)) / chunk.counter.total());
      });
      chunk.counter.clear();
    });
  });
  return fault;
}

RunFault CpuBackend::check(const Buffers& buffers, arloss_report_t* report) const {
  const Call call = open(buffers);
  const LabelPool::Census census =
      pool_.take_census(call.labels, num_threads_, [&](int thread) { return chunk_of_thread(call, thread).counter; });
  std::atomic<std::int64_t> valid_cells{0}, nonfinite{0}, first_nonfinite{INT64_MAX};
  const std::int64_t per_image = chunks_per_image();
  parallel_for(num_threads_, problem_.batch * per_image, [&](std::int64_t task, int thread) {
    Chunk chunk = chunk_of_thread(call, thread);
    const CellRange cells = chunk_cells(task / per_image, task % per_image);
    pool_.write_cell_codes(call.labels, cells.image, cells.first, cells.count, chunk.codes);
    pool_.write_weights(call.labels, cells.image, cells.first, cells.count, chunk.codes, chunk.weight);
    const CellSpan logits = span(call.io.logits, cells);
    const std::int64_t bytes = logit_bytes(logits.dtype);
    for (int i = 0; i < cells.count; ++i) {
      if (!(chunk.weight[i] > 0) || std::isinf(chunk.weight[i])) continue;
      valid_cells.fetch_add(1, std::memory_order_relaxed);
      const char* cell = static_cast<const char*>(logits.data) + i * logits.cell_stride * bytes;
      const CellFaults faults = find_logit_faults(problem_.classes, [&](std::int64_t c) {
        return kernels_.load_logit(cell + c * logits.class_stride * bytes, logits.dtype);
      });
      if (faults.count == 0) continue;
      nonfinite.fetch_add(faults.count, std::memory_order_relaxed);
      const std::int64_t position =
          (cell - static_cast<const char*>(call.io.logits)) / bytes + faults.first_class * logits.class_stride;
      lower(first_nonfinite, position);
    }
  });
  report->valid_cells = valid_cells.load();
  report->ignored_labels = census.ignored;
  report->invalid_labels = census.invalid;
  report->first_invalid_label = census.first_invalid;
  report->nonfinite_logits = nonfinite.load();
  report->first_nonfinite_logit = nonfinite.load() == 0 ? -1 : first_nonfinite.load();
  report->invalid_weights = census.invalid_weights;
  report->first_invalid_weight = census.first_invalid_weight;
  return {};
}

}  // namespace arloss::cpu

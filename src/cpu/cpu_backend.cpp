#include "cpu/cpu_backend.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cpu/block_rows.h"
#include "cpu/factored.h"
#include "cpu/pairwise.h"

namespace arloss {

std::unique_ptr<Backend> make_cpu_backend(const Problem& problem, const Options& options, Route route) {
  if (route == Route::kPairwise) return std::make_unique<cpu::PairwiseBackend>(problem, options);
  return std::make_unique<cpu::FactoredBackend>(problem, options, route);
}

namespace cpu {
namespace {

bool pools_predictions(const Problem& problem, Route route) {
  return route == Route::kFactoredPyramid || (route == Route::kPairwise && problem.scale_mode == ARLOSS_SCALES_PYRAMID);
}

/// Block edges above 1 whose label counts are pooled. A pyramid needs none: it pools the cells' own rows.
std::vector<std::int64_t> pooled_edges(const Problem& problem, Route route) {
  std::vector<std::int64_t> edges;
  if (pools_predictions(problem, route)) return edges;
  for (const Scale& scale : problem.scales)
    if (scale.edge > 1) edges.push_back(scale.edge);
  return edges;
}

std::vector<int> edge_indices(const Problem& problem, Route route) {
  std::vector<int> indices;
  int next = 0;
  for (const Scale& scale : problem.scales)
    indices.push_back(scale.edge > 1 && !pools_predictions(problem, route) ? next++ : -1);
  return indices;
}

/// Of one cell's numbers, `stride` apart, in four chains: one would wait for its sums.
double sum_of_squares(const float* values, std::int64_t stride, std::int64_t count) {
  double sums[4] = {};
  for (std::int64_t first = 0; first < count; first += 4)
    for (std::int64_t c = first; c < std::min(first + 4, count); ++c) {
      const double value = static_cast<double>(values[c * stride]);
      sums[c - first] += value * value;
    }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

CpuBackend::CpuBackend(const Problem& problem, const Options& options, Route route)
    : problem_(problem),
      reduction_(reduction_of(problem)),
      kernels_(simd_kernels()),
      num_threads_(options.num_threads > 0 ? options.num_threads
                                           : std::min(omp_get_num_procs(), omp_get_max_threads())),
      edge_of_scale_(edge_indices(problem, route)),
      pool_(problem_, pooled_edges(problem, route), workspace_),
      most_classes_(std::min(problem.classes, pool_.max_block_labels(1))) {}

void CpuBackend::book_scratch(std::int64_t max_tasks, std::int64_t max_pooled_blocks) {
  const std::int64_t classes = problem_.classes;
  num_threads_ = static_cast<int>(std::min<std::int64_t>(num_threads_, std::max(max_tasks, pool_.max_tasks())));
  offsets_.s = scratch_.book<float>("sqrt(softmax) tile", {classes, kChunkStride});
  offsets_.residual = scratch_.book<float>("residual tile", {classes, kChunkStride});
  offsets_.work = scratch_.book<float>("work tile", {classes, kChunkStride});
  offsets_.weight = scratch_.book<float>("weights", {kChunk});
  offsets_.max_logit = scratch_.book<float>("largest logits", {kChunk});
  offsets_.sum = scratch_.book<float>("exponential sums", {kChunk});
  offsets_.anchor = scratch_.book<std::int32_t>("anchors", {kChunk});
  offsets_.codes = scratch_.book<std::int32_t>("label codes", {kChunk});
  offsets_.blocks = scratch_.book<std::int64_t>("block indices", {edge_index(0) >= 0 ? kChunk : 0});
  offsets_.pure_runs = scratch_.book<PureRun>("runs of pure cells", {kChunk});
  offsets_.mixed_cells = scratch_.book<int>("mixed cells", {kChunk});
  offsets_.counts = scratch_.book<std::uint32_t>("label counter", {classes});
  offsets_.touched = scratch_.book<std::int32_t>("counted classes", {classes});
  offsets_.shares = scratch_.book<LabelShare>("one label row", {classes});
  offsets_.mixed_shares = scratch_.book<LabelShare>("label rows of mixed cells", {mixed_capacity()});
  offsets_.mixed_rows = scratch_.book<LabelRow>("rows of mixed cells", {kChunk});
  offsets_.class_row = scratch_.book<double>("one number a class", {classes});
  offsets_.affinity_row = scratch_.book<double>("one row of an affinity", {classes});
  offsets_.pure_mass = scratch_.book<double>("weight of pure cells", {classes});
  if (max_pooled_blocks > 0)
    block_sums_ = scratch_.book<double>("sums of pooled blocks", {BlockSums::double_count(classes, max_pooled_blocks)});
  scratch_offset_ = workspace_.book<char>("scratch of " + std::to_string(num_threads_) + " threads",
                                          {num_threads_, static_cast<std::int64_t>(scratch_.total())});
}

void* CpuBackend::scratch(const Call& call, int thread) const {
  return at<char>(call.workspace, scratch_offset_) + static_cast<std::size_t>(thread) * scratch_.total();
}

Call CpuBackend::open(const Buffers& buffers) const {
  void* workspace = aligned(buffers.workspace);
  const Call call{buffers.io, buffers.state, workspace, {buffers.io.labels, buffers.io.pixel_weights, workspace}};
  for (int thread = 0; thread < num_threads_; ++thread) {
    void* mine = scratch(call, thread);
    std::memset(at<std::uint32_t>(mine, offsets_.counts), 0, sizeof(std::uint32_t) * problem_.classes);
  }
  return call;
}

Chunk CpuBackend::chunk_of_thread(const Call& call, int thread) const {
  void* mine = scratch(call, thread);
  return {{},
          at<float>(mine, offsets_.s),
          at<float>(mine, offsets_.residual),
          at<float>(mine, offsets_.work),
          at<float>(mine, offsets_.weight),
          at<float>(mine, offsets_.max_logit),
          at<float>(mine, offsets_.sum),
          at<std::int32_t>(mine, offsets_.anchor),
          at<std::int32_t>(mine, offsets_.codes),
          at<std::int64_t>(mine, offsets_.blocks),
          at<PureRun>(mine, offsets_.pure_runs),
          at<int>(mine, offsets_.mixed_cells),
          LabelCounter(at<std::uint32_t>(mine, offsets_.counts), at<std::int32_t>(mine, offsets_.touched)),
          at<LabelShare>(mine, offsets_.shares),
          at<LabelShare>(mine, offsets_.mixed_shares),
          at<LabelRow>(mine, offsets_.mixed_rows),
          at<double>(mine, offsets_.class_row),
          at<double>(mine, offsets_.pure_mass),
          -1,
          0,
          0,
          0,
          0};
}

RunFault CpuBackend::pool_labels(const Call& call) const {
  return pool_.build(call.labels, num_threads_, [&](int thread) { return chunk_of_thread(call, thread).counter; });
}

CellSpan CpuBackend::span(const void* tensor, const CellRange& cells) const {
  const std::int64_t pixels = problem_.grid.count();
  const bool is_planar = problem_.layout == ARLOSS_LAYOUT_NCHW;
  const std::int64_t class_stride = is_planar ? pixels : 1;
  const std::int64_t cell_stride = is_planar ? 1 : problem_.classes;
  const std::int64_t offset = cells.image * pixels * problem_.classes + cells.first * cell_stride;
  return {static_cast<const char*>(tensor) + offset * logit_bytes(problem_.logits_dtype),
          problem_.logits_dtype,
          class_stride,
          cell_stride,
          cells.count,
          problem_.classes};
}

CellRange CpuBackend::chunk_cells(std::int64_t image, std::int64_t chunk) const {
  const std::int64_t first = chunk * kChunk;
  return {image, first, static_cast<int>(std::min<std::int64_t>(kChunk, problem_.grid.count() - first))};
}

void CpuBackend::load_labels(const Call& call, const CellRange& cells, Chunk& chunk) const {
  chunk.cells = cells;
  chunk.row_block = -1;
  std::fill_n(chunk.mixed_rows, kChunk, LabelRow{nullptr, 0});
  chunk.num_mixed_shares = 0;
  pool_.write_cell_codes(call.labels, cells.image, cells.first, cells.count, chunk.codes);
  pool_.write_weights(call.labels, cells.image, cells.first, cells.count, chunk.codes, chunk.weight);
  std::fill(chunk.weight + cells.count, chunk.weight + kChunk, 0.0f);
  if (const int edge = edge_index(0); edge >= 0) {
    pool_.blocks(edge).write_indices(cells.first, cells.count, chunk.blocks);
    const std::int32_t* const codes = pool_.block_codes(call.labels, edge, cells.image);
    for (int i = 0; i < cells.count; ++i) chunk.codes[i] = codes[chunk.blocks[i]];
  }
  for (int i = 0; i < cells.count; ++i) chunk.anchor[i] = std::max(chunk.codes[i], -1);
  std::fill(chunk.anchor + cells.count, chunk.anchor + kChunk, -1);
  sort_cells(chunk);
}

/// Which cells are pure and which mixed.
void CpuBackend::sort_cells(Chunk& chunk) {
  chunk.num_pure_runs = chunk.num_mixed_cells = 0;
  const auto is_live = [&](int i) { return chunk.weight[i] != 0; };
  for (int first = 0, last; first < chunk.cells.count; first = last) {
    const std::int32_t code = chunk.codes[first];
    last = first + 1;
    if (is_live(first) && code == kMixedLabels) chunk.mixed_cells[chunk.num_mixed_cells++] = first;
    if (!is_live(first) || code < 0) continue;
    while (last < chunk.cells.count && chunk.codes[last] == code && is_live(last)) ++last;
    chunk.pure_runs[chunk.num_pure_runs++] = {code, first, last};
  }
}

void CpuBackend::embed(const Call& call, const CellRange& cells, Chunk& chunk, int stride) const {
  load_labels(call, cells, chunk);
  kernels_.embed({span(call.io.logits, cells), stride, chunk.weight, chunk.anchor, chunk.s, chunk.residual,
                  chunk.max_logit, chunk.sum});
  for (int m = 0; m < chunk.num_mixed_cells; ++m) refine_mixed_cell(call, chunk, chunk.mixed_cells[m], stride);
}

/// A chunk's mixed cells have some three classes each; of noise, each as many as label pixels.
std::int64_t CpuBackend::mixed_capacity() const {
  constexpr std::int64_t kSharesPerCell = 3;
  return problem_.labels == problem_.grid ? 0 : kSharesPerCell * kChunk + most_classes_;
}

/// Counted where first asked for: the chunk's rows ask several times.
LabelRow CpuBackend::mixed_cell_row(const Call& call, Chunk& chunk, int i) const {
  if (chunk.mixed_rows[i].shares != nullptr) return chunk.mixed_rows[i];
  const bool has_room = chunk.num_mixed_shares + most_classes_ <= mixed_capacity();
  LabelShare* const shares = has_room ? chunk.mixed_shares + chunk.num_mixed_shares : chunk.shares;
  const LabelRow row{shares,
                     pool_.cell_shares(call.labels, chunk.cells.image, chunk.cells.first + i, chunk.counter, shares)};
  if (has_room) {
    chunk.mixed_rows[i] = row;
    chunk.num_mixed_shares += row.count;
  }
  return row;
}

LabelRow CpuBackend::label_row(const Call& call, Chunk& chunk, int i) const {
  const int edge = edge_index(0);
  if (const std::int32_t code = chunk.codes[i]; code >= 0) {
    chunk.shares[0] = {code, 1.0};
    chunk.row_block = -1;
    return {chunk.shares, 1};
  }
  if (edge < 0) return mixed_cell_row(call, chunk, i);
  if (chunk.row_block != chunk.blocks[i]) {
    chunk.row_block = chunk.blocks[i];
    chunk.row_count = pool_.block_shares(call.labels, edge, chunk.cells.image, chunk.row_block, chunk.shares);
  }
  return {chunk.shares, chunk.row_count};
}

/// s and residual of a cell whose label row mixes classes (math.md, eq. 18): for those classes s - u is the difference
/// of two numbers near each other, so their exponentials and the normaliser are taken in float64 and E is rounded once.
void CpuBackend::refine_mixed_cell(const Call& call, Chunk& chunk, int i, int stride) const {
  const auto [shares, count] = label_row(call, chunk, i);
  const CellSpan logits = span(call.io.logits, {chunk.cells.image, chunk.cells.first + i, 1});
  const auto exponential = [&](std::int32_t label) {
    const char* logit = static_cast<const char*>(logits.data) + label * logits.class_stride * logit_bytes(logits.dtype);
    const double z = static_cast<double>(kernels_.load_logit(logit, logits.dtype));
    return std::exp((z - static_cast<double>(chunk.max_logit[i])) / 2);
  };
  for (int c = 0; c < count; ++c) chunk.s[std::int64_t{shares[c].label} * stride + i] = 0;
  double sum = sum_of_squares(chunk.s + i, stride, problem_.classes) * static_cast<double>(chunk.sum[i]);
  for (int c = 0; c < count; ++c) {
    chunk.class_row[c] = exponential(shares[c].label);
    sum += chunk.class_row[c] * chunk.class_row[c];
  }
  const double inverse_root = 1 / std::sqrt(sum);
  for (int c = 0; c < count; ++c) {
    const double s = chunk.class_row[c] * inverse_root;
    const std::int64_t index = std::int64_t{shares[c].label} * stride + i;
    chunk.s[index] = static_cast<float>(s);
    chunk.residual[index] = static_cast<float>(s - shares[c].u);
  }
}

void CpuBackend::add_box_of_cells(const Call& call, std::int64_t image, const Box& cells, std::int64_t edge,
                                  Chunk& chunk, BlockSums& sums) const {
  const Extent& grid = problem_.grid;
  for (std::int64_t z = cells.first.z; z < cells.last.z; ++z)
    for (std::int64_t y = cells.first.y; y < cells.last.y; ++y)
      for (std::int64_t x = cells.first.x; x < cells.last.x; x += kChunk) {
        const auto count = static_cast<int>(std::min<std::int64_t>(kChunk, cells.last.x - x));
        embed(call, {image, (z * grid.height + y) * grid.width + x, count}, chunk);
        sums.add(chunk, x - cells.first.x, edge, [&](int i) { return label_row(call, chunk, i); });
      }
}

float CpuBackend::upstream(const Call& call, std::int64_t image) const {
  if (call.io.grad_loss == nullptr) return 1;
  return call.io.grad_loss[problem_.reduction == ARLOSS_REDUCTION_NONE ? image : 0];
}

void CpuBackend::add_pooled_slopes(const Blocks& blocks, const float* slopes, const CellRange& cells,
                                   const GradientTile& tile) const {
  std::int64_t block_of_cell[kChunk];
  blocks.write_indices(cells.first, cells.count, block_of_cell);
  for (int i = 0; i < cells.count; ++i) {
    if (tile.weight[i] == 0) continue;
    const std::int64_t block = block_of_cell[i];
    const float* ratio = slopes + block / kPanel * problem_.classes * kPanel + block % kPanel;
    for (std::int64_t c = 0; c < problem_.classes; ++c) {
      const float s = tile.s[c * tile.stride + i];
      tile.v[c * tile.stride + i] += s * s * ratio[c * kPanel];
    }
  }
}

void CpuBackend::write_gradient(const Call& call, const CellRange& cells, const GradientTile& tile, float scale) const {
  kernels_.chain({tile.s, tile.v, tile.weight, scale * upstream(call, cells.image), problem_.accumulate_gradient,
                  tile.stride, span(call.io.grad_logits, cells)});
}

std::string CpuBackend::describe() const {
  return "device: CPU, " + std::to_string(num_threads_) + (num_threads_ == 1 ? " thread" : " threads") +
         "\nsimd: " + kernels_.target_name + "\n";
}

}  // namespace cpu
}  // namespace arloss

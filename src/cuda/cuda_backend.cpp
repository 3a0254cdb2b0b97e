#include "cuda/cuda_backend.h"

#include <algorithm>
#include <set>

#include "cuda/factored_backend.h"
#include "cuda/pairwise_backend.h"
#include "kernels/embed/embed_launch.h"
#include "kernels/finish/finish_launch.h"
#include "kernels/gram/gram_launch.h"
#include "kernels/inspect/inspect_launch.h"
#include "kernels/pool/pool_launch.h"
#include "kernels/pyramid/pyramid_launch.h"
#include "plan/refusal.h"

namespace arloss {

std::unique_ptr<Backend> make_cuda_backend(const Problem& problem, const Options& options, Route route) {
  if (problem.grid.count() > kernels::kMaxImageCells)
    throw Refusal(ARLOSS_STATUS_UNSUPPORTED, Message() << "depth x height x width are " << problem.grid.count()
                                                       << " cells; a CUDA plan takes at most "
                                                       << kernels::kMaxImageCells << " an image");
  if (route == Route::kPairwise) return std::make_unique<cuda::PairwiseBackend>(problem, options);
  return std::make_unique<cuda::FactoredBackend>(problem, options, route);
}

namespace cuda {
namespace {

/// Zeroed at the start of every call: one ticket per kernel that joins its blocks' results itself.
enum Ticket { kLabelTicket, kLogitTicket, kNumTickets };

/// Cells of a block up to which one warp pools them, 32 a lane; larger blocks are pooled from rows of cells.
constexpr std::int64_t kMaxItems = 1024;

kernels::LabelType label_type(arloss_dtype_t dtype) {
  return dtype == ARLOSS_DTYPE_UINT8   ? kernels::LabelType::kUint8
         : dtype == ARLOSS_DTYPE_INT32 ? kernels::LabelType::kInt32
                                       : kernels::LabelType::kInt64;
}

kernels::GridSize grid_size(const Extent& extent) { return {extent.depth, extent.height, extent.width}; }

}  // namespace

CudaBackend::CudaBackend(const Problem& problem, const Options& options)
    : problem_(problem), device_(find_device(options)), reduction_(reduction_of(problem)) {
  tickets_ = workspace_.book<std::uint32_t>("tickets", {kNumTickets});
  book_labels();
  weights_ = workspace_.book<float>("weights", {problem_.batch, cells()});
}

void CudaBackend::book_labels() {
  const std::set<std::int64_t> edges(problem_.asked_edges.begin(), problem_.asked_edges.end());
  const kernels::GridSize cells = grid_size(problem_.grid);
  book_table(1, false, 0, {1, 1, 1}, *edges.rbegin() > 1);
  for (const std::int64_t edge : edges) {
    if (edge == 1) continue;
    const kernels::GridSize block{edge, edge, edge};
    const bool is_large = kernels::max_block_labels(cells, cells, block) > kMaxItems;
    if (is_large) book_table(edge, true, 0, {1, 1, edge}, true);
    book_table(edge, false, is_large ? labels_.size() - 1 : 0, is_large ? kernels::GridSize{edge, edge, 1} : block,
               false);
  }
  census_ = workspace_.book<kernels::LabelCensus>("label census", {1});
  census_slots_ = workspace_.book<kernels::LabelCensus>("label census, in parts",
                                                        {kernels::pool_grid_blocks(problem_.batch, labels_[0].shape)});
  logit_census_ = workspace_.book<kernels::LogitCensus>("logit census", {1});
  logit_census_slots_ =
      workspace_.book<kernels::LogitCensus>("logit census, in parts", {kernels::logit_census_blocks(layout())});
}

void CudaBackend::book_table(std::int64_t edge, bool is_rows, std::size_t source, const kernels::GridSize& items,
                             bool has_totals) {
  const std::int64_t across = is_rows ? 1 : edge;
  LabelTable table{edge, is_rows, source, items, {}, 0, 0, 0};
  table.shape = kernels::label_table(problem_.classes, grid_size(problem_.grid), grid_size(problem_.labels),
                                     {across, across, edge});
  const std::int64_t count = table.shape.grid.count();
  const std::string name = std::string(is_rows ? ", rows of " : ", blocks of ") + std::to_string(edge);
  table.codes = workspace_.book<std::int32_t>("label codes" + name, {problem_.batch, count});
  table.counts =
      workspace_.book<kernels::LabelCount>("label counts" + name, {problem_.batch, count, table.shape.count_stride});
  if (has_totals && table.shape.max_labels > 1)
    table.totals = workspace_.book<std::uint32_t>("label totals" + name, {problem_.batch, count});
  labels_.push_back(table);
}

void CudaBackend::book_rows() {
  norms_ = workspace_.book<kernels::SoftmaxNorm>("softmax norms", {problem_.batch, cells()});
  residual_ = workspace_.book<float>("residuals", {problem_.batch, problem_.classes, cells()});
  if (!is_pyramid()) return;
  for (const Scale& scale : problem_.scales) {
    if (scale.edge == 1) continue;
    RowTable table{
        scale.edge, kernels::block_grid(grid_size(problem_.grid), {scale.edge, scale.edge, scale.edge}), 0, 0, 0, 0};
    const std::string name = " of pooled rows, blocks of " + std::to_string(scale.edge);
    const std::initializer_list<std::int64_t> planes = {problem_.batch, problem_.classes, table.count()};
    table.residual = workspace_.book<float>("residuals" + name, planes);
    table.s = workspace_.book<float>("square roots" + name, planes);
    table.u = workspace_.book<float>("labels" + name, planes);
    table.weights = workspace_.book<float>("weights" + name, {problem_.batch, table.count()});
    tables_.push_back(table);
  }
}

std::string CudaBackend::describe() const {
  return "device: CUDA " + std::to_string(device_.index) + ", " + device_.name + ", compute capability " +
         std::to_string(device_.major) + "." + std::to_string(device_.minor) + "\n";
}

// --- what kernels are handed -----------------------------------------------------------------------------------------

kernels::LogitType CudaBackend::logit_type() const {
  return problem_.logits_dtype == ARLOSS_DTYPE_FLOAT32   ? kernels::LogitType::kFloat32
         : problem_.logits_dtype == ARLOSS_DTYPE_FLOAT16 ? kernels::LogitType::kFloat16
                                                         : kernels::LogitType::kBfloat16;
}

kernels::LogitLayout CudaBackend::layout() const {
  const bool is_planar = problem_.layout == ARLOSS_LAYOUT_NCHW;
  return {problem_.batch, cells(), problem_.classes, is_planar ? 1 : problem_.classes, is_planar ? cells() : 1};
}

kernels::Softmax CudaBackend::softmax(const Call& call) const {
  return {call.io.logits, logit_type(), layout(), at<kernels::SoftmaxNorm>(call.workspace, norms_)};
}

kernels::BlockGrid CudaBackend::blocks_of_edge(std::int64_t edge) const {
  return kernels::BlockGrid(grid_size(problem_.grid), edge);
}

const CudaBackend::LabelTable& CudaBackend::labels_of_edge(std::int64_t edge) const {
  return *std::find_if(labels_.begin(), labels_.end(),
                       [&](const LabelTable& table) { return table.edge == edge && !table.is_rows; });
}

kernels::LabelTable CudaBackend::label_table(const Call& call, const LabelTable& table) const {
  kernels::LabelTable filled = table.shape;
  filled.codes = at<std::int32_t>(call.workspace, table.codes);
  filled.counts = at<kernels::LabelCount>(call.workspace, table.counts);
  if (table.totals != 0) filled.totals = at<std::uint32_t>(call.workspace, table.totals);
  return filled;
}

kernels::LabelScale CudaBackend::label_scale(const Call& call, std::int64_t edge) const {
  const kernels::LabelTable table = label_table(call, labels_of_edge(edge));
  return {table.codes, table.counts, table.count_stride, blocks_of_edge(edge)};
}

/// The scales of the sums over cells, finest first; of a pyramid the cells alone.
kernels::LabelScales CudaBackend::label_scales(const Call& call) const {
  kernels::LabelScales labels{};
  if (is_pyramid()) {
    labels.scales[labels.count++] = label_scale(call, 1);
    return labels;
  }
  for (const Scale& scale : problem_.scales) labels.scales[labels.count++] = label_scale(call, scale.edge);
  return labels;
}

kernels::GradientOutput CudaBackend::gradient_output(const Call& call, const kernels::GroupMatrix& flags) const {
  kernels::GradientOutput out{};
  out.type = logit_type();
  out.layout = layout();
  out.weights = at<float>(call.workspace, weights_);
  out.flags = flags;
  out.grad_loss = call.io.grad_loss;
  out.is_grad_per_image = problem_.reduction == ARLOSS_REDUCTION_NONE;
  out.adds = problem_.accumulate_gradient;
  out.gradient = call.io.grad_logits;
  return out;
}

kernels::ChainParams CudaBackend::chain_params(const Call& call, const kernels::GroupMatrix& flags) const {
  kernels::ChainParams params{};
  params.out = gradient_output(call, flags);
  params.softmax = softmax(call);
  params.labels = label_scale(call, residual_edge());
  params.residual = at<float>(call.workspace, residual_);
  return params;
}

// --- steps of a call -------------------------------------------------------------------------------------------------

/// The labels are read once, by the cells.
void CudaBackend::pool(const Call& call, Tables tables) const {
  call.launch("cudaMemsetAsync", [&] {
    return cudaMemsetAsync(at<char>(call.workspace, tickets_), 0, kNumTickets * sizeof(std::uint32_t),
                           call.stream.handle());
  });
  kernels::PoolParams params{};
  params.labels = call.io.labels;
  params.label_type = label_type(problem_.labels_dtype);
  params.batch = problem_.batch;
  params.classes = problem_.classes;
  params.label_grid = grid_size(problem_.labels);
  params.has_ignore_index = problem_.has_ignore_index;
  params.ignore_index = problem_.ignore_index;
  params.pixel_weights = call.io.pixel_weights;
  params.cells = label_table(call, labels_[0]);
  if (tables == Tables::kCodes) params.cells.counts = nullptr;
  const auto is_coarser = [&](const LabelTable& table) { return table.edge > 1 && is_needed(table, tables); };
  if (std::none_of(labels_.begin(), labels_.end(), is_coarser)) params.cells.totals = nullptr;
  params.weights = at<float>(call.workspace, weights_);
  params.census = {at<kernels::LabelCensus>(call.workspace, census_slots_),
                   at<std::uint32_t>(call.workspace, tickets_) + kLabelTicket,
                   at<kernels::LabelCensus>(call.workspace, census_)};
  call.launch("pool kernel", [&] { return kernels::launch_pool(params, call.stream); });
  pool_tables(call, tables, true);
  pool_tables(call, tables, false);
}

bool CudaBackend::is_needed(const LabelTable& table, Tables tables) const {
  if (tables == Tables::kAll) return true;
  return tables == Tables::kUsed && !is_pyramid() &&
         std::any_of(problem_.scales.begin(), problem_.scales.end(),
                     [&](const Scale& scale) { return scale.edge == table.edge; });
}

/// The coarser tables in two steps: those pooled from the cells, and those pooled from rows of cells.
void CudaBackend::pool_tables(const Call& call, Tables tables, bool from_cells) const {
  kernels::PoolTablesParams params{};
  params.batch = problem_.batch;
  for (const LabelTable& table : labels_)
    if (table.edge > 1 && (table.source == 0) == from_cells && is_needed(table, tables))
      params.tables[params.num_tables++] = {label_table(call, labels_[table.source]), label_table(call, table),
                                            table.items};
  if (params.num_tables > 0)
    call.launch("pool tables kernel", [&] { return kernels::launch_pool_tables(params, call.stream); });
}

void CudaBackend::embed(const Call& call) const {
  kernels::EmbedParams params{};
  params.softmax = softmax(call);
  params.labels = label_scale(call, residual_edge());
  params.weights = at<float>(call.workspace, weights_);
  params.residual = at<float>(call.workspace, residual_);
  call.launch("embed kernel", [&] { return kernels::launch_embed(params, call.stream); });
}

void CudaBackend::pool_rows(const Call& call) const {
  for (const RowTable& table : tables_) {
    kernels::PyramidParams params{};
    params.batch = problem_.batch;
    params.cells = cells();
    params.classes = problem_.classes;
    params.softmax = softmax(call);
    params.labels = label_scale(call, 1);
    params.cell_residual = at<float>(call.workspace, residual_);
    params.cell_weights = at<float>(call.workspace, weights_);
    params.edge = table.edge;
    params.grid = grid_size(problem_.grid);
    params.blocks = table.blocks;
    params.residual = at<float>(call.workspace, table.residual);
    params.s = at<float>(call.workspace, table.s);
    params.u = at<float>(call.workspace, table.u);
    params.weights = at<float>(call.workspace, table.weights);
    call.launch("pyramid kernel", [&] { return kernels::launch_pyramid(params, call.stream); });
  }
}

void CudaBackend::launch_label_sums(const Call& call, kernels::LabelSumsParams params) const {
  params.weights = at<float>(call.workspace, weights_);
  params.batch = problem_.batch;
  params.rows = cells();
  params.classes = problem_.classes;
  params.labels = label_scales(call);
  call.launch("label sums kernel", [&] { return kernels::launch_label_sums(params, call.stream); });
}

void CudaBackend::launch_join(const Call& call, kernels::JoinParams params) const {
  params.groups = problem_.num_groups();
  params.images_per_group = images_per_group();
  params.census = at<kernels::LabelCensus>(call.workspace, census_);
  call.launch("join kernel", [&] { return kernels::launch_join(params, call.stream); });
}

// --- calls -----------------------------------------------------------------------------------------------------------

RunFault CudaBackend::label_distribution(const Buffers& buffers, int scale_index, float* out) const {
  return run(buffers, [&](const Call& call) {
    pool(call, Tables::kAll);
    const std::int64_t edge = problem_.asked_edges[static_cast<std::size_t>(scale_index)];
    const kernels::DistributionParams params{label_scale(call, edge), problem_.batch, cells(), problem_.classes, out};
    call.launch("distribution kernel", [&] { return kernels::launch_distribution(params, call.stream); });
  });
}

RunFault CudaBackend::affinity_rows(const Buffers& buffers, const AffinityRows& rows) const {
  return run(buffers, [&](const Call& call) {
    kernels::AffinityRowsParams params{};
    params.has_output = rows.which != ARLOSS_AFFINITY_LABEL;
    params.has_labels = rows.which != ARLOSS_AFFINITY_OUTPUT;
    pool(call, Tables::kAll);
    params.images = rows.images;
    params.rows = rows.cells;
    params.count = rows.count;
    params.logits = call.io.logits;
    params.type = logit_type();
    params.layout = layout();
    params.weights = at<float>(call.workspace, weights_);
    for (const Scale& scale : problem_.scales) {
      params.omega[params.scales.count] = scale.weight;
      params.scales.scales[params.scales.count++] = label_scale(call, scale.edge);
    }
    params.out = rows.out;
    call.launch("affinity rows kernel", [&] { return kernels::launch_affinity_rows(params, call.stream); });
  });
}

RunFault CudaBackend::check(const Buffers& buffers, arloss_report_t* report) const {
  kernels::LabelCensus labels;
  kernels::LogitCensus logits;
  const RunFault fault = run(buffers, [&](const Call& call) {
    pool(call, Tables::kCodes);
    kernels::LogitCensusParams params{};
    params.logits = call.io.logits;
    params.type = logit_type();
    params.layout = layout();
    params.weights = at<float>(call.workspace, weights_);
    params.census = {at<kernels::LogitCensus>(call.workspace, logit_census_slots_),
                     at<std::uint32_t>(call.workspace, tickets_) + kLogitTicket,
                     at<kernels::LogitCensus>(call.workspace, logit_census_)};
    call.launch("logit census kernel", [&] { return kernels::launch_logit_census(params, call.stream); });
    const auto fetch = [&](void* to, std::size_t offset, std::size_t bytes) {
      call.launch("cudaMemcpyAsync", [&] {
        return cudaMemcpyAsync(to, at<char>(call.workspace, offset), bytes, cudaMemcpyDeviceToHost,
                               call.stream.handle());
      });
    };
    fetch(&labels, census_, sizeof labels);
    fetch(&logits, logit_census_, sizeof logits);
    call.launch("cudaStreamSynchronize", [&] { return cudaStreamSynchronize(call.stream.handle()); });
  });
  if (fault.is_found()) return fault;
  const auto position = [](std::int64_t lowest) { return lowest == kernels::LabelCensus::kNowhere ? -1 : lowest; };
  report->valid_cells = logits.valid_cells;
  report->ignored_labels = labels.ignored;
  report->invalid_labels = labels.invalid;
  report->first_invalid_label = position(labels.first_invalid);
  report->nonfinite_logits = logits.nonfinite;
  report->first_nonfinite_logit = position(logits.first_nonfinite);
  report->invalid_weights = labels.invalid_weights;
  report->first_invalid_weight = position(labels.first_invalid_weight);
  return fault;
}

}  // namespace cuda
}  // namespace arloss

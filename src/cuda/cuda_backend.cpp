#include "cuda/cuda_backend.h"

#include <algorithm>
#include <set>

#include "kernels/embed/embed_launch.h"
#include "kernels/finish/finish_launch.h"
#include "kernels/gradient/gradient_launch.h"
#include "kernels/gram/gram_launch.h"
#include "kernels/inspect/inspect_launch.h"
#include "kernels/pool/pool_launch.h"
#include "kernels/pyramid/pyramid_launch.h"
#include "plan/refusal.h"

namespace arloss {

std::unique_ptr<Backend> make_cuda_backend(const Problem& problem, const Options& options, Route route) {
  if (route == Route::kPairwise)
    throw Refusal(ARLOSS_STATUS_UNSUPPORTED,
                  Message() << "options.device is CUDA (" << static_cast<int>(options.device)
                            << "), which this version serves where the loss has a linear form; this problem, or "
                               "options.algorithm, needs all pairs");
  return std::make_unique<cuda::CudaBackend>(problem, options, route);
}

namespace cuda {
namespace {

/// Zeroed at the start of every call: one ticket per kernel that joins its blocks' results itself.
enum Ticket { kLabelTicket, kLogitTicket, kNumTickets };

/// Slots an image's sums are cut into at most, and rows below which a slot is not worth its own sums.
constexpr std::int64_t kMaxSplits = 32;
constexpr std::int64_t kMinRowsPerSplit = 2 * kernels::RowSplits::kChunk;

kernels::LabelType label_type(arloss_dtype_t dtype) {
  return dtype == ARLOSS_DTYPE_UINT8   ? kernels::LabelType::kUint8
         : dtype == ARLOSS_DTYPE_INT32 ? kernels::LabelType::kInt32
                                       : kernels::LabelType::kInt64;
}

kernels::LogitType logit_type(arloss_dtype_t dtype) {
  return dtype == ARLOSS_DTYPE_FLOAT32   ? kernels::LogitType::kFloat32
         : dtype == ARLOSS_DTYPE_FLOAT16 ? kernels::LogitType::kFloat16
                                         : kernels::LogitType::kBfloat16;
}

kernels::GridSize grid_size(const Extent& extent) { return {extent.depth, extent.height, extent.width}; }

}  // namespace

CudaBackend::CudaBackend(const Problem& problem, const Options& options, Route route)
    : problem_(problem),
      device_(find_device(options)),
      form_(factored_form(problem, route)),
      reduction_(reduction_of(problem)) {
  heads_ = state_.book<double>("additive sums", {problem_.num_groups(), form_.head_count});
  losses_ = state_.book<double>("losses", {problem_.num_groups()});
  coefficients_ = state_.book<float>("gradient matrices", {problem_.num_groups(), form_.coefficient_count});
  tickets_ = workspace_.book<std::uint32_t>("tickets", {kNumTickets});
  book_labels();
  book_rows(route);
  splits_ = choose_splits();
  slots_ = workspace_.book<double>("sums of " + std::to_string(splits_) + " slots an image",
                                   {problem_.batch, splits_, form_.head_count});
}

void CudaBackend::book_labels() {
  std::set<std::int64_t> edges(problem_.asked_edges.begin(), problem_.asked_edges.end());
  edges.insert(1);
  for (const std::int64_t edge : edges) {
    const kernels::PoolParams shape = pool_shape(edge);
    const std::int64_t blocks = kernels::blocks_per_image(shape), stride = kernels::count_stride(shape);
    const std::string name = ", blocks of " + std::to_string(edge);
    LabelTable table{edge, stride, 0, 0};
    table.codes = workspace_.book<std::int32_t>("label codes" + name, {problem_.batch, blocks});
    table.counts = workspace_.book<kernels::LabelCount>("label counts" + name, {problem_.batch, blocks, stride});
    labels_.push_back(table);
  }
  std::int64_t slots = 0;
  for (const std::int64_t edge : edges) slots = std::max(slots, kernels::pool_grid_blocks(pool_shape(edge)));
  census_ = workspace_.book<kernels::LabelCensus>("label census", {1});
  coarse_census_ = workspace_.book<kernels::LabelCensus>("label census of larger blocks", {1});
  census_slots_ = workspace_.book<kernels::LabelCensus>("label census, in parts", {slots});
  logit_census_ = workspace_.book<kernels::LogitCensus>("logit census", {1});
  logit_census_slots_ =
      workspace_.book<kernels::LogitCensus>("logit census, in parts", {kernels::logit_census_blocks(layout())});
}

void CudaBackend::book_rows(Route route) {
  weights_ = workspace_.book<float>("weights", {problem_.batch, cells()});
  norms_ = workspace_.book<kernels::SoftmaxNorm>("softmax norms", {problem_.batch, cells()});
  residual_ = workspace_.book<float>("residuals", {problem_.batch, problem_.classes, cells()});
  h_ = workspace_.book<float>("slopes", {problem_.batch, problem_.classes, cells()});
  if (route != Route::kFactoredPyramid) return;
  for (const Scale& scale : problem_.scales) {
    if (scale.edge == 1) continue;
    RowTable table{scale.edge, kernels::block_grid(pool_shape(scale.edge)), 0, 0, 0, 0};
    const std::string name = " of pooled rows, blocks of " + std::to_string(scale.edge);
    const std::initializer_list<std::int64_t> planes = {problem_.batch, problem_.classes, table.count()};
    table.residual = workspace_.book<float>("residuals" + name, planes);
    table.s = workspace_.book<float>("square roots" + name, planes);
    table.u = workspace_.book<float>("labels" + name, planes);
    table.weights = workspace_.book<float>("weights" + name, {problem_.batch, table.count()});
    tables_.push_back(table);
  }
}

/// Slots depend on the problem alone, so that the order of additions does. Their memory is held to an eighth of the
/// residuals', but for a floor of four.
std::int64_t CudaBackend::choose_splits() const {
  const std::int64_t affordable = problem_.classes * cells() / 16 / form_.head_count;
  const std::int64_t useful = (cells() - 1) / kMinRowsPerSplit + 1;
  return std::min(useful, std::clamp<std::int64_t>(affordable, 4, kMaxSplits));
}

std::string CudaBackend::describe() const {
  return "device: CUDA " + std::to_string(device_.index) + ", " + device_.name + ", compute capability " +
         std::to_string(device_.major) + "." + std::to_string(device_.minor) + "\n";
}

// --- what kernels are handed -----------------------------------------------------------------------------------------

kernels::LogitLayout CudaBackend::layout() const {
  const bool is_planar = problem_.layout == ARLOSS_LAYOUT_NCHW;
  return {problem_.batch, cells(), problem_.classes, is_planar ? 1 : problem_.classes, is_planar ? cells() : 1};
}

kernels::Softmax CudaBackend::softmax(const Call& call) const {
  return {call.io.logits, logit_type(problem_.logits_dtype), layout(),
          at<kernels::SoftmaxNorm>(call.workspace, norms_)};
}

/// Of a launch for blocks of `edge`: all but the pointers.
kernels::PoolParams CudaBackend::pool_shape(std::int64_t edge) const {
  kernels::PoolParams params{};
  params.label_type = label_type(problem_.labels_dtype);
  params.batch = problem_.batch;
  params.classes = problem_.classes;
  params.edge = edge;
  params.grid = grid_size(problem_.grid);
  params.label_grid = grid_size(problem_.labels);
  params.has_ignore_index = problem_.has_ignore_index;
  params.ignore_index = problem_.ignore_index;
  return params;
}

const CudaBackend::LabelTable& CudaBackend::labels_of_edge(std::int64_t edge) const {
  return *std::find_if(labels_.begin(), labels_.end(), [&](const LabelTable& table) { return table.edge == edge; });
}

kernels::LabelScale CudaBackend::label_scale(const Call& call, std::int64_t edge) const {
  const LabelTable& table = labels_of_edge(edge);
  return {at<std::int32_t>(call.workspace, table.codes), at<kernels::LabelCount>(call.workspace, table.counts),
          table.count_stride, edge, grid_size(problem_.grid)};
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

kernels::SumSlots CudaBackend::slots(const Call& call) const {
  return {at<double>(call.workspace, slots_), form_.head_count, splits_};
}

kernels::GroupMatrix CudaBackend::group_matrix(const Call& call, std::int64_t offset) const {
  return {at<float>(call.state, coefficients_) + offset, form_.coefficient_count,
          problem_.batch / problem_.num_groups()};
}

// --- steps of a call -------------------------------------------------------------------------------------------------

/// Label tables of the edges in use (for inspection: of all that were asked for), weights and the census.
void CudaBackend::pool(const Call& call, bool for_inspection) const {
  call.launch("cudaMemsetAsync", [&] {
    return cudaMemsetAsync(at<char>(call.workspace, tickets_), 0, kNumTickets * sizeof(std::uint32_t), call.stream);
  });
  for (const LabelTable& table : labels_) {
    const bool is_used = !is_pyramid() && std::any_of(problem_.scales.begin(), problem_.scales.end(),
                                                      [&](const Scale& scale) { return scale.edge == table.edge; });
    if (table.edge > 1 && !is_used && !for_inspection) continue;
    const bool is_cells = table.edge == 1;
    kernels::PoolParams params = pool_shape(table.edge);
    params.labels = call.io.labels;
    params.codes = at<std::int32_t>(call.workspace, table.codes);
    params.counts = at<kernels::LabelCount>(call.workspace, table.counts);
    params.pixel_weights = is_cells ? call.io.pixel_weights : nullptr;
    params.weights = is_cells ? at<float>(call.workspace, weights_) : nullptr;
    params.census = {at<kernels::LabelCensus>(call.workspace, census_slots_),
                     at<std::uint32_t>(call.workspace, tickets_) + kLabelTicket,
                     at<kernels::LabelCensus>(call.workspace, is_cells ? census_ : coarse_census_)};
    call.launch("pool kernel", [&] { return kernels::launch_pool(params, call.stream); });
  }
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
    params.blocks = table.blocks;
    params.residual = at<float>(call.workspace, table.residual);
    params.s = at<float>(call.workspace, table.s);
    params.u = at<float>(call.workspace, table.u);
    params.weights = at<float>(call.workspace, table.weights);
    call.launch("pyramid kernel", [&] { return kernels::launch_pyramid(params, call.stream); });
  }
}

/// From the caller's tensors to rows of residuals.
void CudaBackend::prepare(const Call& call) const {
  pool(call, false);
  embed(call);
  pool_rows(call);
}

void CudaBackend::sum(const Call& call) const {
  call.launch("cudaMemsetAsync", [&] {
    const std::int64_t count = problem_.batch * splits_ * form_.head_count;
    return cudaMemsetAsync(at<char>(call.workspace, slots_), 0, static_cast<std::size_t>(count) * sizeof(double),
                           call.stream);
  });
  sum_labels(call);
  for (int p = 0; p < form_.num_parts; ++p)
    form_.parts[p].table < 0 ? sum_cells(call, form_.parts[p]) : sum_table(call, form_.parts[p]);
  join(call);
}

void CudaBackend::sum_labels(const Call& call) const {
  using Sums = kernels::LabelSumsParams::Sums;
  const math::FactoredForm::Part* const end = form_.parts + form_.num_parts;
  const auto* const part =
      std::find_if(form_.parts, end, [](const math::FactoredForm::Part& p) { return p.table < 0; });
  kernels::LabelSumsParams params{};
  params.sums = part == end ? Sums::kWeightsOnly : form_.is_absolute ? Sums::kClassWeights : Sums::kMatrices;
  params.weights = at<float>(call.workspace, weights_);
  params.batch = problem_.batch;
  params.rows = cells();
  params.classes = problem_.classes;
  params.labels = label_scales(call);
  params.slots = slots(call);
  params.offset = part == end ? 0 : part->sums;
  call.launch("label sums kernel", [&] { return kernels::launch_label_sums(params, call.stream); });
}

/// P, Q_1 and D_k over the cells; for ABSOLUTE Q_1 alone.
void CudaBackend::sum_cells(const Call& call, const math::FactoredForm::Part& part) const {
  kernels::LabelGramParams labels{};
  labels.residual = at<float>(call.workspace, residual_);
  labels.weights = at<float>(call.workspace, weights_);
  labels.batch = problem_.batch;
  labels.rows = cells();
  labels.classes = problem_.classes;
  labels.slots = slots(call);
  labels.finest = label_scale(call, residual_edge());
  const auto launch = [&] { return kernels::launch_label_gram(labels, call.stream); };
  if (form_.is_absolute) {
    labels.offset = part.sums + problem_.classes;
    return call.launch("label gram kernel", launch);
  }
  double* const slot = labels.slots.base;
  const math::ResidualSums sums = form_.sums(part, slot);
  labels.offset = sums.q() - slot;
  call.launch("label gram kernel", launch);
  for (int k = 1; k < part.num_scales; ++k) {
    labels.coarser = label_scale(call, problem_.scales[static_cast<std::size_t>(k)].edge);
    labels.offset = sums.d(k) - slot;
    call.launch("label gram kernel", launch);
  }
  gram(call, {labels.residual, labels.residual, labels.weights, cells(), sums.p() - slot});
}

/// P, Q and R over the pooled rows of one scale.
void CudaBackend::sum_table(const Call& call, const math::FactoredForm::Part& part) const {
  const RowTable& table = tables_[static_cast<std::size_t>(part.table)];
  const auto* const residual = at<float>(call.workspace, table.residual);
  const auto* const u = at<float>(call.workspace, table.u);
  const auto* const weights = at<float>(call.workspace, table.weights);
  double* const slot = slots(call).base;
  const math::ResidualSums sums = form_.sums(part, slot);
  gram(call, {residual, residual, weights, table.count(), sums.p() - slot});
  gram(call, {u, residual, weights, table.count(), sums.q() - slot});
  gram(call, {u, u, weights, table.count(), sums.r(0, 0) - slot});
}

void CudaBackend::gram(const Call& call, const Product& product) const {
  kernels::GramParams params{};
  params.left = product.left;
  params.right = product.right;
  params.weights = product.weights;
  params.batch = problem_.batch;
  params.rows = product.rows;
  params.classes = problem_.classes;
  params.is_symmetric = product.left == product.right;
  params.slots = slots(call);
  params.offset = product.offset;
  call.launch("gram kernel", [&] { return kernels::launch_gram(params, call.stream); });
}

void CudaBackend::join(const Call& call) const {
  kernels::JoinParams params{};
  params.slots = slots(call);
  params.groups = problem_.num_groups();
  params.slots_per_group = problem_.batch / problem_.num_groups() * splits_;
  params.census = at<kernels::LabelCensus>(call.workspace, census_);
  params.heads = at<double>(call.state, heads_);
  call.launch("join kernel", [&] { return kernels::launch_join(params, call.stream); });
}

void CudaBackend::write_loss(const Call& call) const {
  kernels::FinishParams params{};
  params.form = form_;
  params.reduction = reduction_;
  params.groups = problem_.num_groups();
  params.is_per_group = problem_.reduction == ARLOSS_REDUCTION_NONE;
  params.heads = at<double>(call.state, heads_);
  params.losses = at<double>(call.state, losses_);
  params.coefficients = at<float>(call.state, coefficients_);
  params.loss = call.io.loss;
  call.launch("finish kernel", [&] { return kernels::launch_finish(params, call.stream); });
}

void CudaBackend::write_gradient(const Call& call) const {
  kernels::ChainParams params{};
  params.softmax = softmax(call);
  params.labels = label_scale(call, residual_edge());
  params.residual = at<float>(call.workspace, residual_);
  params.weights = at<float>(call.workspace, weights_);
  for (int p = 0; p < form_.num_parts; ++p) {
    const math::FactoredForm::Part& part = form_.parts[p];
    if (part.table < 0) {
      multiply_cells(call, part);
      params.h = at<float>(call.workspace, h_);
    } else {
      const RowTable& table = tables_[static_cast<std::size_t>(part.table)];
      multiply_table(call, part);
      kernels::LabelScale blocks{};
      blocks.edge = table.edge;
      blocks.grid = grid_size(problem_.grid);
      params.tables[params.num_tables++] = {at<float>(call.workspace, table.s), blocks};
    }
  }
  params.flags = group_matrix(call, 0);
  params.grad_loss = call.io.grad_loss;
  params.is_grad_per_image = problem_.reduction == ARLOSS_REDUCTION_NONE;
  params.adds = problem_.accumulate_gradient;
  params.gradient = call.io.grad_logits;
  call.launch("chain kernel", [&] { return kernels::launch_chain(params, call.stream); });
}

void CudaBackend::multiply_cells(const Call& call, const math::FactoredForm::Part& part) const {
  const std::int64_t size = problem_.classes * problem_.classes;
  kernels::MultiplyParams params{};
  params.batch = problem_.batch;
  params.rows = cells();
  params.classes = problem_.classes;
  if (!form_.is_absolute) {
    params.num_terms = 1;
    params.planes[0] = at<float>(call.workspace, residual_);
    params.matrices[0] = group_matrix(call, part.coefficients);
  }
  params.labels = label_scales(call);
  params.label_matrix = group_matrix(call, part.coefficients + (form_.is_absolute ? 0 : size));
  params.difference_matrices = group_matrix(call, part.coefficients + 2 * size);
  params.out = at<float>(call.workspace, h_);
  call.launch("multiply kernel", [&] { return kernels::launch_multiply(params, call.stream); });
}

/// h / (W s) of the pooled rows, in place of their s.
void CudaBackend::multiply_table(const Call& call, const math::FactoredForm::Part& part) const {
  const RowTable& table = tables_[static_cast<std::size_t>(part.table)];
  kernels::MultiplyParams params{};
  params.batch = problem_.batch;
  params.rows = table.count();
  params.classes = problem_.classes;
  params.num_terms = 2;
  params.planes[0] = at<float>(call.workspace, table.residual);
  params.planes[1] = at<float>(call.workspace, table.u);
  params.matrices[0] = group_matrix(call, part.coefficients);
  params.matrices[1] = group_matrix(call, part.coefficients + problem_.classes * problem_.classes);
  params.s = at<float>(call.workspace, table.s);
  params.out = at<float>(call.workspace, table.s);
  call.launch("multiply kernel", [&] { return kernels::launch_multiply(params, call.stream); });
}

// --- calls -----------------------------------------------------------------------------------------------------------

template <class Body>
RunFault CudaBackend::run(const Buffers& buffers, const Body& body) const {
  const DeviceGuard guard(device_.index);
  Sequence launch(guard);
  body(Call{buffers.io, buffers.state, aligned(buffers.workspace), static_cast<cudaStream_t>(buffers.stream), launch});
  return launch.fault();
}

RunFault CudaBackend::accumulate(const Buffers& buffers) const {
  return run(buffers, [&](const Call& call) {
    prepare(call);
    sum(call);
  });
}

RunFault CudaBackend::finish(const Buffers& buffers) const {
  return run(buffers, [&](const Call& call) { write_loss(call); });
}

RunFault CudaBackend::forward(const Buffers& buffers) const {
  return run(buffers, [&](const Call& call) {
    prepare(call);
    sum(call);
    write_loss(call);
  });
}

RunFault CudaBackend::backward(const Buffers& buffers) const {
  return run(buffers, [&](const Call& call) {
    prepare(call);
    write_gradient(call);
  });
}

RunFault CudaBackend::forward_backward(const Buffers& buffers) const {
  return run(buffers, [&](const Call& call) {
    prepare(call);
    sum(call);
    write_loss(call);
    write_gradient(call);
  });
}

RunFault CudaBackend::label_distribution(const Buffers& buffers, int scale_index, float* out) const {
  return run(buffers, [&](const Call& call) {
    pool(call, true);
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
    pool(call, true);
    if (params.has_output) embed(call);
    params.images = rows.images;
    params.rows = rows.cells;
    params.count = rows.count;
    params.batch = problem_.batch;
    params.cells = cells();
    params.classes = problem_.classes;
    params.weights = at<float>(call.workspace, weights_);
    params.labels = label_scale(call, residual_edge());
    params.residual = at<float>(call.workspace, residual_);
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
    pool(call, false);
    kernels::LogitCensusParams params{};
    params.logits = call.io.logits;
    params.type = logit_type(problem_.logits_dtype);
    params.layout = layout();
    params.weights = at<float>(call.workspace, weights_);
    params.census = {at<kernels::LogitCensus>(call.workspace, logit_census_slots_),
                     at<std::uint32_t>(call.workspace, tickets_) + kLogitTicket,
                     at<kernels::LogitCensus>(call.workspace, logit_census_)};
    call.launch("logit census kernel", [&] { return kernels::launch_logit_census(params, call.stream); });
    const auto fetch = [&](void* to, std::size_t offset, std::size_t bytes) {
      call.launch("cudaMemcpyAsync", [&] {
        return cudaMemcpyAsync(to, at<char>(call.workspace, offset), bytes, cudaMemcpyDeviceToHost, call.stream);
      });
    };
    fetch(&labels, census_, sizeof labels);
    fetch(&logits, logit_census_, sizeof logits);
    call.launch("cudaStreamSynchronize", [&] { return cudaStreamSynchronize(call.stream); });
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

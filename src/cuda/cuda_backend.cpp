#include "cuda/cuda_backend.h"

#include <algorithm>
#include <set>

#include "kernels/embed/embed_launch.h"
#include "kernels/finish/finish_launch.h"
#include "kernels/fused/fused_launch.h"
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
  if (problem.grid.count() > kernels::kMaxImageCells)
    throw Refusal(ARLOSS_STATUS_UNSUPPORTED, Message() << "depth x height x width are " << problem.grid.count()
                                                       << " cells; a CUDA plan takes at most "
                                                       << kernels::kMaxImageCells << " an image");
  return std::make_unique<cuda::CudaBackend>(problem, options, route);
}

namespace cuda {
namespace {

/// Zeroed at the start of every call: one ticket per kernel that joins its blocks' results itself.
enum Ticket { kLabelTicket, kLogitTicket, kNumTickets };

/// Rows below which a slot is not worth its own sums.
constexpr std::int64_t kMinRowsPerSplit = 2 * kernels::RowSplits::kChunk;
/// Slots an image's sums are cut into at most where rows of E are summed too.
constexpr std::int64_t kMaxSplits = 32;
/// Slots of labels alone in a batch: two blocks to each of 132 multiprocessors.
constexpr std::int64_t kLabelSlots = 264;
/// Bytes that they may have however few the logits are.
constexpr std::int64_t kMinLabelSlotBytes = 4 << 20;

/// Cells of a block up to which one warp pools them, 32 a lane; larger blocks are pooled from rows of cells.
constexpr std::int64_t kMaxItems = 1024;

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
  losses_ = state_.book<double>("losses", {problem_.num_groups(), kernels::FinishTile::parts(form_.num_terms())});
  coefficients_ = state_.book<float>("gradient matrices", {problem_.num_groups(), form_.coefficient_count});
  tickets_ = workspace_.book<std::uint32_t>("tickets", {kNumTickets});
  if (route != Route::kFactoredPyramid && problem_.classes <= kernels::kMaxFusedClasses &&
      kernels::fused_shared_bytes(problem_.classes) <= device_.shared_per_block)
    product_count_ = form_.product_count();
  book_labels();
  book_rows(route);
  book_slots();
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

void CudaBackend::book_rows(Route route) {
  weights_ = workspace_.book<float>("weights", {problem_.batch, cells()});
  if (is_fused()) return;
  norms_ = workspace_.book<kernels::SoftmaxNorm>("softmax norms", {problem_.batch, cells()});
  residual_ = workspace_.book<float>("residuals", {problem_.batch, problem_.classes, cells()});
  h_ = workspace_.book<float>("slopes", {problem_.batch, problem_.classes, cells()});
  if (route != Route::kFactoredPyramid) return;
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

/// Slots depend on the problem alone, so that the order of additions does. Their memory is held to an eighth of the
/// residuals', but for a floor of four; that of slots of labels alone to a sixteenth of the logits', as float32.
std::int64_t CudaBackend::choose_splits() const {
  const std::int64_t count = form_.head_count - product_count_, image = problem_.classes * cells();
  const std::int64_t useful = (cells() - 1) / kMinRowsPerSplit + 1;
  if (!is_fused()) return std::min(useful, std::clamp<std::int64_t>(image / 16 / count, 4, kMaxSplits));
  const std::int64_t bytes = std::max(kMinLabelSlotBytes, problem_.batch * image / 4);
  const std::int64_t affordable = bytes / (problem_.batch * count * static_cast<std::int64_t>(sizeof(double)));
  return std::clamp<std::int64_t>(std::min(affordable, (kLabelSlots - 1) / problem_.batch + 1), 1, useful);
}

void CudaBackend::book_slots() {
  splits_ = choose_splits();
  const auto name = [](std::int64_t splits) { return " of " + std::to_string(splits) + " slots an image"; };
  slots_ =
      workspace_.book<double>("sums" + name(splits_), {problem_.batch, splits_, form_.head_count - product_count_});
  if (!is_fused()) return;
  product_splits_ = kernels::fused_splits(problem_.batch, cells(), problem_.classes).splits;
  product_slots_ =
      workspace_.book<float>("products" + name(product_splits_), {problem_.batch, product_splits_, product_count_});
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
  return {table.codes, table.counts, table.count_stride, kernels::BlockGrid(grid_size(problem_.grid), edge)};
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

kernels::SumSlots<double> CudaBackend::slots(const Call& call) const {
  return {at<double>(call.workspace, slots_), form_.head_count - product_count_, splits_};
}

kernels::SumSlots<float> CudaBackend::product_slots(const Call& call) const {
  if (!is_fused()) return {};
  return {at<float>(call.workspace, product_slots_), product_count_, product_splits_};
}

kernels::GradientOutput CudaBackend::gradient_output(const Call& call) const {
  kernels::GradientOutput out{};
  out.type = logit_type(problem_.logits_dtype);
  out.layout = layout();
  out.weights = at<float>(call.workspace, weights_);
  out.flags = group_matrix(call, 0);
  out.grad_loss = call.io.grad_loss;
  out.is_grad_per_image = problem_.reduction == ARLOSS_REDUCTION_NONE;
  out.adds = problem_.accumulate_gradient;
  out.gradient = call.io.grad_logits;
  return out;
}

kernels::GroupMatrix CudaBackend::group_matrix(const Call& call, std::int64_t offset) const {
  return {at<float>(call.state, coefficients_) + offset, form_.coefficient_count,
          problem_.batch / problem_.num_groups()};
}

// --- steps of a call -------------------------------------------------------------------------------------------------

/// Label tables, weights and the census: the labels are read once, by the cells.
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

/// From the caller's tensors to rows of residuals.
void CudaBackend::prepare(const Call& call) const {
  pool(call, Tables::kUsed);
  if (is_fused()) return;
  embed(call);
  pool_rows(call);
}

void CudaBackend::sum(const Call& call) const {
  if (is_fused()) {
    sum_labels(call);
    sum_logits(call);
    return join(call);
  }
  call.launch("cudaMemsetAsync", [&] {
    const std::int64_t count = problem_.batch * splits_ * slots(call).stride;
    return cudaMemsetAsync(at<char>(call.workspace, slots_), 0, static_cast<std::size_t>(count) * sizeof(double),
                           call.stream.handle());
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
  // Slots without products: what follows them lies that much lower.
  params.offset = part == end ? 0 : part->sums - (form_.is_absolute ? 0 : product_count_);
  call.launch("label sums kernel", [&] { return kernels::launch_label_sums(params, call.stream); });
}

/// P, Q_1 and D_k, or Q_1 alone for ABSOLUTE, from the logits.
void CudaBackend::sum_logits(const Call& call) const {
  const kernels::SumSlots<float> slots = product_slots(call);
  const std::int64_t size = problem_.classes * problem_.classes;
  kernels::FusedSumsParams params{};
  params.logits = call.io.logits;
  params.type = logit_type(problem_.logits_dtype);
  params.layout = layout();
  params.finest = label_scale(call, residual_edge());
  params.weights = at<float>(call.workspace, weights_);
  params.stride = slots.stride;
  params.p = form_.is_absolute ? nullptr : slots.base;
  params.q = slots.base + (form_.is_absolute ? 0 : size);
  const auto launch = [&] { return kernels::launch_fused_sums(params, call.stream); };
  call.launch("fused sums kernel", launch);
  params.p = nullptr;
  for (int k = 1; !form_.is_absolute && k < form_.parts[0].num_scales; ++k) {
    params.coarser = label_scale(call, problem_.scales[static_cast<std::size_t>(k)].edge);
    params.q += size;
    call.launch("fused sums kernel", launch);
  }
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
  params.groups = problem_.num_groups();
  params.images_per_group = problem_.batch / problem_.num_groups();
  params.head_count = form_.head_count;
  params.sums = slots(call);
  params.products = product_slots(call);
  params.first_product = form_.first_product();
  params.symmetric_classes = is_fused() && !form_.is_absolute ? problem_.classes : 0;
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
  params.parts = kernels::FinishTile::parts(form_.num_terms());
  params.losses = at<double>(call.state, losses_);
  params.coefficients = at<float>(call.state, coefficients_);
  params.loss = call.io.loss;
  call.launch("finish kernel", [&] { return kernels::launch_finish(params, call.stream); });
}

void CudaBackend::write_gradient(const Call& call) const {
  if (is_fused()) return write_fused_gradient(call);
  kernels::ChainParams params{};
  params.out = gradient_output(call);
  params.softmax = softmax(call);
  params.labels = label_scale(call, residual_edge());
  params.residual = at<float>(call.workspace, residual_);
  for (int p = 0; p < form_.num_parts; ++p) {
    const math::FactoredForm::Part& part = form_.parts[p];
    if (part.table < 0) {
      multiply_cells(call, part);
      params.h = at<float>(call.workspace, h_);
    } else {
      const RowTable& table = tables_[static_cast<std::size_t>(part.table)];
      multiply_table(call, part);
      params.tables[params.num_tables++] = {at<float>(call.workspace, table.s),
                                            kernels::BlockGrid(grid_size(problem_.grid), table.edge)};
    }
  }
  call.launch("chain kernel", [&] { return kernels::launch_chain(params, call.stream); });
}

void CudaBackend::write_fused_gradient(const Call& call) const {
  const math::FactoredForm::Part& part = form_.parts[0];
  const std::int64_t size = problem_.classes * problem_.classes;
  kernels::FusedGradientParams params{};
  params.out = gradient_output(call);
  params.logits = call.io.logits;
  params.labels = label_scales(call);
  params.has_residual_matrix = !form_.is_absolute;
  params.residual_matrix = group_matrix(call, part.coefficients);
  params.label_matrix = group_matrix(call, part.coefficients + (form_.is_absolute ? 0 : size));
  params.difference_matrices = group_matrix(call, part.coefficients + 2 * size);
  call.launch("fused gradient kernel", [&] { return kernels::launch_fused_gradient(params, call.stream); });
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
  kernels::LaunchStream stream(static_cast<cudaStream_t>(buffers.stream), device_.kernels_can_overlap);
  body(Call{buffers.io, buffers.state, aligned(buffers.workspace), stream, launch});
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
    params.type = logit_type(problem_.logits_dtype);
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
    params.type = logit_type(problem_.logits_dtype);
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

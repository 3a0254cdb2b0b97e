#include "cuda/factored_backend.h"

#include <algorithm>

#include "kernels/finish/finish_launch.h"
#include "kernels/fused/fused_launch.h"
#include "kernels/gradient/gradient_launch.h"
#include "kernels/gram/gram_launch.h"

namespace arloss::cuda {
namespace {

/// Rows below which a slot is not worth its own sums.
constexpr std::int64_t kMinRowsPerSplit = 2 * kernels::RowSplits::kChunk;
/// Slots an image's sums are cut into at most where rows of E are summed too.
constexpr std::int64_t kMaxSplits = 32;
/// Slots of labels alone in a batch: two blocks to each of 132 multiprocessors.
constexpr std::int64_t kLabelSlots = 264;
/// Bytes that they may have however few the logits are.
constexpr std::int64_t kMinLabelSlotBytes = 4 << 20;

}  // namespace

FactoredBackend::FactoredBackend(const Problem& problem, const Options& options, Route route)
    : CudaBackend(problem, options), form_(factored_form(problem, route)) {
  heads_ = state_.book<double>("additive sums", {problem_.num_groups(), form_.head_count});
  losses_ = state_.book<double>("losses", {problem_.num_groups(), kernels::FinishTile::parts(form_.num_terms())});
  coefficients_ = state_.book<float>("gradient matrices", {problem_.num_groups(), form_.coefficient_count});
  if (route != Route::kFactoredPyramid && problem_.classes <= kernels::kMaxFusedClasses &&
      kernels::fused_shared_bytes(problem_.classes) <= device_.shared_per_block)
    product_count_ = form_.product_count();
  if (!is_fused()) {
    book_rows();
    h_ = workspace_.book<float>("slopes", {problem_.batch, problem_.classes, cells()});
  }
  book_slots();
}

/// Slots depend on the problem alone, so that the order of additions does. Their memory is held to an eighth of the
/// residuals', but for a floor of four; that of slots of labels alone to a sixteenth of the logits', as float32.
std::int64_t FactoredBackend::choose_splits() const {
  const std::int64_t count = form_.head_count - product_count_, image = problem_.classes * cells();
  const std::int64_t useful = (cells() - 1) / kMinRowsPerSplit + 1;
  if (!is_fused()) return std::min(useful, std::clamp<std::int64_t>(image / 16 / count, 4, kMaxSplits));
  const std::int64_t bytes = std::max(kMinLabelSlotBytes, problem_.batch * image / 4);
  const std::int64_t affordable = bytes / (problem_.batch * count * static_cast<std::int64_t>(sizeof(double)));
  return std::clamp<std::int64_t>(std::min(affordable, (kLabelSlots - 1) / problem_.batch + 1), 1, useful);
}

void FactoredBackend::book_slots() {
  splits_ = choose_splits();
  const auto name = [](std::int64_t splits) { return " of " + std::to_string(splits) + " slots an image"; };
  slots_ =
      workspace_.book<double>("sums" + name(splits_), {problem_.batch, splits_, form_.head_count - product_count_});
  if (!is_fused()) return;
  product_splits_ = kernels::fused_splits(problem_.batch, cells(), problem_.classes).splits;
  product_slots_ =
      workspace_.book<float>("products" + name(product_splits_), {problem_.batch, product_splits_, product_count_});
}

// --- what kernels are handed -----------------------------------------------------------------------------------------

kernels::SumSlots<double> FactoredBackend::slots(const Call& call) const {
  return {at<double>(call.workspace, slots_), form_.head_count - product_count_, splits_};
}

kernels::SumSlots<float> FactoredBackend::product_slots(const Call& call) const {
  if (!is_fused()) return {};
  return {at<float>(call.workspace, product_slots_), product_count_, product_splits_};
}

kernels::GroupMatrix FactoredBackend::group_matrix(const Call& call, std::int64_t offset) const {
  return {at<float>(call.state, coefficients_) + offset, form_.coefficient_count, images_per_group()};
}

// --- steps of a call -------------------------------------------------------------------------------------------------

/// From the caller's tensors to rows of residuals.
void FactoredBackend::prepare(const Call& call) const {
  pool(call, Tables::kUsed);
  if (is_fused()) return;
  embed(call);
  pool_rows(call);
}

void FactoredBackend::sum(const Call& call) const {
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

void FactoredBackend::sum_labels(const Call& call) const {
  using Sums = kernels::LabelSumsParams::Sums;
  const Part* const end = form_.parts + form_.num_parts;
  const auto* const part = std::find_if(form_.parts, end, [](const Part& p) { return p.table < 0; });
  kernels::LabelSumsParams params{};
  params.sums = part == end ? Sums::kWeightsOnly : form_.is_absolute ? Sums::kClassWeights : Sums::kMatrices;
  params.slots = slots(call);
  // Slots without products: what follows them lies that much lower.
  params.offset = part == end ? 0 : part->sums - (form_.is_absolute ? 0 : product_count_);
  launch_label_sums(call, params);
}

/// P, Q_1 and D_k, or Q_1 alone for ABSOLUTE, from the logits.
void FactoredBackend::sum_logits(const Call& call) const {
  const kernels::SumSlots<float> slots = product_slots(call);
  const std::int64_t size = problem_.classes * problem_.classes;
  kernels::FusedSumsParams params{};
  params.logits = call.io.logits;
  params.type = logit_type();
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
void FactoredBackend::sum_cells(const Call& call, const Part& part) const {
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
void FactoredBackend::sum_table(const Call& call, const Part& part) const {
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

void FactoredBackend::gram(const Call& call, const Product& product) const {
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

void FactoredBackend::join(const Call& call) const {
  kernels::JoinParams params{};
  params.head_count = form_.head_count;
  params.sums = slots(call);
  params.products = product_slots(call);
  params.first_product = form_.first_product();
  params.symmetric_classes = is_fused() && !form_.is_absolute ? problem_.classes : 0;
  params.heads = at<double>(call.state, heads_);
  launch_join(call, params);
}

void FactoredBackend::write_loss(const Call& call) const {
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

void FactoredBackend::write_gradient(const Call& call) const {
  if (is_fused()) return write_fused_gradient(call);
  kernels::ChainParams params = chain_params(call, group_matrix(call, 0));
  for (int p = 0; p < form_.num_parts; ++p) {
    const Part& part = form_.parts[p];
    if (part.table < 0) {
      multiply_cells(call, part);
      params.h = at<float>(call.workspace, h_);
    } else {
      const RowTable& table = tables_[static_cast<std::size_t>(part.table)];
      multiply_table(call, part);
      params.tables[params.num_tables++] = {at<float>(call.workspace, table.s), blocks_of_edge(table.edge)};
    }
  }
  call.launch("chain kernel", [&] { return kernels::launch_chain(params, call.stream); });
}

void FactoredBackend::write_fused_gradient(const Call& call) const {
  const Part& part = form_.parts[0];
  const std::int64_t size = problem_.classes * problem_.classes;
  kernels::FusedGradientParams params{};
  params.out = gradient_output(call, group_matrix(call, 0));
  params.logits = call.io.logits;
  params.labels = label_scales(call);
  params.has_residual_matrix = !form_.is_absolute;
  params.residual_matrix = group_matrix(call, part.coefficients);
  params.label_matrix = group_matrix(call, part.coefficients + (form_.is_absolute ? 0 : size));
  params.difference_matrices = group_matrix(call, part.coefficients + 2 * size);
  call.launch("fused gradient kernel", [&] { return kernels::launch_fused_gradient(params, call.stream); });
}

void FactoredBackend::multiply_cells(const Call& call, const Part& part) const {
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
void FactoredBackend::multiply_table(const Call& call, const Part& part) const {
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

RunFault FactoredBackend::accumulate(const Buffers& buffers) const {
  return run(buffers, [&](const Call& call) {
    prepare(call);
    sum(call);
  });
}

RunFault FactoredBackend::finish(const Buffers& buffers) const {
  return run(buffers, [&](const Call& call) { write_loss(call); });
}

RunFault FactoredBackend::forward(const Buffers& buffers) const {
  return run(buffers, [&](const Call& call) {
    prepare(call);
    sum(call);
    write_loss(call);
  });
}

RunFault FactoredBackend::backward(const Buffers& buffers) const {
  return run(buffers, [&](const Call& call) {
    prepare(call);
    write_gradient(call);
  });
}

RunFault FactoredBackend::forward_backward(const Buffers& buffers) const {
  return run(buffers, [&](const Call& call) {
    prepare(call);
    sum(call);
    write_loss(call);
    write_gradient(call);
  });
}

}  // namespace arloss::cuda

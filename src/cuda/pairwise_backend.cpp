#include "cuda/pairwise_backend.h"

#include <algorithm>

#include "kernels/gradient/gradient_launch.h"
#include "kernels/gram/gram_launch.h"
#include "kernels/pair/pair_launch.h"
#include "plan/penalties.h"

namespace arloss::cuda {
namespace {

/// Slots that an image's weights are summed in: four chunks of cells to each, but for the largest images.
std::int64_t weight_splits(std::int64_t cells) {
  constexpr std::int64_t kCells = 4 * kernels::LabelSumsTile::kChunk, kMaxSplits = 32;
  return std::min((cells - 1) / kCells + 1, kMaxSplits);
}

/// Do rows of single halves, which leave some 5e-4 of A - B open, hold the contract's 1e-3 (docs/numerics.md)? Not
/// under slopes that change fast around 0, nor for the blocks of a pyramid where slopes change at all, nor over few
/// classes or rows, whose roundings do not average out.
bool has_half_products(const Problem& problem, const Options& options) {
  constexpr std::int64_t kLeastRows = 64;
  const double least_param = facts_of(problem.penalty).least_half_param;
  const bool is_pyramid = problem.scale_mode == ARLOSS_SCALES_PYRAMID;
  const std::int64_t rows = problem.batch / problem.num_groups() * problem.grid.count();
  return !options.exact && problem.penalty_param >= least_param && !(is_pyramid && least_param > 0) &&
         kernels::class_octets(problem.classes) > 1 && rows >= kLeastRows;
}

/// Does A - B alone tell what the penalty needs? Where B is 0 or 1 CROSS_ENTROPY has A and 1 - A by it, to some 3e-7,
/// which the default accuracy has room for down to the default eps; of few classes, more pairs are near the clamps, and
/// differences cost little.
bool takes_products(const Problem& problem, const Options& options) {
  if (problem.penalty == ARLOSS_PENALTY_CROSS_ENTROPY)
    return problem.has_hard_labels() && !options.exact && kernels::class_octets(problem.classes) > 1 &&
           static_cast<float>(problem.penalty_param) >= 1e-4f;
  return !facts_of(problem.penalty).takes_differences;
}

/// A pass of a pyramid has one scale of labels, the weight of which is the pass's.
std::vector<double> label_weights(const Problem& problem) {
  if (problem.scale_mode == ARLOSS_SCALES_PYRAMID) return {1.0};
  std::vector<double> omega;
  for (const Scale& scale : problem.scales) omega.push_back(scale.weight);
  return omega;
}

}  // namespace

PairwiseBackend::PairwiseBackend(const Problem& problem, const Options& options)
    : CudaBackend(problem, options),
      is_exact_(!has_half_products(problem, options)),
      omega_(label_weights(problem)),
      features_(kernels::pair_features(
          static_cast<int>(omega_.size()), omega_.data(), problem.scale_mode == ARLOSS_SCALES_SEPARATE, is_exact_,
          !is_exact_ && problem.has_hard_labels() && kernels::pair_shape(problem.classes).looks_up())),
      pieces_(features_.pieces(kernels::class_octets(problem.classes))),
      has_products_(
          takes_products(problem, options) &&
          kernels::is_pair_supported(features_, problem.classes, static_cast<std::int64_t>(device_.shared_per_block))) {
  book_rows();
  if (!is_pyramid()) add_pass(-1, 1);
  auto table = static_cast<int>(tables_.size());
  for (int k = problem_.num_scales() - 1; is_pyramid() && k >= 0; --k) {
    const Scale& scale = problem_.scales[static_cast<std::size_t>(k)];
    add_pass(scale.edge == 1 ? -1 : --table, scale.weight);
  }
  book_pairs();
}

void PairwiseBackend::add_pass(int table, double weight) {
  const RowTable* const pooled = table < 0 ? nullptr : &tables_[static_cast<std::size_t>(table)];
  const std::int64_t rows = pooled == nullptr ? cells() : pooled->count(), groups = problem_.num_groups();
  const kernels::PairWalk walk =
      has_products_ ? kernels::pair_walk(groups, images_per_group() * rows, problem_.classes, features_.looks_up)
                    : kernels::difference_walk(groups, images_per_group() * rows);
  const std::string name = pooled == nullptr ? "cells" : "blocks of " + std::to_string(pooled->edge);
  const std::size_t losses = workspace_.book<double>("losses of pairs, " + name, {groups, walk.strips, walk.splits});
  passes_.push_back({table, rows, weight, walk, losses});
}

template <class Count>
std::int64_t PairwiseBackend::largest(const Count& count) const {
  std::int64_t most = 0;
  for (const Pass& pass : passes_) most = std::max(most, count(pass));
  return most;
}

void PairwiseBackend::book_pairs() {
  const std::int64_t groups = problem_.num_groups();
  weight_sums_ = workspace_.book<double>("sums of weights", {problem_.batch, weight_splits(cells()), 2});
  heads_ = workspace_.book<double>("sums of weights, joined", {groups, 2});
  bounds_ = workspace_.book<kernels::PairBounds>("bounds of rows", {static_cast<std::int64_t>(passes_.size()), groups});
  flags_ = workspace_.book<float>("gradient flags", {groups, 2});
  slopes_ = workspace_.book<float>("slopes",
                                   {largest([&](const Pass& pass) { return pass.walk.splits * plane_values(pass); })});
  if (has_products_) {
    const std::int64_t rows = largest([](const Pass& pass) { return pass.rows; });
    left_ = workspace_.book<kernels::HalfPiece>("rows as halves, left", {problem_.batch, rows, pieces_});
    right_ = workspace_.book<kernels::HalfPiece>("rows as halves, right", {problem_.batch, rows, pieces_});
    if (features_.looks_up)
      look_up_ = workspace_.book<kernels::HalfPiece>(
          "residuals by column", {groups, problem_.classes, kernels::look_up_columns(images_per_group() * rows) / 8});
  } else if (!passes_.back().is_pooled()) {
    const auto num_scales = static_cast<std::int64_t>(omega_.size());
    s_ = workspace_.book<float>("square roots", {plane_values(passes_.back())});
    u_ = workspace_.book<float>("labels", {num_scales, plane_values(passes_.back())});
  }
}

std::string PairwiseBackend::describe() const {
  std::string text = CudaBackend::describe() + "pairs: ";
  text += !has_products_ ? "differences of rows in float32"
          : is_exact_    ? "products of rows as two halves each, on tensor cores"
                         : "products of rows as halves, on tensor cores";
  for (const Pass& pass : passes_) {
    text += &pass == passes_.data() ? "; thread blocks: " : " + ";
    text += std::to_string(problem_.num_groups() * pass.walk.blocks());
  }
  return text + "\n";
}

// --- what kernels are handed -----------------------------------------------------------------------------------------

kernels::PairBounds* PairwiseBackend::bounds(const Call& call, const Pass& pass) const {
  return at<kernels::PairBounds>(call.workspace, bounds_) + (&pass - passes_.data()) * problem_.num_groups();
}

kernels::PairRows PairwiseBackend::pair_rows(const Call& call, const Pass& pass) const {
  kernels::PairRows rows{};
  rows.batch = problem_.batch;
  rows.rows = pass.rows;
  rows.classes = problem_.classes;
  rows.images_per_group = images_per_group();
  std::transform(omega_.begin(), omega_.end(), rows.omega, [](double omega) { return static_cast<float>(omega); });
  if (pass.is_pooled()) {
    const RowTable& table = table_of(pass);
    rows.residual = at<float>(call.workspace, table.residual);
    rows.weights = at<float>(call.workspace, table.weights);
    rows.s = at<float>(call.workspace, table.s);
    rows.u = at<float>(call.workspace, table.u);
    return rows;
  }
  rows.residual = at<float>(call.workspace, residual_);
  rows.weights = at<float>(call.workspace, weights_);
  rows.softmax = softmax(call);
  rows.labels = label_scales(call);
  return rows;
}

kernels::PairSums PairwiseBackend::pair_sums(const Call& call, const Pass& pass, Wants wants) const {
  kernels::PairSums sums{};
  sums.penalty = problem_.penalty;
  sums.penalty_param = static_cast<float>(problem_.penalty_param);
  sums.factor = static_cast<float>(pass.weight);
  sums.wants_loss = wants.loss;
  sums.losses = at<double>(call.workspace, pass.losses);
  sums.slopes = wants.gradient ? at<float>(call.workspace, slopes_) : nullptr;
  return sums;
}

kernels::GroupMatrix PairwiseBackend::flags(const Call& call) const {
  return {at<float>(call.workspace, flags_), 2, images_per_group()};
}

// --- steps of a call -------------------------------------------------------------------------------------------------

RunFault PairwiseBackend::run_pairs(const Buffers& buffers, Wants wants) const {
  return run(buffers, [&](const Call& call) {
    clear_bounds(call);
    pool(call, Tables::kUsed);
    embed(call);
    pool_rows(call);
    sum_weights(call);
    for (const Pass& pass : passes_) visit_pairs(call, pass, wants);
    finish_groups(call, wants);
    if (wants.gradient) write_gradient(call);
  });
}

void PairwiseBackend::clear_bounds(const Call& call) const {
  call.launch("cudaMemsetAsync", [&] {
    const std::size_t count = passes_.size() * static_cast<std::size_t>(problem_.num_groups());
    return cudaMemsetAsync(at<char>(call.workspace, bounds_), 0, count * sizeof(kernels::PairBounds),
                           call.stream.handle());
  });
}

void PairwiseBackend::sum_weights(const Call& call) const {
  kernels::LabelSumsParams sums{};
  sums.sums = kernels::LabelSumsParams::Sums::kWeightsOnly;
  sums.slots = {at<double>(call.workspace, weight_sums_), 2, weight_splits(cells())};
  launch_label_sums(call, sums);
  kernels::JoinParams join{};
  join.head_count = 2;
  join.sums = sums.slots;
  join.heads = at<double>(call.workspace, heads_);
  launch_join(call, join);
}

void PairwiseBackend::visit_pairs(const Call& call, const Pass& pass, Wants wants) const {
  const kernels::PairRows rows = pair_rows(call, pass);
  const kernels::PairSums sums = pair_sums(call, pass, wants);
  kernels::PairBounds* const its_bounds = bounds(call, pass);
  call.launch("bounds kernel", [&] { return kernels::launch_bounds({rows, its_bounds}, call.stream); });
  has_products_ ? visit_products(call, rows, sums, its_bounds) : visit_differences(call, rows, sums);
  if (wants.gradient) join_slopes(call, pass);
}

void PairwiseBackend::visit_products(const Call& call, const kernels::PairRows& rows, const kernels::PairSums& sums,
                                     kernels::PairBounds* bounds) const {
  auto* const left = at<kernels::HalfPiece>(call.workspace, left_);
  auto* const right = at<kernels::HalfPiece>(call.workspace, right_);
  call.launch("pack kernel", [&] { return kernels::launch_pack({rows, features_, bounds, left, right}, call.stream); });
  kernels::PairParams params{};
  static_cast<kernels::PairGrid&>(params) = rows;
  params.is_exact = is_exact_;
  params.left = left;
  params.right = right;
  params.pieces = pieces_;
  if (features_.looks_up) {
    auto* const table = at<kernels::HalfPiece>(call.workspace, look_up_);
    call.launch("look-up kernel", [&] { return kernels::launch_look_up({rows, bounds, table}, call.stream); });
    params.look_up = table;
    params.codes = rows.labels.scales[0].codes;
  }
  params.weights = rows.weights;
  params.bounds = bounds;
  params.num_segments = features_.num_segments;
  std::copy_n(features_.segments, features_.num_segments, params.segments);
  params.sums = sums;
  call.launch("pair kernel", [&] { return kernels::launch_pair(params, device_.shared_per_block, call.stream); });
}

/// Pooled rows lie as planes already.
void PairwiseBackend::visit_differences(const Call& call, kernels::PairRows rows, const kernels::PairSums& sums) const {
  if (rows.s == nullptr) {
    auto* const s = at<float>(call.workspace, s_);
    auto* const u = at<float>(call.workspace, u_);
    call.launch("planes kernel", [&] { return kernels::launch_planes({rows, s, u}, call.stream); });
    rows.s = s;
    rows.u = u;
  }
  kernels::DifferenceParams params{};
  static_cast<kernels::PairGrid&>(params) = rows;
  params.s = rows.s;
  params.residual = rows.residual;
  params.u = rows.u;
  params.num_scales = static_cast<int>(omega_.size());
  std::copy(std::begin(rows.omega), std::end(rows.omega), params.omega);
  params.is_separate = problem_.scale_mode == ARLOSS_SCALES_SEPARATE;
  params.weights = rows.weights;
  params.sums = sums;
  call.launch("difference kernel", [&] { return kernels::launch_differences(params, call.stream); });
}

/// The splits of one pass into one set of planes, h; of pooled rows h / s, in place of their s.
void PairwiseBackend::join_slopes(const Call& call, const Pass& pass) const {
  if (pass.walk.splits == 1 && !pass.is_pooled()) return;
  auto* const slopes = at<float>(call.workspace, slopes_);
  auto* const s = pass.is_pooled() ? at<float>(call.workspace, table_of(pass).s) : nullptr;
  const kernels::JoinSlopesParams params{plane_values(pass), pass.walk.splits, slopes, s, s != nullptr ? s : slopes};
  call.launch("join slopes kernel", [&] { return kernels::launch_join_slopes(params, call.stream); });
}

void PairwiseBackend::finish_groups(const Call& call, Wants wants) const {
  kernels::PairFinishParams params{};
  params.reduction = reduction_;
  params.groups = problem_.num_groups();
  params.heads = at<double>(call.workspace, heads_);
  for (const Pass& pass : passes_)
    params.passes[params.num_passes++] = {at<double>(call.workspace, pass.losses), pass.walk.blocks(), pass.weight,
                                          bounds(call, pass)};
  params.is_per_group = problem_.reduction == ARLOSS_REDUCTION_NONE;
  params.flags = at<float>(call.workspace, flags_);
  params.loss = wants.loss ? call.io.loss : nullptr;
  call.launch("pair finish kernel", [&] { return kernels::launch_pair_finish(params, call.stream); });
}

void PairwiseBackend::write_gradient(const Call& call) const {
  kernels::ChainParams params = chain_params(call, flags(call));
  if (!passes_.back().is_pooled()) params.h = at<float>(call.workspace, slopes_);
  for (const RowTable& table : tables_)
    params.tables[params.num_tables++] = {at<float>(call.workspace, table.s), blocks_of_edge(table.edge)};
  call.launch("chain kernel", [&] { return kernels::launch_chain(params, call.stream); });
}

}  // namespace arloss::cuda

#include "support/case.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <sstream>

#include "support/half.h"
#include "support/tolerance.h"

namespace support {
namespace {

std::optional<std::int64_t> storable_ignore_index(const CaseSpec& spec) {
  const std::int64_t index = spec.problem.ignore_index;
  const std::int64_t smallest = spec.labels_dtype == ARLOSS_DTYPE_UINT8 ? 0 : -1;
  if (!spec.problem.has_ignore_index || index < smallest || index > largest_label(spec.labels_dtype)) return {};
  return index;
}

double draw_weight(Weights weights, Random& random) {
  if (random.chance(0.15)) return 0;
  return static_cast<float>(weights == Weights::kWide ? random.log_uniform(0x1p-20, 0x1p20)
                                                      : random.log_uniform(0.1, 10));
}

std::vector<double> draw_weights(const CaseSpec& spec, Random& random) {
  std::vector<double> weights(static_cast<std::size_t>(spec.problem.batch * spec.cells()), 0x1p-20);
  if (spec.weights == Weights::kOneHeavy) {
    const std::int64_t groups = spec.problem.span == oracle::Span::kBatch ? 1 : spec.problem.batch;
    for (std::int64_t b = 0; b < groups; ++b)
      weights[static_cast<std::size_t>(b * spec.cells() + random.below(spec.cells()))] = 0x1p20;
  } else {
    for (double& weight : weights) weight = draw_weight(spec.weights, random);
  }
  return weights;
}

std::vector<double> draw_logits(const CaseSpec& spec, Regime regime, const oracle::Inputs& inputs, Random& random) {
  const double magnitude = spec.logits_dtype == ARLOSS_DTYPE_FLOAT16 ? 6e4 : 1e4;
  std::vector<double> logits = make_logits(regime, spec.problem, inputs, magnitude, random);
  for (double& value : logits) value = round_to(spec.logits_dtype, value);
  return logits;
}

/// Floats of a tensor as bytes.
std::vector<unsigned char> pack_floats(const std::vector<double>& values) {
  std::vector<unsigned char> bytes(values.size() * sizeof(float));
  for (std::size_t i = 0; i < values.size(); ++i) store_real(ARLOSS_DTYPE_FLOAT32, values[i], bytes.data(), i);
  return bytes;
}

std::vector<unsigned char> pack_labels(arloss_dtype_t dtype, const std::vector<std::int64_t>& labels) {
  std::vector<unsigned char> bytes(labels.size() * element_bytes(dtype));
  for (std::size_t i = 0; i < labels.size(); ++i) store_label(dtype, labels[i], bytes.data(), i);
  return bytes;
}

/// The factors as the API's floats hold them.
oracle::Problem rounded_factors(oracle::Problem problem) {
  problem.penalty_param = static_cast<float>(problem.penalty_param);
  problem.loss_weight = static_cast<float>(problem.loss_weight);
  for (double& weight : problem.scale_weights) weight = static_cast<float>(weight);
  return problem;
}

std::vector<double> shaken(std::vector<double> logits, double amplitude, std::uint64_t seed) {
  Random random(seed);
  for (double& value : logits) value += amplitude * random.normal();
  return logits;
}

/// Can the slope of the penalty jump?
bool can_jump(const CaseSpec& spec) {
  return spec.problem.penalty == oracle::Penalty::kCrossEntropy ||
         (spec.problem.penalty == oracle::Penalty::kAbsolute && !spec.has_hard_labels());
}

/// How far the exact gradient moves when the logits do by a few float32 roundings of sqrt(p), or, close to the labels,
/// of its distance from them.
double gradient_shake(const Case& test) {
  // The rounding of a pooled row is not averaged over its cells, as what the cells are shaken by is.
  const double pooled = test.spec.problem.scale_mode == oracle::ScaleMode::kPyramid ? 4 : 1;
  const double shake = 3e-7 * pooled * std::min(1.0, std::sqrt(test.expected.e0));
  double largest = 0;
  for (const double amplitude : {shake, -shake}) {
    oracle::Inputs moved = test.inputs;
    moved.logits = shaken(moved.logits, amplitude, test.spec.seed);
    largest = std::max(largest, distance(oracle::evaluate(test.spec.problem, moved).grad, test.expected.grad));
  }
  return largest;
}

/// More than a share of the bound: what a smooth gradient moves by is a tenth of that.
bool is_too_far(const Case& test, double shake) {
  const double bound = float32_gradient_bound(test.spec, norm(test.expected.grad), test.random_gradient_norm);
  return shake > 0.3 * bound + 1e-15;
}

double random_gradient_norm(const CaseSpec& spec, oracle::Inputs inputs) {
  Random random(spec.seed + 77);
  inputs.logits = draw_logits(spec, Regime::kRandom, inputs, random);
  return norm(oracle::evaluate(spec.problem, inputs).grad);
}

void scale(std::vector<double>& values, double factor) {
  for (double& value : values) value *= factor;
}

/// Below it a gradient is 0 but for float64 rounding.
constexpr double kNoGradient = 1e-15;

/// A power of two as loss_weight that brings the largest gradient element, here or for random logits, to 2..4.
void fit_gradient_range(Case& test) {
  double largest = test.random_gradient_norm / std::sqrt(static_cast<double>(test.expected.grad.size()));
  for (const double value : test.expected.grad) largest = std::max(largest, std::fabs(value));
  if (largest < kNoGradient) return;
  const double factor = std::exp2(1 - std::floor(std::log2(largest)));
  test.spec.problem.loss_weight *= factor;
  test.random_gradient_norm *= factor;
  test.gradient_slack *= factor;
  for (std::vector<double>* values : {&test.expected.loss, &test.expected.per_image, &test.expected.grad})
    scale(*values, factor);
}

/// Something of the gradient's own size to add to.
std::vector<double> draw_prior(const Case& test) {
  Random random(test.spec.seed + 99);
  const double size = norm(test.expected.grad) / std::sqrt(static_cast<double>(test.expected.grad.size()));
  std::vector<double> prior(test.expected.grad.size());
  for (double& value : prior)
    value = round_to(test.spec.logits_dtype, (size > kNoGradient ? size : 1e-3) * random.normal());
  return prior;
}

Case evaluate_case(const CaseSpec& spec, const oracle::Inputs& inputs) {
  Case test{};
  test.spec = spec;
  test.spec.problem = rounded_factors(spec.problem);
  test.inputs = inputs;
  test.expected = oracle::evaluate(test.spec.problem, inputs);
  if (has_absolute_gradient_bound(spec)) test.random_gradient_norm = random_gradient_norm(test.spec, inputs);
  return test;
}

void pack_case(Case& test) {
  test.batch = pack(test.spec, test.inputs);
  if (!test.spec.accumulates) return;
  test.prior = draw_prior(test);
  test.batch.prior_gradient = pack_logits(test.spec, test.prior);
}

const char* const kPenaltyNames[] = {"SQUARED", "ABSOLUTE", "HUBER", "CROSS_ENTROPY", "LOG_COSH"};
const char* const kModeNames[] = {"BLEND", "SEPARATE", "PYRAMID"};
const char* const kReductionNames[] = {"MEAN", "SUM", "NONE"};
const char* const kWeightNames[] = {"no", "moderate", "wide", "one heavy"};

template <std::size_t Count, class Enum>
const char* entry(const char* const (&names)[Count], Enum value) {
  return names[static_cast<std::size_t>(value)];
}

}  // namespace

bool CaseSpec::has_hard_labels() const {
  return problem.label_depth == problem.depth && problem.label_height == problem.height &&
         problem.label_width == problem.width && problem.scales == std::vector<int>{1};
}

bool CaseSpec::is_factorable() const {
  switch (problem.penalty) {
    case oracle::Penalty::kSquared: return true;
    case oracle::Penalty::kHuber: return problem.penalty_param >= 1;
    case oracle::Penalty::kAbsolute: return has_hard_labels();
    default: return false;
  }
}

bool CaseSpec::has_half_products() const {
  if (device_algorithm != ARLOSS_ALGORITHM_PAIRWISE || is_exact || problem.classes <= 8) return false;
  const bool is_pyramid = problem.scale_mode == oracle::ScaleMode::kPyramid;
  const std::int64_t rows = cells() * (problem.span == oracle::Span::kBatch ? problem.batch : 1);
  const double param = problem.penalty_param;
  switch (problem.penalty) {
    case oracle::Penalty::kSquared: return rows >= 64;
    case oracle::Penalty::kHuber: return !is_pyramid && (param == 0 || param >= 0.05) && rows >= 64;
    case oracle::Penalty::kLogCosh: return !is_pyramid && param >= 0.5 && rows >= 64;
    case oracle::Penalty::kAbsolute: return false;
    case oracle::Penalty::kCrossEntropy: return has_hard_labels() && (param == 0 || param >= 1e-4);
  }
  return false;
}

CaseSpec plain_spec(std::int64_t batch, std::int64_t classes, std::int64_t height, std::int64_t width) {
  CaseSpec spec;
  spec.problem.batch = batch;
  spec.problem.classes = classes;
  spec.problem.height = height;
  spec.problem.width = width;
  set_label_grid(spec, height, width);
  return spec;
}

void set_label_grid(CaseSpec& spec, std::int64_t height, std::int64_t width) {
  spec.problem.label_height = height;
  spec.problem.label_width = width;
}

std::string describe(const CaseSpec& spec) {
  const oracle::Problem& p = spec.problem;
  std::ostringstream text;
  text << p.batch << "x" << p.classes << "x" << p.depth << "x" << p.height << "x" << p.width << " dtype "
       << spec.logits_dtype << (spec.layout == ARLOSS_LAYOUT_NCHW ? " NCHW" : " NHWC") << ", labels " << p.label_depth
       << "x" << p.label_height << "x" << p.label_width << " dtype " << spec.labels_dtype << " "
       << name_of(spec.label_map) << ", ignore " << (p.has_ignore_index ? std::to_string(p.ignore_index) : "none")
       << ", scales";
  for (std::size_t k = 0; k < p.scales.size(); ++k)
    text << " " << p.scales[k] << (p.scale_weights.empty() ? "" : "*" + std::to_string(p.scale_weights[k]));
  text << " " << entry(kModeNames, p.scale_mode) << ", " << entry(kPenaltyNames, p.penalty) << " " << p.penalty_param
       << ", " << entry(kReductionNames, p.reduction) << " over "
       << (p.span == oracle::Span::kBatch ? "BATCH" : "IMAGE") << ", loss_weight " << p.loss_weight << ", "
       << name_of(spec.regime) << ", " << entry(kWeightNames, spec.weights) << " weights"
       << (spec.has_grad_loss ? ", grad_loss" : "") << (spec.accumulates ? ", accumulated" : "") << ", "
       << spec.num_threads << " threads, "
       << (spec.device_algorithm == ARLOSS_ALGORITHM_PAIRWISE ? "all pairs on a device, " : "")
       << (spec.is_exact ? "exact, " : "") << "seed " << spec.seed;
  return text.str();
}

arloss_problem_t api_problem(const CaseSpec& spec) {
  const oracle::Problem& p = spec.problem;
  arloss_problem_t problem;
  arloss_problem_init(&problem);
  problem.batch = p.batch;
  problem.classes = p.classes;
  problem.depth = p.depth;
  problem.height = p.height;
  problem.width = p.width;
  // 0 stands for "as the grid": both ways of saying so are used.
  const bool is_silent = spec.seed % 2 != 0;
  problem.label_depth = is_silent && p.label_depth == p.depth ? 0 : p.label_depth;
  problem.label_height = is_silent && p.label_height == p.height ? 0 : p.label_height;
  problem.label_width = is_silent && p.label_width == p.width ? 0 : p.label_width;
  problem.logits_dtype = spec.logits_dtype;
  problem.logits_layout = spec.layout;
  problem.labels_dtype = spec.labels_dtype;
  problem.has_ignore_index = p.has_ignore_index ? 1 : 0;
  problem.ignore_index = p.ignore_index;
  problem.num_scales = static_cast<std::int32_t>(p.scales.size());
  std::copy(p.scales.begin(), p.scales.end(), problem.scales);
  std::fill(std::begin(problem.scale_weights), std::end(problem.scale_weights), 0.0f);
  std::transform(p.scale_weights.begin(), p.scale_weights.end(), problem.scale_weights,
                 [](double weight) { return static_cast<float>(weight); });
  problem.scale_mode = static_cast<arloss_scale_mode_t>(p.scale_mode);
  problem.penalty = static_cast<arloss_penalty_t>(p.penalty);
  problem.penalty_param = static_cast<float>(p.penalty_param);
  problem.reduction = static_cast<arloss_reduction_t>(p.reduction);
  problem.span = static_cast<arloss_span_t>(p.span);
  problem.loss_weight = static_cast<float>(p.loss_weight);
  problem.accumulate_gradient = spec.accumulates ? 1 : 0;
  return problem;
}

std::size_t logit_index(const CaseSpec& spec, std::int64_t b, std::int64_t c, std::int64_t cell) {
  const std::int64_t classes = spec.problem.classes, cells = spec.cells();
  return static_cast<std::size_t>(spec.layout == ARLOSS_LAYOUT_NCHW ? (b * classes + c) * cells + cell
                                                                    : (b * cells + cell) * classes + c);
}

std::vector<unsigned char> pack_logits(const CaseSpec& spec, const std::vector<double>& values) {
  std::vector<unsigned char> bytes(values.size() * element_bytes(spec.logits_dtype));
  std::size_t from = 0;
  for (std::int64_t b = 0; b < spec.problem.batch; ++b)
    for (std::int64_t c = 0; c < spec.problem.classes; ++c)
      for (std::int64_t i = 0; i < spec.cells(); ++i)
        store_real(spec.logits_dtype, values[from++], bytes.data(), logit_index(spec, b, c, i));
  return bytes;
}

std::vector<double> unpack_logits(const CaseSpec& spec, const std::vector<unsigned char>& bytes) {
  std::vector<double> values;
  values.reserve(bytes.size() / element_bytes(spec.logits_dtype));
  for (std::int64_t b = 0; b < spec.problem.batch; ++b)
    for (std::int64_t c = 0; c < spec.problem.classes; ++c)
      for (std::int64_t i = 0; i < spec.cells(); ++i)
        values.push_back(load_real(spec.logits_dtype, bytes.data(), logit_index(spec, b, c, i)));
  return values;
}

oracle::Inputs draw_inputs(const CaseSpec& spec) {
  Random random(spec.seed);
  oracle::Inputs inputs;
  const std::int64_t largest = largest_label(spec.labels_dtype);
  const std::int64_t num_labels = largest < spec.problem.classes ? largest + 1 : spec.problem.classes;
  inputs.labels = make_labels(spec.label_map, spec.problem, num_labels, storable_ignore_index(spec), random);
  inputs.logits = draw_logits(spec, spec.regime, inputs, random);
  if (spec.weights != Weights::kNone) inputs.pixel_weights = draw_weights(spec, random);
  if (spec.has_grad_loss)
    for (std::int64_t b = 0; b < spec.num_losses(); ++b)
      inputs.grad_loss.push_back(static_cast<float>(random.normal() + (b % 2 != 0 ? -1 : 1)));
  return inputs;
}

Batch pack(const CaseSpec& spec, const oracle::Inputs& inputs) {
  Batch batch{};
  batch.problem = api_problem(spec);
  batch.logits = pack_logits(spec, inputs.logits);
  batch.labels = pack_labels(spec.labels_dtype, inputs.labels);
  batch.pixel_weights = pack_floats(inputs.pixel_weights);
  batch.grad_loss = pack_floats(inputs.grad_loss);
  batch.is_element_aligned = spec.is_element_aligned;
  return batch;
}

Case build_case(CaseSpec spec) {
  constexpr int kMaxDraws = 20;
  Case test = evaluate_case(spec, draw_inputs(spec));
  double shake = can_jump(spec) ? gradient_shake(test) : 0;
  for (int draw = 1; draw < kMaxDraws && is_too_far(test, shake); ++draw) {
    spec.seed += 1000003;
    test = evaluate_case(spec, draw_inputs(spec));
    shake = gradient_shake(test);
  }
  if (is_too_far(test, shake)) {
    test.has_gradient = spec.problem.penalty != oracle::Penalty::kAbsolute;
    test.gradient_slack = shake;
  }
  if (spec.logits_dtype == ARLOSS_DTYPE_FLOAT16) fit_gradient_range(test);
  pack_case(test);
  return test;
}

Case build_case(const CaseSpec& spec, const oracle::Inputs& inputs) {
  Case test = evaluate_case(spec, inputs);
  pack_case(test);
  return test;
}

double norm(const std::vector<double>& values) {
  double total = 0;
  for (const double value : values) total += value * value;
  return std::sqrt(total);
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(total);
}

}  // namespace support

/// The oracle against answers obtained without it: golden cases, values worked out by hand, central differences, and a
/// plain long double evaluation where the prediction is nearly perfect.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "golden.h"
#include "oracle.h"
#include "oracle_cases.h"

namespace oracle {
namespace {

// ---- golden answers ----

class OracleGolden : public testing::TestWithParam<std::string> {};

TEST_P(OracleGolden, LossGradientAndE0) {
  const Golden golden = load_golden(GetParam());
  const Result result = evaluate(golden.problem, golden.inputs);
  double reduced = 0;
  for (const double value : result.loss) reduced += value;
  EXPECT_NEAR(reduced, golden.loss, 1e-12 * golden.loss);
  expect_close(result.per_image, golden.per_image, 1e-12);
  expect_close(result.grad, golden.grad, 1e-11);
  EXPECT_NEAR(result.e0, golden.e0, 1e-12 * golden.e0);
}

INSTANTIATE_TEST_SUITE_P(All, OracleGolden, testing::ValuesIn(golden_names()),
                         [](const auto& instance) { return instance.param; });

TEST(OracleGoldens, NoneIsMissing) { EXPECT_EQ(golden_names().size(), 12u); }

TEST(OracleGoldens, MissingCaseIsNamed) { EXPECT_THROW(load_golden("no_such_case"), std::runtime_error); }

// ---- values worked out by hand ----

/// Two cells with p = (1/2, 1/2) each and labels 0 and 1: A = 1 everywhere, B = 0 for the two pairs off the diagonal.
double two_cell_loss(Penalty penalty, double param) {
  Case two = row_case(2, {{0, 0}, {3, 3}}, {0, 1});
  two.problem.penalty = penalty;
  two.problem.penalty_param = param;
  return loss(two.problem, two.inputs)[0];
}

TEST(OracleByHand, PenaltiesOfTwoCells) {
  EXPECT_DOUBLE_EQ(two_cell_loss(Penalty::kSquared, 0), 2 * 1.0 / 4);
  EXPECT_DOUBLE_EQ(two_cell_loss(Penalty::kAbsolute, 0), 2 * 1.0 / 4);
  EXPECT_DOUBLE_EQ(two_cell_loss(Penalty::kHuber, 0.25), 2 * 0.25 * (1 - 0.125) / 4);
  EXPECT_DOUBLE_EQ(two_cell_loss(Penalty::kHuber, 2), 2 * 0.5 / 4);
  EXPECT_DOUBLE_EQ(two_cell_loss(Penalty::kCrossEntropy, 0.01), 2 * (-std::log(0.01) + std::log(0.99)) / 4);
  EXPECT_DOUBLE_EQ(two_cell_loss(Penalty::kLogCosh, 0.5), 2 * std::log(std::cosh(2.0)) / 4);
  EXPECT_DOUBLE_EQ(two_cell_loss(Penalty::kLogCosh, 1e-3), 2 * (1000 - std::log(2.0)) / 4);
}

TEST(OracleByHand, DefaultParameters) {
  EXPECT_EQ(two_cell_loss(Penalty::kHuber, 0), two_cell_loss(Penalty::kHuber, 0.1));
  EXPECT_EQ(two_cell_loss(Penalty::kCrossEntropy, 0), two_cell_loss(Penalty::kCrossEntropy, 1e-4));
  EXPECT_EQ(two_cell_loss(Penalty::kLogCosh, 0), two_cell_loss(Penalty::kLogCosh, 0.1));
}

/// p = (0.9, 0.1) and (0.2, 0.8), labels 0 and 1, weights 1 and 3: A_01 = sqrt(0.18) + sqrt(0.08) against B_01 = 0.
TEST(OracleByHand, WeightsAndSum) {
  Case two = row_case(2, {{std::log(0.9), std::log(0.1)}, {std::log(0.2), std::log(0.8)}}, {0, 1});
  two.inputs.pixel_weights = {1, 3};
  const double a = std::sqrt(0.18) + std::sqrt(0.08);
  EXPECT_NEAR(loss(two.problem, two.inputs)[0], 2 * 3 * a * a / 16, 1e-15);
  two.problem.reduction = Reduction::kSum;
  EXPECT_NEAR(loss(two.problem, two.inputs)[0], 2 * 3 * a * a, 1e-14);
  two.problem.loss_weight = 0.5;
  EXPECT_NEAR(loss(two.problem, two.inputs)[0], 3 * a * a, 1e-14);
  const double e0 = (1 * (std::pow(std::sqrt(0.9) - 1, 2) + 0.1) + 3 * (0.2 + std::pow(std::sqrt(0.8) - 1, 2))) / 4;
  EXPECT_NEAR(evaluate(two.problem, two.inputs).e0, e0, 1e-15);
}

/// A target between 0 and 1: cross entropy charges what it is above the target's own entropy.
TEST(OracleByHand, CrossEntropyOfMixedLabels) {
  Case two = row_case(2, {{std::log(0.9), std::log(0.1)}, {std::log(0.2), std::log(0.8)}}, {0, 1});
  two.problem.label_width = 4;
  two.inputs.labels = {0, 1, 1, 1};  // t = (1/2, 1/2) and (0, 1), so B_01 = sqrt(1/2)
  two.problem.penalty = Penalty::kCrossEntropy;
  const double a = std::sqrt(0.18) + std::sqrt(0.08), b = std::sqrt(0.5);
  const auto entropy = [b](double x) { return -b * std::log(x) - (1 - b) * std::log(1 - x); };
  EXPECT_NEAR(loss(two.problem, two.inputs)[0], 2 * (entropy(a) - entropy(b)) / 4, 1e-15);
}

// ---- gradient against central differences ----

/// sum(grad_loss * loss), whose gradient evaluate() returns.
double objective(const Problem& problem, const Inputs& inputs) {
  const std::vector<double> losses = loss(problem, inputs);
  double sum = 0;
  for (std::size_t b = 0; b < losses.size(); ++b) {
    sum += losses[b] * (inputs.grad_loss.empty() ? 1.0 : inputs.grad_loss[b]);
  }
  return sum;
}

/// Five-point central differences of the objective in every logit.
std::vector<double> differences(const Case& source, double step) {
  Inputs inputs = source.inputs;
  std::vector<double> grad(inputs.logits.size());
  for (std::size_t e = 0; e < grad.size(); ++e) {
    const double center = inputs.logits[e];
    const auto at = [&](double offset) {
      inputs.logits[e] = center + offset;
      return objective(source.problem, inputs);
    };
    grad[e] = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
    inputs.logits[e] = center;
  }
  return grad;
}

struct Setting {
  Penalty penalty;
  ScaleMode mode;
  Reduction reduction;
  Span span;
};

std::string name_of(const Setting& setting) {
  const char* const reductions[] = {"Mean", "Sum", "None"};
  const char* const spans[] = {"Image", "Batch"};
  return name_of(setting.penalty) + name_of(setting.mode) + reductions[static_cast<int>(setting.reduction)] +
         spans[static_cast<int>(setting.span)];
}

std::vector<Setting> all_settings() {
  std::vector<Setting> settings;
  for (const Penalty penalty : kPenalties) {
    for (const ScaleMode mode : kModes) {
      for (const Reduction reduction : {Reduction::kMean, Reduction::kSum, Reduction::kNone}) {
        settings.push_back({penalty, mode, reduction, Span::kImage});
        if (reduction != Reduction::kNone) settings.push_back({penalty, mode, reduction, Span::kBatch});
      }
    }
  }
  return settings;
}

class OracleGradient : public testing::TestWithParam<Setting> {
 protected:
  /// Every setting has a loss weight and upstream gradients of its own per loss, so that a mix-up shows. The parameters
  /// put pairs on both sides of HUBER's delta, of the cross entropy's clamp and of LOG_COSH's bend.
  void expect_gradient(Problem problem, std::uint64_t seed) {
    const Setting setting = GetParam();
    problem.penalty = setting.penalty;
    if (setting.penalty == Penalty::kHuber || setting.penalty == Penalty::kLogCosh) problem.penalty_param = 0.2;
    if (setting.penalty == Penalty::kCrossEntropy) problem.penalty_param = 0.15;
    problem.scale_mode = setting.mode;
    problem.reduction = setting.reduction;
    problem.span = setting.span;
    problem.loss_weight = 1.7;
    Case random = random_case(problem, seed);
    random.inputs.grad_loss = {0.6};
    if (setting.reduction == Reduction::kNone) random.inputs.grad_loss.resize(problem.batch, -1.3);
    // Small enough that no pair crosses a kink in these seeds' problems, large enough against rounding.
    const double step = 2e-5;
    expect_close(evaluate(random.problem, random.inputs).grad, differences(random, step), 1e-8);
  }
};

TEST_P(OracleGradient, HardLabels) { expect_gradient(make_problem(2, 4, {1, 3, 4}, {1, 3, 4}), 1); }

TEST_P(OracleGradient, UnevenMixedCellsTwoScales) {
  Problem problem = make_problem(2, 3, {1, 3, 5}, {1, 7, 11});
  problem.scales = {1, 2};
  problem.scale_weights = {0.7, 0.3};
  expect_gradient(problem, 2);
}

TEST_P(OracleGradient, VolumeThreeScalesInAnyOrder) {
  Problem problem = make_problem(2, 3, {2, 3, 3}, {4, 3, 7});
  problem.scales = {3, 1, 2};
  problem.scale_weights = {0.4, 1.0, 0.6};
  expect_gradient(problem, 3);
}

INSTANTIATE_TEST_SUITE_P(All, OracleGradient, testing::ValuesIn(all_settings()),
                         [](const auto& instance) { return name_of(instance.param); });

// ---- accuracy where the prediction is nearly perfect ----

/// The loss of one image at scale 1 with weights 1 and its gradient, as plainly as possible: A - B, sums and softmax
/// chain as the formulas stand, every operation in long double. Its own error is about 1e-19 of A, not of A - B.
struct PlainAnswer {
  double loss = 0;
  std::vector<double> grad;
};

struct PlainCost {
  long double value, slope;
};

PlainCost plain_cross_entropy(long double a, long double b, long double eps) {
  const auto entropy = [b, eps](long double x) {
    const long double held = std::min(std::max(x, eps), 1 - eps);
    return -b * std::log(held) - (1 - b) * std::log(1 - held);
  };
  const bool is_held = a < eps || a > 1 - eps;
  return {entropy(a) - entropy(b), is_held ? 0 : -b / a + (1 - b) / (1 - a)};
}

/// log cosh x = 2 artanh(tanh(x/2)^2): its own digits, not those of 1 + x^2.
PlainCost plain_log_cosh(long double x, long double delta) {
  const long double half = std::tanh(x / 2);
  return {2 * std::atanh(half * half), std::tanh(x) / delta};
}

PlainCost plain_cost(Penalty penalty, long double param, long double a, long double b) {
  const long double d = a - b, sign = d > 0 ? 1 : -1;
  switch (penalty) {
    case Penalty::kSquared: return {d * d, 2 * d};
    case Penalty::kAbsolute: return {d * sign, sign};
    case Penalty::kHuber:
      return d * sign <= param ? PlainCost{d * d / 2, d} : PlainCost{param * (d * sign - param / 2), param * sign};
    case Penalty::kCrossEntropy: return plain_cross_entropy(a, b, param);
    case Penalty::kLogCosh: return plain_log_cosh(d / param, param);
  }
  return {0, 0};
}

PlainAnswer plain_long_double(const Case& source) {
  const std::int64_t n = cells_per_image(source.problem), classes = source.problem.classes;
  const std::vector<double> t = label_distribution(source.problem, source.inputs, 0);
  std::vector<long double> s(n * classes), u(n * classes), h(n * classes);
  for (std::int64_t i = 0; i < n; ++i) {
    long double total = 0;
    for (std::int64_t c = 0; c < classes; ++c) {
      total += s[i * classes + c] = std::exp(static_cast<long double>(source.inputs.logits[c * n + i]));
    }
    for (std::int64_t c = 0; c < classes; ++c) {
      s[i * classes + c] = std::sqrt(s[i * classes + c] / total);
      u[i * classes + c] = std::sqrt(static_cast<long double>(t[i * classes + c]));
    }
  }
  long double sum = 0;
  const long double z = static_cast<long double>(n) * static_cast<long double>(n);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      if (i == j) continue;  // A_ii = B_ii: no cost, and a slope along s_i, which the softmax chain removes
      long double a = 0, b = 0;
      for (std::int64_t c = 0; c < classes; ++c) {
        a += s[i * classes + c] * s[j * classes + c];
        b += u[i * classes + c] * u[j * classes + c];
      }
      const PlainCost cost = plain_cost(source.problem.penalty, source.problem.penalty_param, a, b);
      sum += cost.value;
      for (std::int64_t c = 0; c < classes; ++c) h[i * classes + c] += 2 * cost.slope / z * s[j * classes + c];
    }
  }
  PlainAnswer answer = {static_cast<double>(sum / z), std::vector<double>(n * classes)};
  for (std::int64_t i = 0; i < n; ++i) {
    long double dot = 0;
    for (std::int64_t c = 0; c < classes; ++c) dot += s[i * classes + c] * h[i * classes + c];
    for (std::int64_t c = 0; c < classes; ++c) {
      const long double s_c = s[i * classes + c];
      answer.grad[c * n + i] = static_cast<double>((s_c * h[i * classes + c] - s_c * s_c * dot) / 2);
    }
  }
  return answer;
}

struct NearPerfect {
  double delta;             // probability outside the label's classes, and relative error inside
  std::int64_t num_labels;  // classes in the image
  std::int64_t pixels;      // label pixels per cell: mixed cells from 2 on
};

Case near_perfect_case(const NearPerfect& wanted) {
  const std::int64_t n = 60, classes = 5;
  Random random(7);
  Case result = {make_problem(1, classes, {1, 1, n}, {1, 1, n * wanted.pixels}), {}};
  result.inputs.logits.resize(n * classes);
  for (std::int64_t i = 0; i < n * wanted.pixels; ++i) result.inputs.labels.push_back(random.below(wanted.num_labels));
  const std::vector<double> t = label_distribution(result.problem, result.inputs, 0);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t c = 0; c < classes; ++c) {
      const double share = t[i * classes + c], noise = random.uniform(-1, 1);
      logit(&result, 0, c, i) = share > 0 ? std::log(share) + wanted.delta * noise : std::log(wanted.delta / 4) + noise;
    }
  }
  return result;
}

class OracleAccuracy : public testing::TestWithParam<Penalty> {};

TEST_P(OracleAccuracy, NearPerfect) {
  std::vector<NearPerfect> wanted_list;
  for (const double delta : {1e-1, 1e-2, 1e-4, 1e-6, 1e-8}) {
    wanted_list.push_back({delta, 5, 1});
    wanted_list.push_back({delta, 1, 1});
    wanted_list.push_back({delta, 5, 2});
  }
  for (const NearPerfect& wanted : wanted_list) {
    SCOPED_TRACE(testing::Message() << "delta " << wanted.delta << ", classes in the image " << wanted.num_labels
                                    << ", label pixels per cell " << wanted.pixels);
    Case near_perfect = near_perfect_case(wanted);
    near_perfect.problem.penalty = GetParam();
    near_perfect.problem.penalty_param = GetParam() == Penalty::kCrossEntropy ? 1e-6 : 0.1;
    const Result result = evaluate(near_perfect.problem, near_perfect.inputs);
    const PlainAnswer plain = plain_long_double(near_perfect);
    const double tolerance = 1e-13 + 1e-18 / wanted.delta;  // the second term: the plain evaluation's rounding of A - B
    EXPECT_NEAR(result.loss[0], plain.loss, tolerance * plain.loss);
    expect_close(result.grad, plain.grad, tolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(All, OracleAccuracy, testing::ValuesIn(kPenalties),
                         [](const auto& instance) { return name_of(instance.param); });

TEST(OraclePerfect, PerfectPredictionCostsNothing) {
  for (const Penalty penalty : kPenalties) {
    SCOPED_TRACE(name_of(penalty));
    Case perfect = row_case(3, {{1e4, 0, 0}, {1e4, 0, -50}, {0, 1e4, 0}, {0, 0, 1e4}}, {0, 0, 1, 2});
    perfect.problem.penalty = penalty;
    const Result result = evaluate(perfect.problem, perfect.inputs);
    EXPECT_EQ(result.loss[0], 0.0);
    EXPECT_EQ(result.e0, 0.0);
    expect_all_zero(result.grad);
  }
}

/// The logits are log t^1 (-inf where t is 0): the minimum of PYRAMID at any scales, and of BLEND at scale 1 alone.
TEST(OraclePerfect, MixedLabelsAreMatchedExactly) {
  Problem problem = make_problem(1, 3, {1, 4, 6}, {1, 9, 13});
  Case perfect = random_case(problem, 21);
  const std::vector<double> t = label_distribution(perfect.problem, perfect.inputs, 0);
  for (std::int64_t i = 1; i < 24; ++i) {
    for (std::int64_t c = 0; c < 3; ++c) logit(&perfect, 0, c, i) = std::log(t[i * 3 + c]);
  }
  const auto expect_minimum = [&perfect] {
    const Result result = evaluate(perfect.problem, perfect.inputs);
    EXPECT_LE(result.loss[0], 1e-30);
    EXPECT_LE(result.e0, 1e-30);
    EXPECT_LE(norm(result.grad), 1e-16);
  };
  expect_minimum();
  perfect.problem.scale_mode = ScaleMode::kPyramid;
  perfect.problem.scales = {1, 2, 3};
  expect_minimum();
  perfect.problem.scales = {3, 2};
  expect_minimum();
}

}  // namespace
}  // namespace oracle

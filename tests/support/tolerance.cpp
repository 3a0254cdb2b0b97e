#include "support/tolerance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/half.h"
#include "support/recorder.h"

namespace support {
namespace {

// The accuracy contract, docs/numerics.md.
constexpr double kLossShare = 1e-5;
constexpr double kResidualShare = 5e-6;
constexpr double kGradientShare = 1e-5;
constexpr double kRandomGradientShare = 2e-5;
constexpr double kOneClassShare = 5e-5;
constexpr double kHalfProductsFactor = 100;
constexpr double kTiedHalvesFactor = 3;  // measured: 2; all the gradient there is that of a few cells of ties
constexpr double kRoundingShare = 1.1;
constexpr double kZeroGradient = 1e-12;
constexpr double kSmallestLoss = std::numeric_limits<float>::min();  // losses are float32: they cannot say less
constexpr double kSmallEpsilon = 0.99e-4;  // just below the default of CROSS_ENTROPY, which is not exact in float32

/// Sum of the pair weights that a SUM adds up; 1 for the means.
double pair_weight_sum(const Case& test) {
  const oracle::Problem& p = test.spec.problem;
  if (p.reduction != oracle::Reduction::kSum) return 1;
  const std::size_t groups = p.span == oracle::Span::kBatch ? 1 : static_cast<std::size_t>(p.batch);
  const std::size_t per_group = test.expected.cell_weights.size() / groups;
  double total = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    double sum = 0;
    for (std::size_t i = 0; i < per_group; ++i) sum += test.expected.cell_weights[g * per_group + i];
    total += sum * sum;
  }
  return total;
}

/// In an image of one class e0 is far above the loss near the optimum and would allow anything: there the loss is the
/// measure.
bool is_loss_below_residual(const CaseSpec& spec) {
  return is_near_perfect(spec.regime) && spec.label_map == LabelMap::kOneClass;
}

std::vector<double> exact_output(const Case& test) {
  std::vector<double> exact = test.expected.grad;
  for (std::size_t i = 0; i < test.prior.size(); ++i) exact[i] += test.prior[i];
  return exact;
}

/// |round(exact) - exact| in the gradient's dtype: what storing alone costs.
double rounding_error(const Case& test) {
  const std::vector<double> exact = exact_output(test);
  std::vector<double> stored = exact;
  for (double& value : stored) value = round_to(test.spec.logits_dtype, value);
  return distance(stored, exact);
}

const char* dtype_name(arloss_dtype_t dtype) {
  return dtype == ARLOSS_DTYPE_FLOAT32 ? "float32" : dtype == ARLOSS_DTYPE_FLOAT16 ? "float16" : "bfloat16";
}

double share_of(double error, double bound) { return error == 0 ? 0 : error / bound; }

/// Largest error / bound of the losses.
double expect_losses(const Case& test, const Outcome& outcome) {
  const std::vector<double> bounds = loss_bounds(test);
  EXPECT_EQ(outcome.loss.size(), test.expected.loss.size());
  double worst = 0;
  for (std::size_t b = 0; b < bounds.size() && b < outcome.loss.size(); ++b) {
    const double error = std::fabs(outcome.loss[b] - test.expected.loss[b]);
    EXPECT_LE(error, bounds[b]) << "loss[" << b << "] is " << outcome.loss[b] << ", exact " << test.expected.loss[b];
    EXPECT_GE(outcome.loss[b], 0) << "loss[" << b << "]";
    worst = std::max(worst, share_of(error, bounds[b]));
  }
  return worst;
}

/// Error / bound of the gradient.
double expect_gradient(const Case& test, const Outcome& outcome) {
  const std::vector<double> exact = exact_output(test);
  EXPECT_EQ(outcome.gradient.size(), exact.size());
  if (outcome.gradient.size() != exact.size()) return 0;
  const double bound = gradient_bound(test);
  const double error = distance(outcome.gradient, exact);
  EXPECT_TRUE(std::isfinite(error)) << "|gradient - exact|";
  if (!test.has_gradient) return 0;
  EXPECT_LE(error, bound) << "|gradient - exact|; |exact| is " << norm(test.expected.grad);
  return share_of(error, bound);
}

/// Cells of weight 0 hold exactly 0, or what was there before.
void expect_dead_cells_untouched(const Case& test, const Outcome& outcome) {
  const std::int64_t cells = test.spec.cells(), classes = test.spec.problem.classes;
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < outcome.gradient.size(); ++i) {
    const auto position = static_cast<std::int64_t>(i);
    const std::int64_t image = position / (classes * cells);
    if (test.expected.cell_weights[static_cast<std::size_t>(image * cells + position % cells)] > 0) continue;
    wrong += outcome.gradient[i] != (test.prior.empty() ? 0 : test.prior[i]) ? 1 : 0;
  }
  EXPECT_EQ(wrong, 0) << "gradient elements written in cells of weight 0";
}

}  // namespace

bool has_absolute_gradient_bound(const CaseSpec& spec) {
  const oracle::Problem& p = spec.problem;
  const bool has_small_epsilon =
      p.penalty == oracle::Penalty::kCrossEntropy && p.penalty_param > 0 && p.penalty_param < kSmallEpsilon;
  return has_cancelling_gradient(spec.regime) || has_small_epsilon;
}

double tolerance_factor(const CaseSpec& spec) { return spec.has_half_products() ? kHalfProductsFactor : 1; }

double float32_gradient_bound(const CaseSpec& spec, double reference_norm, double random_norm) {
  const bool is_tied = spec.has_half_products() && spec.regime == Regime::kLargeMagnitude;
  return tolerance_factor(spec) * ((is_tied ? kTiedHalvesFactor : 1) * kGradientShare * reference_norm +
                                   (has_absolute_gradient_bound(spec) ? kRandomGradientShare * random_norm : 0));
}

std::vector<double> loss_bounds(const Case& test) {
  const double pairs = pair_weight_sum(test), factor = test.spec.problem.loss_weight;
  const double tolerance = tolerance_factor(test.spec);
  std::vector<double> bounds;
  for (const double loss : test.expected.loss) {
    const double residual = pairs * factor * test.expected.e0;
    const double share = tolerance * kLossShare * loss + kResidualShare * residual;
    bounds.push_back(kSmallestLoss +
                     (is_loss_below_residual(test.spec) ? std::min(share, tolerance * kOneClassShare * loss) : share));
  }
  return bounds;
}

double gradient_bound(const Case& test) {
  const bool is_stored_exactly = test.spec.logits_dtype == ARLOSS_DTYPE_FLOAT32 && !test.spec.accumulates;
  const double reference = norm(test.expected.grad);
  return float32_gradient_bound(test.spec, reference, test.random_gradient_norm) + test.gradient_slack +
         (reference < kZeroGradient ? kZeroGradient : 0) +
         (is_stored_exactly ? 0 : kRoundingShare * rounding_error(test));
}

void expect_accurate(const Case& test, const Outcome& outcome, const std::string& route) {
  const double loss_share = expect_losses(test, outcome);
  const double gradient_share = expect_gradient(test, outcome);
  expect_dead_cells_untouched(test, outcome);
  record_accuracy(route, name_of(test.spec.regime), dtype_name(test.spec.logits_dtype), loss_share, gradient_share);
}

}  // namespace support

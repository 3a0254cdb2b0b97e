/// Edges of the definition (docs/math.md): images without valid labels, one cell, one class, cells of weight 0, extreme
/// but finite logits, factors of 0.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/half.h"
#include "support/sweep.h"
#include "support/tolerance.h"

namespace support {
namespace {

using oracle::Penalty;
using oracle::Reduction;
using oracle::ScaleMode;
using oracle::Span;

constexpr ScaleMode kModes[] = {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid};

/// Body for each penalty and scale mode; scales {1, 2} over labels twice as fine, or hard labels.
template <class Body>
void for_each_kind(CaseSpec spec, Body body) {
  const CaseSpec hard = spec;
  set_label_grid(spec, 2 * spec.problem.height, 2 * spec.problem.width);
  spec.problem.scales = {1, 2};
  for (CaseSpec kind : {hard, spec})
    for (const Penalty penalty : oracle::kPenalties)
      for (const ScaleMode mode : kModes) {
        kind.problem.penalty = penalty;
        kind.problem.scale_mode = mode;
        body(kind);
      }
}

void expect_all_zero(const std::vector<double>& values) {
  EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](double value) { return value == 0; }));
}

/// Loss exactly 0, gradient 0 or as good as.
void expect_nothing(const Outcome& outcome) {
  for (const float loss : outcome.loss) EXPECT_EQ(loss, 0);
  EXPECT_LE(norm(outcome.gradient), 1e-12);
}

void expect_nothing_everywhere(const CaseSpec& spec, const oracle::Inputs& inputs, std::size_t case_index = 0) {
  const Batch batch = pack(spec, inputs);
  for_each_plan(
      spec, batch.problem, [&](const Plan& plan) { expect_nothing(run_forward_backward(plan, spec, batch)); },
      case_index);
}

void expect_accurate_everywhere(const Case& test, std::size_t case_index = 0) {
  for_each_plan(
      test.spec, test.batch.problem,
      [&test](const Plan& plan) {
        expect_accurate(test, run_forward_backward(plan, test.spec, test.batch), plan.route());
      },
      case_index);
}

TEST(Edges, AllLabelsIgnored) {
  std::size_t index = 0;
  for (const Span span : {Span::kImage, Span::kBatch})
    for (const Reduction reduction : {Reduction::kMean, Reduction::kSum, Reduction::kNone}) {
      if (span == Span::kBatch && reduction == Reduction::kNone) continue;
      CaseSpec base = plain_spec(2, 5, 4, 6);
      base.problem.span = span;
      base.problem.reduction = reduction;
      for_each_kind(base, [&index](const CaseSpec& spec) {
        oracle::Inputs inputs = draw_inputs(spec);
        std::fill(inputs.labels.begin(), inputs.labels.end(), 255);
        const Batch batch = pack(spec, inputs);
        for_each_plan(
            spec, batch.problem,
            [&](const Plan& plan) {
              const Outcome outcome = run_forward_backward(plan, spec, batch);
              expect_nothing(outcome);
              expect_all_zero(outcome.gradient);
            },
            index++);
      });
    }
}

TEST(Edges, AllWeightsZero) {
  std::size_t index = 0;
  for_each_kind(plain_spec(2, 5, 4, 6), [&index](const CaseSpec& spec) {
    oracle::Inputs inputs = draw_inputs(spec);
    inputs.pixel_weights.assign(static_cast<std::size_t>(2 * spec.cells()), 0);
    expect_nothing_everywhere(spec, inputs, index++);
  });
}

/// An image without valid labels counts as 0 in the mean, and still counts.
TEST(Edges, MeanCountsEmptyImages) {
  std::size_t index = 0;
  for (const Reduction reduction : {Reduction::kMean, Reduction::kSum, Reduction::kNone}) {
    CaseSpec base = plain_spec(3, 5, 4, 6);
    base.problem.reduction = reduction;
    for_each_kind(base, [&](const CaseSpec& spec) {
      oracle::Inputs inputs = draw_inputs(spec);
      const auto per_image = static_cast<std::ptrdiff_t>(inputs.labels.size() / 3);
      std::fill_n(inputs.labels.begin() + per_image, per_image, 255);
      expect_accurate_everywhere(build_case(spec, inputs), index++);
    });
  }
}

TEST(Edges, OneCell) {
  std::size_t index = 0;
  for (const Reduction reduction : {Reduction::kMean, Reduction::kSum})
    for (const std::int64_t classes : {1, 2, 19}) {
      CaseSpec base = plain_spec(2, classes, 1, 1);
      base.problem.reduction = reduction;
      base.problem.loss_weight = 7;
      for_each_kind(base,
                    [&index](const CaseSpec& spec) { expect_nothing_everywhere(spec, draw_inputs(spec), index++); });
    }
}

/// One live cell among ignored ones and ones of weight 0: its own pair is a perfect match.
TEST(Edges, OneLiveCell) {
  std::size_t index = 0;
  for_each_kind(plain_spec(1, 5, 5, 7), [&index](const CaseSpec& spec) {
    oracle::Inputs inputs = draw_inputs(spec);
    const std::int64_t cell = 17;
    const oracle::Problem& p = spec.problem;
    const std::int64_t high = p.label_height / p.height, wide = p.label_width / p.width;
    for (std::int64_t y = 0; y < p.label_height; ++y)
      for (std::int64_t x = 0; x < p.label_width; ++x)
        inputs.labels[static_cast<std::size_t>(y * p.label_width + x)] =
            y / high * p.width + x / wide == cell ? (x + y) % 5 : 255;
    inputs.pixel_weights.assign(static_cast<std::size_t>(spec.cells()), 3.25);
    expect_nothing_everywhere(spec, inputs, index);
    // The same by weights alone.
    oracle::Inputs weighted = draw_inputs(spec);
    std::replace(weighted.labels.begin(), weighted.labels.end(), std::int64_t{255}, std::int64_t{1});
    weighted.pixel_weights.assign(static_cast<std::size_t>(spec.cells()), 0);
    weighted.pixel_weights[static_cast<std::size_t>(cell)] = 0.3125;
    expect_nothing_everywhere(spec, weighted, index++);
  });
}

TEST(Edges, OneClass) {
  std::size_t index = 0;
  for_each_kind(plain_spec(2, 1, 5, 7), [&index](const CaseSpec& spec) {
    CaseSpec noisy = spec;
    noisy.label_map = LabelMap::kNoise;  // some cells ignored
    noisy.weights = Weights::kModerate;
    expect_nothing_everywhere(noisy, draw_inputs(noisy), index++);
  });
}

/// Bytes of element (b, c, cell) of a gradient tensor.
std::vector<unsigned char> element_of(const CaseSpec& spec, const std::vector<unsigned char>& tensor, std::int64_t b,
                                      std::int64_t c, std::int64_t cell) {
  const std::size_t bytes = element_bytes(spec.logits_dtype);
  const auto at = tensor.begin() + static_cast<std::ptrdiff_t>(logit_index(spec, b, c, cell) * bytes);
  return {at, at + static_cast<std::ptrdiff_t>(bytes)};
}

/// Every element in a cell of weight 0 has the bits of the same element of `expected`.
void expect_dead_bits(const Case& test, const std::vector<unsigned char>& gradient,
                      const std::vector<unsigned char>& expected) {
  const CaseSpec& spec = test.spec;
  for (std::int64_t b = 0; b < spec.problem.batch; ++b)
    for (std::int64_t i = 0; i < spec.cells(); ++i)
      for (std::int64_t c = 0; c < spec.problem.classes; ++c) {
        if (test.expected.cell_weights[static_cast<std::size_t>(b * spec.cells() + i)] > 0) continue;
        ASSERT_EQ(element_of(spec, gradient, b, c, i), element_of(spec, expected, b, c, i))
            << "image " << b << " cell " << i << " class " << c;
      }
}

/// Cells without a valid label: 0 is written, or, where gradients are added, whatever lies there keeps its bits, those
/// of NaN and -0 too.
TEST(Edges, DeadCellsAreWrittenZeroOrLeftAlone) {
  std::size_t index = 0;
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16})
    for (const bool accumulates : {false, true}) {
      CaseSpec base = plain_spec(2, 5, 6, 7);
      base.logits_dtype = dtype;
      base.label_map = LabelMap::kNoise;
      base.weights = Weights::kModerate;
      base.accumulates = accumulates;
      for_each_kind(base, [&](CaseSpec spec) {
        spec.layout = index % 2 == 0 ? ARLOSS_LAYOUT_NCHW : ARLOSS_LAYOUT_NHWC;
        Case test = build_case(spec);
        std::vector<double> kept(test.expected.grad.size());
        for (std::size_t i = 0; accumulates && i < kept.size(); ++i) kept[i] = i % 2 == 0 ? std::nan("") : -0.0;
        const std::vector<unsigned char> expected = pack_logits(spec, kept);
        if (accumulates) test.batch.prior_gradient = expected;
        for_each_plan(
            spec, test.batch.problem,
            [&](const Plan& plan) {
              expect_dead_bits(test, run_forward_backward(plan, spec, test.batch).gradient_bytes, expected);
            },
            index++);
      });
    }
}

/// The largest finite logits of each dtype, of either sign: softmax subtracts the maximum and nothing overflows.
TEST(Edges, LargestFiniteLogits) {
  std::size_t index = 0;
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16}) {
    const double largest = dtype == ARLOSS_DTYPE_FLOAT16    ? 65504
                           : dtype == ARLOSS_DTYPE_BFLOAT16 ? 0x1.fep127
                                                            : std::numeric_limits<float>::max();
    CaseSpec base = plain_spec(1, 4, 5, 6);
    base.logits_dtype = dtype;
    for_each_kind(base, [&](const CaseSpec& spec) {
      oracle::Inputs inputs = draw_inputs(spec);
      Random random(9);
      // One class of a cell at most: two alike at the top give affinities that equal the labels' to the last bit.
      for (std::int64_t i = 0; i < spec.cells(); ++i)
        for (std::int64_t c = 0; c < 4; ++c)
          if (random.chance(0.4))
            inputs.logits[static_cast<std::size_t>(c * spec.cells() + i)] = c == i % 4 ? largest : -largest;
      const Case test = build_case(spec, inputs);
      expect_accurate_everywhere(test, index++);
    });
  }
}

/// Logits whose exponentials underflow in float32, in one class or in all but one.
TEST(Edges, UnderflowingProbabilities) {
  std::size_t index = 0;
  for (const double gap : {80.0, 104.0, 170.0, 210.0, 1000.0})
    for_each_kind(plain_spec(1, 4, 5, 6), [&](const CaseSpec& spec) {
      oracle::Inputs inputs = draw_inputs(spec);
      Random random(4);
      for (double& value : inputs.logits)
        if (random.chance(0.5)) value = static_cast<float>(value - gap);
      expect_accurate_everywhere(build_case(spec, inputs), index++);
    });
}

TEST(Edges, LossWeightZero) {
  CaseSpec base = plain_spec(2, 4, 5, 6);
  base.problem.loss_weight = 0;
  std::size_t index = 0;
  for_each_kind(base, [&index](const CaseSpec& spec) { expect_nothing_everywhere(spec, draw_inputs(spec), index++); });
}

TEST(Edges, UpstreamGradientZero) {
  CaseSpec base = plain_spec(2, 4, 5, 6);
  base.problem.reduction = Reduction::kNone;
  std::size_t index = 0;
  for_each_kind(base, [&index](const CaseSpec& spec) {
    oracle::Inputs inputs = draw_inputs(spec);
    inputs.grad_loss = {0, -2.5};
    const Case test = build_case(spec, inputs);
    EXPECT_EQ(test.expected.grad.front(), 0);
    expect_accurate_everywhere(test, index++);
  });
}

TEST(Edges, NegativeZeroWeightIsZero) {
  const CaseSpec spec = plain_spec(1, 4, 5, 6);
  oracle::Inputs inputs = draw_inputs(spec);
  inputs.pixel_weights.assign(30, 1);
  inputs.pixel_weights[7] = -0.0;
  expect_accurate_everywhere(build_case(spec, inputs));
}

/// A perfect prediction, as far as logits can say it, closer to the labels than the accuracy contract goes: the loss is
/// what float32 cannot tell from the exact one, never below 0, and nothing blows up.
TEST(Edges, PerfectPrediction) {
  std::size_t index = 0;
  for_each_kind(plain_spec(1, 4, 5, 6), [&index](const CaseSpec& spec) {
    oracle::Inputs inputs = draw_inputs(spec);
    const std::vector<double> t = oracle::label_distribution(spec.problem, inputs, 0);
    for (std::int64_t i = 0; i < spec.cells(); ++i)
      for (std::int64_t c = 0; c < 4; ++c)
        inputs.logits[static_cast<std::size_t>(c * spec.cells() + i)] =
            static_cast<float>(std::log(t[static_cast<std::size_t>(i * 4 + c)] + 1e-30));
    const Case test = build_case(spec, inputs);
    for_each_plan(
        spec, test.batch.problem,
        [&](const Plan& plan) {
          const Outcome outcome = run_forward_backward(plan, spec, test.batch);
          EXPECT_NEAR(outcome.loss[0], test.expected.loss[0], 1e-6);
          EXPECT_GE(outcome.loss[0], 0);
          // The sign of a residual that is 0 but for rounding decides over the slope of ABSOLUTE.
          const double slack = spec.problem.penalty == Penalty::kAbsolute ? 1 : 1e-6;
          EXPECT_LE(distance(outcome.gradient, test.expected.grad), slack);
        },
        index++);
  });
}

/// SQUARED and ABSOLUTE have no parameter: a value there changes nothing.
TEST(Edges, PenaltyParamIsIgnoredWhereThereIsNone) {
  for (const Penalty penalty : {Penalty::kSquared, Penalty::kAbsolute}) {
    CaseSpec spec = plain_spec(1, 4, 5, 6);
    spec.problem.penalty = penalty;
    const oracle::Inputs inputs = draw_inputs(spec);
    const Outcome without = run(spec, pack(spec, inputs), ARLOSS_ALGORITHM_AUTO);
    spec.problem.penalty_param = 0.7;
    EXPECT_TRUE(run(spec, pack(spec, inputs), ARLOSS_ALGORITHM_AUTO) == without);
  }
}

/// 0 stands for the default parameter.
TEST(Edges, PenaltyParamDefaults) {
  for (const auto& [penalty, param] :
       {std::pair(Penalty::kHuber, 0.1), {Penalty::kCrossEntropy, 1e-4}, {Penalty::kLogCosh, 0.1}}) {
    CaseSpec spec = plain_spec(1, 4, 9, 8);
    spec.problem.penalty = penalty;
    const oracle::Inputs inputs = draw_inputs(spec);
    const Outcome by_default = run(spec, pack(spec, inputs), ARLOSS_ALGORITHM_AUTO);
    spec.problem.penalty_param = param;
    const Outcome stated = run(spec, pack(spec, inputs), ARLOSS_ALGORITHM_AUTO);
    EXPECT_FLOAT_EQ(by_default.loss[0], stated.loss[0]);
    EXPECT_LE(distance(by_default.gradient, stated.gradient), 1e-5 * norm(stated.gradient));
    spec.problem.penalty_param = 1.5 * param;
    EXPECT_NE(run(spec, pack(spec, inputs), ARLOSS_ALGORITHM_AUTO).loss[0], stated.loss[0]);
  }
}

/// Where the clamp of CROSS_ENTROPY is active its slope is 0: cells sure of one class have no gradient against a label
/// affinity the clamp already satisfies.
TEST(Edges, CrossEntropySlopeIsCutAtTheClamp) {
  CaseSpec spec = plain_spec(1, 3, 4, 4);
  spec.problem.penalty = Penalty::kCrossEntropy;
  spec.problem.penalty_param = 0.25;
  spec.regime = Regime::kNearPerfect4;
  const Case test = build_case(spec);
  expect_all_zero(test.expected.grad);
  expect_accurate_everywhere(test);
  for_each_plan(spec, test.batch.problem,
                [&](const Plan& plan) { expect_all_zero(run_forward_backward(plan, spec, test.batch).gradient); });
}

}  // namespace
}  // namespace support

/// What must hold for every input, whatever the numbers are: invariances and linearities of the definition.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "support/half.h"
#include "support/sweep.h"

namespace support {
namespace {

using oracle::Penalty;
using oracle::Reduction;
using oracle::ScaleMode;
using oracle::Span;

/// Two images of 9 x 10 cells, 7 classes, some ignored, weighted; hard labels or mixed ones.
CaseSpec base_spec(bool is_hard) {
  CaseSpec spec = plain_spec(2, 7, 9, 10);
  if (!is_hard) set_label_grid(spec, 20, 31);
  spec.weights = Weights::kModerate;
  spec.regime = Regime::kTrainedLike;
  return spec;
}

/// Body for every penalty and scale mode.
template <class Body>
void for_each_kind(Body body) {
  for (const bool is_hard : {true, false})
    for (const Penalty penalty : oracle::kPenalties)
      for (const ScaleMode mode : {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid}) {
        CaseSpec spec = base_spec(is_hard);
        if (!is_hard) spec.problem.scales = {1, 2};
        spec.problem.penalty = penalty;
        spec.problem.scale_mode = mode;
        body(spec);
      }
}

void expect_close(const std::vector<float>& a, const std::vector<float>& b, double tolerance = 1e-5) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_NEAR(a[i], b[i], tolerance * std::fabs(b[i])) << "loss[" << i << "]";
}

void expect_close(const std::vector<double>& a, const std::vector<double>& b, double tolerance = 1e-5) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_LE(distance(a, b), tolerance * norm(b)) << "gradients";
}

/// Runs both input sets by every plan and hands over the two outcomes.
template <class Body>
void for_both(const CaseSpec& spec, const oracle::Inputs& first, const oracle::Inputs& second, Body body) {
  static std::size_t index = 0;
  const Batch a = pack(spec, first), b = pack(spec, second);
  for_each_plan(
      spec, a.problem,
      [&](const Plan& plan) { body(run_forward_backward(plan, spec, a), run_forward_backward(plan, spec, b)); },
      index++);
}

TEST(Properties, ShiftingAllLogitsOfACellChangesNothing) {
  for_each_kind([](const CaseSpec& spec) {
    oracle::Inputs inputs = draw_inputs(spec);
    for (double& value : inputs.logits) value = std::round(value * 64) / 64;  // shifts are then exact in float32
    oracle::Inputs shifted = inputs;
    for (std::int64_t b = 0; b < 2; ++b)
      for (std::int64_t c = 0; c < 7; ++c)
        for (std::int64_t i = 0; i < spec.cells(); ++i)
          shifted.logits[static_cast<std::size_t>((b * 7 + c) * spec.cells() + i)] += static_cast<double>(i % 13 - 6);
    for_both(spec, inputs, shifted, [](const Outcome& a, const Outcome& b) {
      expect_close(a.loss, b.loss);
      expect_close(a.gradient, b.gradient);
    });
  });
}

/// to[c] is where class c goes. Whole class planes of [2][7][cells] move.
std::vector<double> with_classes_moved(const std::vector<double>& values, const std::vector<std::int64_t>& to) {
  const auto classes = static_cast<std::int64_t>(to.size());
  const auto cells = static_cast<std::int64_t>(values.size()) / (2 * classes);
  std::vector<double> moved(values.size());
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t c = 0; c < classes; ++c)
      std::copy_n(values.begin() + (b * classes + c) * cells, cells,
                  moved.begin() + (b * classes + to[static_cast<std::size_t>(c)]) * cells);
  return moved;
}

const std::vector<std::int64_t> kClassOrder = {3, 5, 0, 6, 1, 4, 2};

TEST(Properties, RenamingClassesOfLabelsAndLogitsRenamesTheGradient) {
  for_each_kind([](const CaseSpec& spec) {
    const oracle::Inputs inputs = draw_inputs(spec);
    oracle::Inputs renamed = inputs;
    renamed.logits = with_classes_moved(inputs.logits, kClassOrder);
    for (std::int64_t& label : renamed.labels)
      if (label < 7) label = kClassOrder[static_cast<std::size_t>(label)];
    for_both(spec, inputs, renamed, [](const Outcome& a, const Outcome& b) {
      expect_close(a.loss, b.loss);
      expect_close(with_classes_moved(a.gradient, kClassOrder), b.gradient);
    });
  });
}

/// The affinity does not see class names: the prediction's alone may be changed.
TEST(Properties, RenamingClassesOfThePredictionKeepsTheLoss) {
  for (const Regime regime : {Regime::kRandom, Regime::kTrainedLike})
    for_each_kind([regime](CaseSpec spec) {
      // A pyramid pools predictions, and pooling does not see class names either.
      spec.regime = regime;
      const oracle::Inputs inputs = draw_inputs(spec);
      oracle::Inputs renamed = inputs;
      renamed.logits = with_classes_moved(inputs.logits, kClassOrder);
      for_both(spec, inputs, renamed,
               [](const Outcome& a, const Outcome& b) { EXPECT_NEAR(a.loss[0], b.loss[0], 1e-6); });
    });
}

/// Rows of `width` values move: value i of each goes to order[i].
std::vector<double> with_cells_moved(const std::vector<double>& values, const std::vector<std::size_t>& order) {
  std::vector<double> moved(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    moved[i / order.size() * order.size() + order[i % order.size()]] = values[i];
  return moved;
}

TEST(Properties, PermutingCellsAtScaleOnePermutesTheGradient) {
  std::vector<std::size_t> order(90);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random(5).shuffle(order);
  for (const Penalty penalty : oracle::kPenalties) {
    CaseSpec spec = base_spec(true);
    spec.problem.penalty = penalty;
    const oracle::Inputs inputs = draw_inputs(spec);
    oracle::Inputs moved = inputs;
    moved.logits = with_cells_moved(inputs.logits, order);
    moved.pixel_weights = with_cells_moved(inputs.pixel_weights, order);
    for (std::size_t i = 0; i < inputs.labels.size(); ++i) moved.labels[i / 90 * 90 + order[i % 90]] = inputs.labels[i];
    for_both(spec, inputs, moved, [&order](const Outcome& a, const Outcome& b) {
      expect_close(a.loss, b.loss);
      expect_close(with_cells_moved(a.gradient, order), b.gradient);
    });
  }
}

/// The part of a batch's inputs that belongs to one image.
oracle::Inputs image_of(const CaseSpec& spec, const oracle::Inputs& inputs, std::int64_t image) {
  const auto slice = [&](const auto& values) {
    const auto count = static_cast<std::ptrdiff_t>(values.size()) / spec.problem.batch;
    return std::decay_t<decltype(values)>(values.begin() + image * count, values.begin() + (image + 1) * count);
  };
  oracle::Inputs one;
  one.logits = slice(inputs.logits);
  one.labels = slice(inputs.labels);
  one.pixel_weights = slice(inputs.pixel_weights);
  return one;
}

TEST(Properties, ABatchIsItsImages) {
  for_each_kind([](CaseSpec spec) {
    spec.problem.reduction = Reduction::kNone;
    const oracle::Inputs inputs = draw_inputs(spec);
    CaseSpec single = spec;
    single.problem.batch = 1;
    for (const arloss_algorithm_t algorithm : algorithms_of(spec)) {
      const Outcome joined = run(spec, pack(spec, inputs), algorithm);
      std::vector<float> losses;
      std::vector<double> gradient;
      for (std::int64_t b = 0; b < 2; ++b) {
        const Outcome one = run(single, pack(single, image_of(spec, inputs, b)), algorithm);
        losses.push_back(one.loss[0]);
        gradient.insert(gradient.end(), one.gradient.begin(), one.gradient.end());
      }
      expect_close(joined.loss, losses);
      expect_close(joined.gradient, gradient);
    }
  });
}

/// NONE is the vector of losses, MEAN their mean; SUM has no normaliser.
TEST(Properties, ReductionsAgree) {
  for_each_kind([](CaseSpec spec) {
    spec.weights = Weights::kNone;
    const oracle::Inputs inputs = draw_inputs(spec);
    for (const arloss_algorithm_t algorithm : algorithms_of(spec)) {
      spec.problem.reduction = Reduction::kNone;
      const Outcome none = run(spec, pack(spec, inputs), algorithm);
      spec.problem.reduction = Reduction::kMean;
      const Outcome mean = run(spec, pack(spec, inputs), algorithm);
      ASSERT_EQ(none.loss.size(), 2u);
      EXPECT_NE(none.loss[0], none.loss[1]);
      EXPECT_NEAR(mean.loss[0], (none.loss[0] + none.loss[1]) / 2, 1e-6 * mean.loss[0]);
      std::vector<double> halved = none.gradient;
      for (double& value : halved) value /= 2;
      expect_close(mean.gradient, halved);
    }
  });
}

/// grad_loss scales each image's gradient by its own value, loss_weight both loss and gradient, under every reduction.
TEST(Properties, LossWeightAndUpstreamGradientAreLinear) {
  for (const Reduction reduction : {Reduction::kMean, Reduction::kSum, Reduction::kNone})
    for_each_kind([reduction](CaseSpec spec) {
      spec.problem.reduction = reduction;
      oracle::Inputs inputs = draw_inputs(spec);
      for (const arloss_algorithm_t algorithm : algorithms_of(spec)) {
        spec.problem.loss_weight = 1;
        inputs.grad_loss.clear();
        const Outcome plain = run(spec, pack(spec, inputs), algorithm);
        spec.problem.loss_weight = 2.5;
        inputs.grad_loss.assign(static_cast<std::size_t>(spec.num_losses()), -3);
        inputs.grad_loss.back() = 0.75;
        const Outcome scaled = run(spec, pack(spec, inputs), algorithm);
        std::vector<float> losses = plain.loss;
        for (float& loss : losses) loss *= 2.5f;
        expect_close(scaled.loss, losses);
        std::vector<double> gradient = plain.gradient;
        for (std::size_t i = 0; i < gradient.size(); ++i)
          gradient[i] *= 2.5 * inputs.grad_loss[i / (gradient.size() / inputs.grad_loss.size())];
        expect_close(scaled.gradient, gradient);
      }
    });
}

/// Adding to what is there is the sum of the two, in every dtype.
TEST(Properties, AccumulatingAdds) {
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16})
    for_each_kind([dtype](CaseSpec spec) {
      spec.logits_dtype = dtype;
      spec.problem.loss_weight = 64;  // well inside float16
      const oracle::Inputs inputs = draw_inputs(spec);
      for (const arloss_algorithm_t algorithm : algorithms_of(spec)) {
        spec.accumulates = false;
        const Outcome alone = run(spec, pack(spec, inputs), algorithm);
        spec.accumulates = true;
        Batch batch = pack(spec, inputs);
        std::vector<double> prior(alone.gradient.size());
        for (std::size_t i = 0; i < prior.size(); ++i)
          prior[i] = round_to(dtype, static_cast<double>(i % 17) * 0.01 - 0.08);
        batch.prior_gradient = pack_logits(spec, prior);
        const Outcome added = run(spec, batch, algorithm);
        EXPECT_EQ(added.loss, alone.loss);
        const double step = dtype == ARLOSS_DTYPE_FLOAT32 ? 0x1p-23 : dtype == ARLOSS_DTYPE_FLOAT16 ? 0x1p-10 : 0x1p-7;
        for (std::size_t i = 0; i < prior.size(); ++i)
          ASSERT_NEAR(added.gradient[i], prior[i] + alone.gradient[i],
                      step * (std::fabs(prior[i]) + std::fabs(alone.gradient[i])) + 1e-7);
      }
    });
}

/// SEPARATE differs from BLEND by a constant of the labels under the squared penalty: same gradient.
TEST(Properties, SeparateHasTheGradientOfBlend) {
  CaseSpec spec = base_spec(false);
  spec.problem.scales = {1, 2, 4};
  spec.problem.scale_weights = {1, 2, 3};
  const oracle::Inputs inputs = draw_inputs(spec);
  for (const arloss_algorithm_t algorithm : algorithms_of(spec)) {
    const Outcome blend = run(spec, pack(spec, inputs), algorithm);
    spec.problem.scale_mode = ScaleMode::kSeparate;
    const Outcome separate = run(spec, pack(spec, inputs), algorithm);
    spec.problem.scale_mode = ScaleMode::kBlend;
    EXPECT_GT(separate.loss[0], blend.loss[0]);
    expect_close(separate.gradient, blend.gradient);
  }
}

/// Scales of weight 0 might as well not be listed, and only ratios of weights count.
TEST(Properties, ScaleWeightsAreRelative) {
  for (const ScaleMode mode : {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid})
    for (const arloss_algorithm_t algorithm : {ARLOSS_ALGORITHM_FACTORED, ARLOSS_ALGORITHM_PAIRWISE}) {
      CaseSpec spec = base_spec(false);
      spec.problem.scale_mode = mode;
      const oracle::Inputs inputs = draw_inputs(spec);
      const auto run_scales = [&](std::vector<int> scales, std::vector<double> weights) {
        spec.problem.scales = std::move(scales);
        spec.problem.scale_weights = std::move(weights);
        return run(spec, pack(spec, inputs), algorithm);
      };
      const Outcome expected = run_scales({2, 4}, {0.25, 0.75});
      for (const Outcome& outcome : {run_scales({2, 4}, {1, 3}), run_scales({4, 1, 2, 8}, {6, 0, 2, 0})}) {
        expect_close(outcome.loss, expected.loss);
        expect_close(outcome.gradient, expected.gradient);
      }
    }
}

/// A layout is a way to store: the numbers are the same up to the order of sums.
TEST(Properties, LayoutsAgree) {
  for_each_kind([](CaseSpec spec) {
    const oracle::Inputs inputs = draw_inputs(spec);
    for (const arloss_algorithm_t algorithm : algorithms_of(spec)) {
      spec.layout = ARLOSS_LAYOUT_NCHW;
      const Outcome planes = run(spec, pack(spec, inputs), algorithm);
      spec.layout = ARLOSS_LAYOUT_NHWC;
      const Outcome rows = run(spec, pack(spec, inputs), algorithm);
      expect_close(rows.loss, planes.loss);
      expect_close(rows.gradient, planes.gradient);
    }
  });
}

/// Label types are too: the same bits.
TEST(Properties, LabelTypesAgree) {
  for_each_kind([](CaseSpec spec) {
    const oracle::Inputs inputs = draw_inputs(spec);
    for (const arloss_algorithm_t algorithm : algorithms_of(spec)) {
      spec.labels_dtype = ARLOSS_DTYPE_UINT8;
      const Outcome expected = run(spec, pack(spec, inputs), algorithm);
      for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_INT32, ARLOSS_DTYPE_INT64}) {
        spec.labels_dtype = dtype;
        EXPECT_TRUE(run(spec, pack(spec, inputs), algorithm) == expected);
      }
    }
  });
}

}  // namespace
}  // namespace support

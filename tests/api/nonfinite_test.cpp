/// Logits that are not numbers: NaN goes in, NaN comes out, in exactly the image (or batch) it belongs to.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "support/poisons.h"
#include "support/sweep.h"
#include "support/tolerance.h"

namespace support {
namespace {

using oracle::Penalty;
using oracle::Reduction;
using oracle::ScaleMode;
using oracle::Span;

class Poisons : public ::testing::TestWithParam<Poison> {};

TEST_P(Poisons, SpoilTheirImageAndNoOther) {
  std::uint64_t index = 0;
  for (const PoisonKind& kind : poison_kinds()) {
    const CaseSpec spec = poison_spec(kind, ++index);
    const Case clean = build_case(spec);
    const std::vector<std::int64_t> live = cells_of_image(clean.expected, 1, true);
    ASSERT_FALSE(live.empty());
    oracle::Inputs inputs = clean.inputs;
    plant(inputs, GetParam(), 1, live[index % live.size()], static_cast<std::int64_t>(index % kPoisonClasses));
    Batch batch = pack(clean.spec, inputs);
    for_each_plan(
        spec, batch.problem,
        [&](const Plan& plan) {
          const Outcome outcome = run_forward_backward(plan, clean.spec, batch);
          expect_poisoned(clean, outcome);
          EXPECT_TRUE(run_forward_then_backward(plan, clean.spec, batch) == outcome);
        },
        index);
    if (HasFatalFailure()) return;
  }
}

/// A cell of weight 0 takes no part, whatever its logits are: the same bits as with any other ones.
TEST_P(Poisons, HaveNoEffectInCellsOfWeightZero) {
  std::uint64_t index = 0;
  for (const PoisonKind& kind : poison_kinds()) {
    const CaseSpec spec = poison_spec(kind, ++index);
    const oracle::Inputs clean = draw_inputs(spec);
    oracle::Inputs inputs = clean;
    plant_in_dead_cells(inputs, GetParam(), spec);
    const Batch clean_batch = pack(spec, clean), batch = pack(spec, inputs);
    for_each_plan(
        spec, batch.problem,
        [&](const Plan& plan) {
          EXPECT_TRUE(run_forward_backward(plan, spec, batch) == run_forward_backward(plan, spec, clean_batch));
        },
        index);
  }
}

INSTANTIATE_TEST_SUITE_P(Nonfinite, Poisons, ::testing::ValuesIn(kPoisons),
                         [](const auto& poison) { return std::string(poison.param.name); });

/// Also where little else is left: one live cell, or one class.
TEST(Nonfinite, IsNotSwallowedByOneCellOrOneClass) {
  struct Shape {
    std::int64_t classes, height, width;
  };
  for (const Shape shape : {Shape{5, 1, 1}, {1, 1, 1}, {1, 3, 4}, {5, 1, 2}})
    for (const Penalty penalty : oracle::kPenalties)
      for (const ScaleMode mode : {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid})
        for (const double value : {kNaN, kInfinity}) {
          CaseSpec spec = plain_spec(1, shape.classes, shape.height, shape.width);
          spec.problem.penalty = penalty;
          spec.problem.scale_mode = mode;
          spec.label_map = LabelMap::kOneClass;
          oracle::Inputs inputs = draw_inputs(spec);
          inputs.logits[0] = value;
          const Batch batch = pack(spec, inputs);
          for_each_plan(spec, batch.problem, [&](const Plan& plan) {
            const Outcome outcome = run_forward_backward(plan, spec, batch);
            EXPECT_TRUE(std::isnan(outcome.loss[0])) << outcome.loss[0];
            for (const double gradient : outcome.gradient) ASSERT_TRUE(std::isnan(gradient)) << gradient;
          });
        }
}

/// A masked class: probability 0, gradient exactly 0, everything else exact; the cell's own label may be the one.
TEST(Nonfinite, MaskedClassesAreExact) {
  std::uint64_t index = 0;
  for (const PoisonKind& kind : poison_kinds()) {
    const CaseSpec spec = poison_spec(kind, ++index);
    oracle::Inputs inputs = draw_inputs(spec);
    const std::vector<std::size_t> masked = mask_classes(inputs, spec);
    const Case test = build_case(spec, inputs);
    for_each_plan(
        spec, test.batch.problem,
        [&](const Plan& plan) {
          const Outcome outcome = run_forward_backward(plan, spec, test.batch);
          expect_accurate(test, outcome, plan.route());
          for (const std::size_t position : masked) ASSERT_EQ(outcome.gradient[position], 0) << "element " << position;
        },
        index);
  }
}

/// NaN is added to what is there, and not to cells of weight 0.
TEST(Nonfinite, AccumulatesToo) {
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16}) {
    CaseSpec spec = poison_spec({Penalty::kSquared, ScaleMode::kBlend, Span::kImage, Reduction::kMean, dtype, true}, 3);
    spec.accumulates = true;
    Case clean = build_case(spec);
    oracle::Inputs inputs = clean.inputs;
    plant(inputs, kPoisons[0], 1, cells_of_image(clean.expected, 1, true).back(), 2);
    Batch batch = pack(clean.spec, inputs);
    batch.prior_gradient = clean.batch.prior_gradient;
    for_each_plan(spec, batch.problem, [&](const Plan& plan) {
      const Outcome outcome = run_forward_backward(plan, clean.spec, batch);
      for (std::int64_t i = 0; i < kPoisonCells; ++i)
        for (std::int64_t c = 0; c < kPoisonClasses; ++c) {
          const bool is_live = clean.expected.cell_weights[static_cast<std::size_t>(kPoisonCells + i)] > 0;
          const double value = outcome.gradient[value_index(1, c, i)];
          ASSERT_EQ(std::isnan(value), is_live) << "cell " << i << " class " << c;
          if (!is_live) {
            ASSERT_EQ(value, clean.prior[value_index(1, c, i)]);
          }
        }
    });
  }
}

TEST(Nonfinite, UpstreamNaNReachesTheGradient) {
  CaseSpec spec = poison_spec(
      {Penalty::kSquared, ScaleMode::kBlend, Span::kImage, Reduction::kNone, ARLOSS_DTYPE_FLOAT32, true}, 4);
  oracle::Inputs inputs = draw_inputs(spec);
  inputs.grad_loss = {1, kNaN, 1};
  const Batch batch = pack(spec, inputs);
  for_each_plan(spec, batch.problem, [&](const Plan& plan) {
    const Outcome outcome = run_forward_backward(plan, spec, batch);
    for (const float loss : outcome.loss) EXPECT_TRUE(std::isfinite(loss));
    EXPECT_TRUE(std::isfinite(outcome.gradient[value_index(0, 0, 0)]));
    bool has_nan = false;
    for (std::int64_t i = 0; i < kPoisonCells; ++i) has_nan |= std::isnan(outcome.gradient[value_index(1, 0, i)]);
    EXPECT_TRUE(has_nan);
  });
}

}  // namespace
}  // namespace support

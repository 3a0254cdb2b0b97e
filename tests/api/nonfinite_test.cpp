/// Logits that are not numbers: NaN goes in, NaN comes out, in exactly the image (or batch) it belongs to.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "support/sweep.h"
#include "support/tolerance.h"

namespace support {
namespace {

using oracle::Penalty;
using oracle::Reduction;
using oracle::ScaleMode;
using oracle::Span;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t kClasses = 5, kCells = 6 * 7;

/// Where logit (b, c, i) of inputs lies.
std::size_t at(std::int64_t b, std::int64_t c, std::int64_t i) {
  return static_cast<std::size_t>((b * kClasses + c) * kCells + i);
}

/// What is planted in one cell of image 1.
struct Poison {
  const char* name;
  double value;
  bool fills_cell;  // every class of the cell, not one
};
void PrintTo(const Poison& poison, std::ostream* out) { *out << poison.name; }

constexpr Poison kPoisons[] = {{"nan", kNaN, false}, {"inf", kInfinity, false}, {"all_minus_inf", -kInfinity, true}};

struct Kind {
  Penalty penalty;
  ScaleMode mode;
  Span span;
  Reduction reduction;
  arloss_dtype_t dtype;
  bool is_hard;
};

std::vector<Kind> all_kinds() {
  std::vector<Kind> kinds;
  for (const Penalty penalty : {Penalty::kSquared, Penalty::kAbsolute, Penalty::kHuber, Penalty::kCrossEntropy})
    for (const ScaleMode mode : {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid})
      for (const bool is_hard : {false, true})
        for (const Reduction reduction : {Reduction::kMean, Reduction::kSum, Reduction::kNone})
          for (const Span span : {Span::kImage, Span::kBatch})
            if (span == Span::kImage || reduction != Reduction::kNone)
              kinds.push_back({penalty, mode, span, reduction, static_cast<arloss_dtype_t>(kinds.size() % 3), is_hard});
  return kinds;
}

CaseSpec spec_of(const Kind& kind, std::uint64_t seed) {
  CaseSpec spec = plain_spec(3, kClasses, 6, 7);
  if (!kind.is_hard) {
    set_label_grid(spec, 12, 15);
    spec.problem.scales = {1, 3};
  }
  spec.problem.penalty = kind.penalty;
  spec.problem.scale_mode = kind.mode;
  spec.problem.span = kind.span;
  spec.problem.reduction = kind.reduction;
  spec.logits_dtype = kind.dtype;
  spec.layout = seed % 2 == 0 ? ARLOSS_LAYOUT_NCHW : ARLOSS_LAYOUT_NHWC;
  spec.label_map = LabelMap::kNoise;
  spec.weights = Weights::kModerate;
  spec.num_threads = 1 + static_cast<int>(seed % 2);
  spec.seed = seed;
  return spec;
}

std::vector<std::int64_t> cells_of_image(const oracle::Result& result, std::int64_t image, bool is_live) {
  std::vector<std::int64_t> cells;
  for (std::int64_t i = 0; i < kCells; ++i)
    if ((result.cell_weights[static_cast<std::size_t>(image * kCells + i)] > 0) == is_live) cells.push_back(i);
  return cells;
}

void plant(oracle::Inputs& inputs, const Poison& poison, std::int64_t image, std::int64_t cell, std::int64_t c) {
  for (std::int64_t d = 0; d < kClasses; ++d)
    if (poison.fills_cell || d == c) inputs.logits[at(image, d, cell)] = poison.value;
}

/// NaN where it must be; elsewhere the answer of the clean problem.
void expect_poisoned(const Case& clean, const Outcome& outcome) {
  const oracle::Problem& p = clean.spec.problem;
  const bool is_joint = p.span == Span::kBatch;
  for (std::size_t b = 0; b < outcome.loss.size(); ++b) {
    const bool is_bad = p.reduction != Reduction::kNone || b == 1;
    ASSERT_EQ(std::isnan(outcome.loss[b]), is_bad) << "loss[" << b << "] is " << outcome.loss[b];
    if (!is_bad) {
      EXPECT_NEAR(outcome.loss[b], clean.expected.loss[b], loss_bounds(clean)[b]);
    }
  }
  std::vector<double> finite, exact;
  for (std::int64_t b = 0; b < p.batch; ++b)
    for (std::int64_t i = 0; i < kCells; ++i)
      for (std::int64_t c = 0; c < kClasses; ++c) {
        const double value = outcome.gradient[at(b, c, i)];
        const bool is_live = clean.expected.cell_weights[static_cast<std::size_t>(b * kCells + i)] > 0;
        ASSERT_EQ(std::isnan(value), is_live && (is_joint || b == 1))
            << "image " << b << " cell " << i << " class " << c;
        if (!is_live) {
          ASSERT_EQ(value, 0) << "image " << b << " cell " << i << " class " << c;
        }
        if (is_joint || b == 1) continue;
        finite.push_back(value);
        exact.push_back(clean.expected.grad[at(b, c, i)]);
      }
  EXPECT_LE(distance(finite, exact), gradient_bound(clean)) << "gradient of the other images";
}

class Poisons : public ::testing::TestWithParam<Poison> {};

TEST_P(Poisons, SpoilTheirImageAndNoOther) {
  std::uint64_t index = 0;
  for (const Kind& kind : all_kinds()) {
    const CaseSpec spec = spec_of(kind, ++index);
    const Case clean = build_case(spec);
    const std::vector<std::int64_t> live = cells_of_image(clean.expected, 1, true);
    ASSERT_FALSE(live.empty());
    oracle::Inputs inputs = clean.inputs;
    plant(inputs, GetParam(), 1, live[index % live.size()], static_cast<std::int64_t>(index % kClasses));
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
  for (const Kind& kind : all_kinds()) {
    const CaseSpec spec = spec_of(kind, ++index);
    const oracle::Inputs clean = draw_inputs(spec);
    const oracle::Result result = oracle::evaluate(spec.problem, clean);
    oracle::Inputs inputs = clean;
    for (std::int64_t b = 0; b < spec.problem.batch; ++b)
      for (const std::int64_t cell : cells_of_image(result, b, false))
        plant(inputs, GetParam(), b, cell, static_cast<std::int64_t>(index % kClasses));
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
    for (const Penalty penalty : {Penalty::kSquared, Penalty::kAbsolute, Penalty::kHuber, Penalty::kCrossEntropy})
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
  for (const Kind& kind : all_kinds()) {
    const CaseSpec spec = spec_of(kind, ++index);
    oracle::Inputs inputs = draw_inputs(spec);
    Random random(index);
    std::vector<std::size_t> masked;
    for (std::int64_t b = 0; b < spec.problem.batch; ++b)
      for (std::int64_t i = 0; i < kCells; ++i)
        for (std::int64_t c = 0; c < kClasses; ++c)
          if (c != i % kClasses && random.chance(0.3)) masked.push_back(at(b, c, i));
    for (const std::size_t position : masked) inputs.logits[position] = -kInfinity;
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
    CaseSpec spec = spec_of({Penalty::kSquared, ScaleMode::kBlend, Span::kImage, Reduction::kMean, dtype, true}, 3);
    spec.accumulates = true;
    Case clean = build_case(spec);
    oracle::Inputs inputs = clean.inputs;
    plant(inputs, kPoisons[0], 1, cells_of_image(clean.expected, 1, true).back(), 2);
    Batch batch = pack(clean.spec, inputs);
    batch.prior_gradient = clean.batch.prior_gradient;
    for_each_plan(spec, batch.problem, [&](const Plan& plan) {
      const Outcome outcome = run_forward_backward(plan, clean.spec, batch);
      for (std::int64_t i = 0; i < kCells; ++i)
        for (std::int64_t c = 0; c < kClasses; ++c) {
          const bool is_live = clean.expected.cell_weights[static_cast<std::size_t>(kCells + i)] > 0;
          const double value = outcome.gradient[at(1, c, i)];
          ASSERT_EQ(std::isnan(value), is_live) << "cell " << i << " class " << c;
          if (!is_live) {
            ASSERT_EQ(value, clean.prior[at(1, c, i)]);
          }
        }
    });
  }
}

TEST(Nonfinite, UpstreamNaNReachesTheGradient) {
  CaseSpec spec =
      spec_of({Penalty::kSquared, ScaleMode::kBlend, Span::kImage, Reduction::kNone, ARLOSS_DTYPE_FLOAT32, true}, 4);
  oracle::Inputs inputs = draw_inputs(spec);
  inputs.grad_loss = {1, kNaN, 1};
  const Batch batch = pack(spec, inputs);
  for_each_plan(spec, batch.problem, [&](const Plan& plan) {
    const Outcome outcome = run_forward_backward(plan, spec, batch);
    for (const float loss : outcome.loss) EXPECT_TRUE(std::isfinite(loss));
    EXPECT_TRUE(std::isfinite(outcome.gradient[at(0, 0, 0)]));
    bool has_nan = false;
    for (std::int64_t i = 0; i < kCells; ++i) has_nan |= std::isnan(outcome.gradient[at(1, 0, i)]);
    EXPECT_TRUE(has_nan);
  });
}

}  // namespace
}  // namespace support

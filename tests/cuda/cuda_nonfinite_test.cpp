/// Logits that are not numbers, on CUDA: NaN in exactly the image (or batch) it belongs to.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "cuda/device_runner.h"
#include "support/poisons.h"
#include "support/thinning.h"
#include "support/tolerance.h"

namespace support {
namespace {

std::vector<CaseSpec> factorable_poison_specs() {
  std::vector<CaseSpec> specs;
  std::uint64_t seed = 0;
  for (const PoisonKind& kind : poison_kinds()) {
    const CaseSpec spec = poison_spec(kind, ++seed);
    if (spec.is_factorable()) specs.push_back(spec);
  }
  return thinned(specs, 7);
}

class DevicePoisons : public ::testing::TestWithParam<Poison> {};

TEST_P(DevicePoisons, SpoilTheirImageAndNoOther) {
  for (const CaseSpec& spec : factorable_poison_specs()) {
    const Case clean = build_case(spec);
    const std::vector<std::int64_t> live = cells_of_image(clean.expected, 1, true);
    ASSERT_FALSE(live.empty());
    oracle::Inputs inputs = clean.inputs;
    plant(inputs, GetParam(), 1, live[spec.seed % live.size()], static_cast<std::int64_t>(spec.seed) % kPoisonClasses);
    const Batch batch = pack(clean.spec, inputs);
    with_cuda_plan(clean.spec, [&](const Plan& plan) {
      const Outcome outcome = run_forward_backward(plan, clean.spec, batch, nullptr);
      expect_poisoned(clean, outcome);
      EXPECT_TRUE(run_forward_then_backward(plan, clean.spec, batch, nullptr) == outcome);
    });
    if (HasFatalFailure()) return;
  }
}

TEST_P(DevicePoisons, HaveNoEffectInCellsOfWeightZero) {
  for (const CaseSpec& spec : factorable_poison_specs()) {
    const oracle::Inputs clean = draw_inputs(spec);
    oracle::Inputs inputs = clean;
    plant_in_dead_cells(inputs, GetParam(), spec);
    EXPECT_TRUE(run_on_device(spec, pack(spec, inputs)) == run_on_device(spec, pack(spec, clean))) << describe(spec);
  }
}

INSTANTIATE_TEST_SUITE_P(CudaNonfinite, DevicePoisons, ::testing::ValuesIn(kPoisons),
                         [](const auto& poison) { return std::string(poison.param.name); });

/// Also where little else is left: one live cell, or one class.
TEST(CudaNonfinite, IsNotSwallowedByOneCellOrOneClass) {
  for (CaseSpec spec : {plain_spec(1, 5, 1, 1), plain_spec(1, 1, 1, 1), plain_spec(1, 1, 3, 4), plain_spec(1, 5, 1, 2)})
    for (const oracle::Penalty penalty : {oracle::Penalty::kSquared, oracle::Penalty::kAbsolute})
      for (const oracle::ScaleMode mode :
           {oracle::ScaleMode::kBlend, oracle::ScaleMode::kSeparate, oracle::ScaleMode::kPyramid})
        for (const double value : {kNaN, kInfinity}) {
          spec.problem.penalty = penalty;
          spec.problem.scale_mode = mode;
          spec.label_map = LabelMap::kOneClass;
          oracle::Inputs inputs = draw_inputs(spec);
          inputs.logits[0] = value;
          const Outcome outcome = run_on_device(spec, pack(spec, inputs));
          ASSERT_EQ(outcome.loss.size(), 1u);
          EXPECT_TRUE(std::isnan(outcome.loss[0])) << outcome.loss[0] << ": " << describe(spec);
          for (const double gradient : outcome.gradient) ASSERT_TRUE(std::isnan(gradient)) << describe(spec);
        }
}

/// A masked class: probability 0, gradient exactly 0, everything else exact.
TEST(CudaNonfinite, MaskedClassesAreExact) {
  for (const CaseSpec& spec : factorable_poison_specs()) {
    oracle::Inputs inputs = draw_inputs(spec);
    const std::vector<std::size_t> masked = mask_classes(inputs, spec);
    const Case test = build_case(spec, inputs);
    with_cuda_plan(spec, [&](const Plan& plan) {
      const Outcome outcome = run_forward_backward(plan, spec, test.batch, nullptr);
      expect_accurate(test, outcome, "cuda " + plan.route());
      for (const std::size_t position : masked) ASSERT_EQ(outcome.gradient[position], 0) << "element " << position;
    });
  }
}

/// Two images of more classes than the lists above have, with cells of weight 0.
std::vector<CaseSpec> wide_specs() {
  std::vector<CaseSpec> specs;
  for (const std::int64_t classes : {50, 97}) {
    CaseSpec spec = plain_spec(2, classes, 5, 13);
    set_label_grid(spec, 10, 13);
    spec.problem.scales = {1, 2};
    spec.problem.reduction = oracle::Reduction::kNone;
    spec.label_map = LabelMap::kNoise;
    spec.weights = Weights::kModerate;
    specs.push_back(spec);
  }
  return specs;
}

std::size_t position_of(const CaseSpec& spec, std::int64_t b, std::int64_t c, std::int64_t cell) {
  return static_cast<std::size_t>((b * spec.problem.classes + c) * spec.cells() + cell);
}

void plant_in(oracle::Inputs& inputs, const CaseSpec& spec, const Poison& poison, std::int64_t b, std::int64_t cell) {
  for (std::int64_t c = 0; c < spec.problem.classes; ++c)
    if (poison.fills_cell || c == cell % spec.problem.classes)
      inputs.logits[position_of(spec, b, c, cell)] = poison.value;
}

TEST_P(DevicePoisons, OfManyClasses) {
  for (const CaseSpec& spec : wide_specs()) {
    const oracle::Inputs clean = draw_inputs(spec);
    const oracle::Result result = oracle::evaluate(spec.problem, clean);
    const Outcome expected = run_on_device(spec, pack(spec, clean));
    const auto is_live = [&](std::int64_t b, std::int64_t cell) {
      return result.cell_weights[static_cast<std::size_t>(b * spec.cells() + cell)] > 0;
    };
    oracle::Inputs inputs = clean;
    for (std::int64_t b = 0; b < spec.problem.batch; ++b)
      for (std::int64_t cell = 0; cell < spec.cells(); ++cell)
        if (!is_live(b, cell)) plant_in(inputs, spec, GetParam(), b, cell);
    EXPECT_TRUE(run_on_device(spec, pack(spec, inputs)) == expected) << "in cells of weight 0";

    std::int64_t first_live = 0;
    while (!is_live(1, first_live)) ++first_live;
    plant_in(inputs, spec, GetParam(), 1, first_live);
    const Outcome outcome = run_on_device(spec, pack(spec, inputs));
    EXPECT_EQ(outcome.loss[0], expected.loss[0]);
    EXPECT_TRUE(std::isnan(outcome.loss[1]));
    for (std::int64_t b = 0; b < spec.problem.batch; ++b)
      for (std::int64_t cell = 0; cell < spec.cells(); ++cell)
        for (std::int64_t c = 0; c < spec.problem.classes; ++c) {
          const std::size_t position = position_of(spec, b, c, cell);
          if (b == 1 && is_live(b, cell)) {
            ASSERT_TRUE(std::isnan(outcome.gradient[position])) << cell << " class " << c;
          } else {
            ASSERT_EQ(outcome.gradient[position], expected.gradient[position]) << b << " " << cell << " class " << c;
          }
        }
  }
}

/// Every eighth class, all of a warp's, and its neighbours in some cells.
TEST(CudaNonfinite, MaskedClassesOfManyAreExact) {
  for (const CaseSpec& spec : wide_specs()) {
    oracle::Inputs inputs = draw_inputs(spec);
    std::vector<std::size_t> masked;
    for (std::int64_t b = 0; b < spec.problem.batch; ++b)
      for (std::int64_t cell = 0; cell < spec.cells(); ++cell)
        for (std::int64_t c = 0; c < spec.problem.classes; ++c)
          if (c % 8 == 3 || (c % 8 == 4 && cell % 3 == 0)) masked.push_back(position_of(spec, b, c, cell));
    for (const std::size_t position : masked) inputs.logits[position] = -kInfinity;
    const Case test = build_case(spec, inputs);
    const Outcome outcome = run_on_device(spec, test.batch);
    expect_accurate(test, outcome, "cuda factored");
    for (const std::size_t position : masked) ASSERT_EQ(outcome.gradient[position], 0) << "element " << position;
  }
}

/// The upstream gradient is on the device: nobody looks at it before the kernels do.
TEST(CudaNonfinite, UpstreamNaNReachesItsImage) {
  CaseSpec spec = plain_spec(3, 5, 6, 7);
  spec.problem.reduction = oracle::Reduction::kNone;
  spec.label_map = LabelMap::kNoise;
  oracle::Inputs inputs = draw_inputs(spec);
  inputs.grad_loss = {1, kNaN, 1};
  const oracle::Result clean = oracle::evaluate(spec.problem, draw_inputs(spec));
  const Outcome outcome = run_on_device(spec, pack(spec, inputs));
  ASSERT_EQ(outcome.loss.size(), 3u);
  for (const float loss : outcome.loss) EXPECT_TRUE(std::isfinite(loss));
  for (std::int64_t b = 0; b < 3; ++b)
    for (const std::int64_t cell : cells_of_image(clean, b, true))
      EXPECT_EQ(std::isnan(outcome.gradient[value_index(b, 0, cell)]), b == 1) << "image " << b << " cell " << cell;
}

}  // namespace
}  // namespace support

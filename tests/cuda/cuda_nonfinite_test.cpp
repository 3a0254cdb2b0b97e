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

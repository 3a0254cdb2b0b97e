/// All pairs on CUDA where they are few: the edges of strips and tiles, the same bits from every call, rows that are
/// not numbers or not there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cuda/device_case_lists.h"
#include "cuda/device_runner.h"
#include "support/half.h"
#include "support/poisons.h"

namespace support {
namespace {

using oracle::Penalty;

TEST(CudaPairShapes, AreWithinTheContract) {
  for (const CaseSpec& spec : pair_shape_list()) expect_accurate_on_device(build_case(spec));
}

/// Roundings of few classes or few rows do not average out.
TEST(CudaPairShapes, FewClassesOrRowsAreAsAccurate) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const bool has_few_rows = seed % 3 == 0;
    CaseSpec spec =
        plain_spec(1, has_few_rows ? 19 : 2 + static_cast<std::int64_t>(seed % 2), 1, has_few_rows ? 2 : 70);
    spec.problem.penalty = seed % 4 < 2 ? Penalty::kHuber : Penalty::kCrossEntropy;
    spec.label_map = LabelMap::kNoise;
    spec.device_algorithm = ARLOSS_ALGORITHM_PAIRWISE;
    spec.seed = seed;
    expect_accurate_on_device(build_case(spec));
  }
}

/// Slopes far below the range of halves, whatever the unit of A - B.
TEST(CudaPairShapes, SlopesMayBeSmall) {
  for (const double delta : {10.0, 1000.0})
    for (const bool is_exact : {false, true}) {
      CaseSpec spec = plain_spec(1, 19, 5, 26);
      spec.problem.penalty = Penalty::kLogCosh;
      spec.problem.penalty_param = delta;
      spec.regime = Regime::kNearPerfect8;
      spec.device_algorithm = ARLOSS_ALGORITHM_PAIRWISE;
      spec.is_exact = is_exact;
      oracle::Inputs inputs = draw_inputs(spec);
      inputs.pixel_weights.assign(static_cast<std::size_t>(spec.cells()), 0x1p-20);
      expect_accurate_on_device(build_case(spec, inputs));
    }
}

/// Three column tiles and two strips, so that there is an order to keep.
TEST(CudaPairShapes, HaveTheSameBits) {
  for (const CaseSpec& spec : pair_kinds(5)) {
    const Batch batch = pack(spec, draw_inputs(spec));
    const Outcome expected = run_on_device(spec, batch);
    with_cuda_plan(spec, [&](const Plan& plan) {
      EXPECT_TRUE(run_forward_backward(plan, spec, batch, nullptr) == expected) << "another plan";
      EXPECT_TRUE(run_forward_then_backward(plan, spec, batch, nullptr) == expected) << "in two calls";
      DeviceBuffers buffers(plan, batch);
      for (int turn = 0; turn < 2; ++turn) {
        ASSERT_EQ(forward_backward(plan, buffers, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
        EXPECT_TRUE(buffers.read(spec) == expected) << "the same buffers";
      }
    });
  }
}

/// In exactly the image, or batch, that it belongs to.
TEST(CudaPairShapes, NaNSpoilsItsImageAndNoOther) {
  std::uint64_t seed = 0;
  for (const PoisonKind& kind : poison_kinds()) {
    CaseSpec spec = poison_spec(kind, ++seed);
    if (seed % 3 != 0) continue;
    spec.device_algorithm = ARLOSS_ALGORITHM_PAIRWISE;
    spec.is_exact = seed % 2 != 0;
    const Case clean = build_case(spec);
    const std::vector<std::int64_t> live = cells_of_image(clean.expected, 1, true);
    ASSERT_FALSE(live.empty());
    oracle::Inputs inputs = clean.inputs;
    const Poison& poison = kPoisons[seed / 3 % std::size(kPoisons)];
    plant(inputs, poison, 1, live[seed % live.size()], static_cast<std::int64_t>(seed) % kPoisonClasses);
    plant_in_dead_cells(inputs, poison, clean.spec);
    with_cuda_plan(clean.spec, [&](const Plan& plan) {
      const Batch batch = pack(clean.spec, inputs);
      const Outcome outcome = run_forward_backward(plan, clean.spec, batch, nullptr);
      expect_poisoned(clean, outcome);
      EXPECT_TRUE(run_forward_then_backward(plan, clean.spec, batch, nullptr) == outcome);
    });
    if (HasFatalFailure()) return;
  }
}

TEST(CudaPairShapes, BadLabelsSpoilTheBatch) {
  for (const CaseSpec& spec : pair_kinds(2)) {
    Batch batch = pack(spec, draw_inputs(spec));
    store_label(spec.labels_dtype, 11, batch.labels.data(), 7);
    const Outcome outcome = run_on_device(spec, batch);
    for (const float loss : outcome.loss) ASSERT_TRUE(std::isnan(loss)) << describe(spec);
    for (const double gradient : outcome.gradient) ASSERT_TRUE(std::isnan(gradient)) << describe(spec);
  }
}

TEST(CudaPairShapes, NothingOfNoLabelsOneCellOrOneClass) {
  for (const CaseSpec& spec : resized(pair_kinds(1), 2, 5, 4, 6)) {
    oracle::Inputs inputs = draw_inputs(spec);
    std::fill(inputs.labels.begin(), inputs.labels.end(), 255);
    expect_nothing(spec, inputs);
  }
  for (const CaseSpec& spec : resized(pair_kinds(1), 1, 5, 5, 7)) {
    oracle::Inputs inputs = draw_inputs(spec);
    std::replace(inputs.labels.begin(), inputs.labels.end(), std::int64_t{255}, std::int64_t{1});
    std::fill(inputs.pixel_weights.begin(), inputs.pixel_weights.end(), 0);
    inputs.pixel_weights[17] = 0.3125;
    expect_nothing(spec, inputs);
  }
  for (const CaseSpec& spec : resized(pair_kinds(1), 2, 1, 5, 7)) expect_nothing(spec, draw_inputs(spec));
}

/// Whole strips and tiles of cells without a label, beside some with.
TEST(CudaPairShapes, StripsWithoutLabels) {
  for (const bool is_exact : {false, true})
    for (const std::int64_t first : {0, 65}) {
      CaseSpec spec = plain_spec(1, 19, 1, 193);
      spec.device_algorithm = ARLOSS_ALGORITHM_PAIRWISE;
      spec.is_exact = is_exact;
      spec.problem.penalty = oracle::Penalty::kHuber;
      oracle::Inputs inputs = draw_inputs(spec);
      std::fill_n(inputs.labels.begin() + first, 128, 255);
      expect_accurate_on_device(build_case(spec, inputs));
    }
}

}  // namespace
}  // namespace support

/// Few problems at the edges of the kernels' tiles, for as many schedules as the emulator is given.
#include <gtest/gtest.h>

#include <algorithm>

#include "cuda/device_case_lists.h"
#include "cuda/device_runner.h"

namespace support {
namespace {

TEST(CudaShapes, AreWithinTheContract) {
  for (const CaseSpec& spec : shape_list()) expect_accurate_on_device(build_case(spec));
}

/// 64 cells of one class, 64 without labels, 64 of one class that the next coarser blocks mix, and 8 of any.
TEST(CudaShapes, TilesOfOneClassOrNone) {
  for (const std::int64_t classes : {5, 24, 48, 50, 129}) {
    CaseSpec spec = plain_spec(1, classes, 25, 8);
    spec.problem.scales = {1, 2, 16};
    spec.label_map = LabelMap::kNoise;
    spec.regime = Regime::kTrainedLike;
    spec.weights = Weights::kModerate;
    oracle::Inputs inputs = draw_inputs(spec);
    const auto labels = inputs.labels.begin();
    std::fill_n(labels, 64, 1);
    std::fill_n(labels + 64, 64, 255);
    std::fill_n(labels + 128, 64, 3);
    expect_accurate_on_device(build_case(spec, inputs));
  }
}

/// The heavier a block's later cells are, the more its sums so far are scaled down.
TEST(CudaShapes, SeveralTilesToABlock) {
  for (const CaseSpec& spec : deep_list()) {
    const std::size_t tile = spec.problem.classes > 48 ? 64 : 256;
    oracle::Inputs inputs = draw_inputs(spec);
    for (std::size_t i = 0; i < inputs.pixel_weights.size(); ++i)
      if (i % static_cast<std::size_t>(spec.cells()) / tile % 2 != 0) inputs.pixel_weights[i] *= 16;
    expect_agreement_with_cpu(spec, inputs);
  }
}

}  // namespace
}  // namespace support

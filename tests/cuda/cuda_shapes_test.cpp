/// Few problems at the edges of the kernels' tiles, for as many schedules as the emulator is given.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "cuda/device_case_lists.h"
#include "cuda/device_runner.h"

namespace support {
namespace {

TEST(CudaShapes, AreWithinTheContract) {
  for (const CaseSpec& spec : shape_list()) expect_accurate_on_device(build_case(spec));
}

/// A thread block's cells of one class, 64 cells without labels, and 32 of any class.
TEST(CudaShapes, TilesOfOneClassOrNone) {
  for (const std::int64_t classes : {5, 24, 48, 50, 129}) {
    CaseSpec spec = plain_spec(1, classes, 44, 8);
    spec.problem.scales = {1, 2, 16};
    spec.label_map = LabelMap::kNoise;
    spec.regime = Regime::kTrainedLike;
    spec.weights = Weights::kModerate;
    oracle::Inputs inputs = draw_inputs(spec);
    std::fill_n(inputs.labels.begin(), 256, 3);
    std::fill_n(inputs.labels.begin() + 256, 64, 255);
    expect_accurate_on_device(build_case(spec, inputs));
  }
}

/// Every cell of two classes, as are the blocks of the coarser scale, but of other shares.
TEST(CudaShapes, ScalesOfTheSameClasses) {
  for (const std::int64_t classes : {19, 50}) {
    CaseSpec spec = plain_spec(1, classes, 4, 16);
    set_label_grid(spec, 4, 48);
    spec.problem.scales = {1, 2};
    oracle::Inputs inputs = draw_inputs(spec);
    constexpr std::int64_t kStripes[] = {1, 1, 2, 1, 2, 2};
    for (std::size_t i = 0; i < inputs.labels.size(); ++i) inputs.labels[i] = kStripes[i % std::size(kStripes)];
    expect_accurate_on_device(build_case(spec, inputs));
  }
}

/// Softmax sees differences alone, however much all the logits of a cell have in common.
TEST(CudaShapes, LogitsFarFromZero) {
  for (const std::int64_t classes : {19, 50, 193}) {
    CaseSpec spec = plain_spec(1, classes, 4, 9);
    set_label_grid(spec, 8, 18);
    spec.label_map = LabelMap::kNoise;
    oracle::Inputs inputs = draw_inputs(spec);
    for (double& logit : inputs.logits) logit = static_cast<float>(logit + 12345);
    expect_accurate_on_device(build_case(spec, inputs));
  }
}

/// More than threads of the block that adds up the losses of the images.
TEST(CudaShapes, ManyImages) {
  CaseSpec spec = plain_spec(300, 2, 1, 3);
  spec.label_map = LabelMap::kNoise;
  for (const oracle::Reduction reduction : {oracle::Reduction::kNone, oracle::Reduction::kMean}) {
    spec.problem.reduction = reduction;
    expect_accurate_on_device(build_case(spec));
  }
}

/// The heavier a block's later cells are, the more its sums so far are scaled down.
TEST(CudaShapes, SeveralTilesToABlock) {
  for (const CaseSpec& spec : deep_list()) {
    const std::size_t tile = spec.problem.classes > 48 ? 64 : 256, cells = static_cast<std::size_t>(spec.cells());
    oracle::Inputs inputs = draw_inputs(spec);
    inputs.pixel_weights.resize(static_cast<std::size_t>(spec.problem.batch) * cells, 1);
    for (std::size_t i = 0; i < inputs.pixel_weights.size(); ++i)
      inputs.pixel_weights[i] *= std::pow(16, i % cells / (tile / 2) % 4);
    expect_agreement_with_cpu(spec, inputs);
  }
}

}  // namespace
}  // namespace support

/// Edges of the definition on CUDA: images without valid labels, one cell, one class, cells of weight 0, factors of 0.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cuda/device_case_lists.h"
#include "cuda/device_runner.h"

namespace support {
namespace {

std::vector<CaseSpec> kinds_of(std::int64_t batch, std::int64_t classes, std::int64_t height, std::int64_t width) {
  return resized(device_kinds(1), batch, classes, height, width);
}

TEST(CudaEdges, AllLabelsIgnored) {
  std::size_t number = 0;
  for (CaseSpec spec : kinds_of(2, 5, 4, 6)) {
    spec.problem.reduction = number++ % 2 == 0 ? oracle::Reduction::kMean : oracle::Reduction::kSum;
    oracle::Inputs inputs = draw_inputs(spec);
    std::fill(inputs.labels.begin(), inputs.labels.end(), 255);
    expect_nothing(spec, inputs);
  }
}

TEST(CudaEdges, AllWeightsZero) {
  for (const CaseSpec& spec : kinds_of(2, 5, 4, 6)) {
    oracle::Inputs inputs = draw_inputs(spec);
    std::fill(inputs.pixel_weights.begin(), inputs.pixel_weights.end(), 0);
    expect_nothing(spec, inputs);
  }
}

/// An image without valid labels counts as 0 in the mean, and still counts.
TEST(CudaEdges, MeanCountsEmptyImages) {
  for (const oracle::Reduction reduction :
       {oracle::Reduction::kMean, oracle::Reduction::kSum, oracle::Reduction::kNone})
    for (CaseSpec spec : kinds_of(3, 5, 4, 6)) {
      if (spec.problem.span == oracle::Span::kBatch) continue;
      spec.problem.reduction = reduction;
      spec.logits_dtype = ARLOSS_DTYPE_FLOAT32;
      oracle::Inputs inputs = draw_inputs(spec);
      const auto per_image = static_cast<std::ptrdiff_t>(inputs.labels.size() / 3);
      std::fill_n(inputs.labels.begin() + per_image, per_image, 255);
      expect_accurate_on_device(build_case(spec, inputs));
    }
}

TEST(CudaEdges, OneCell) {
  for (const std::int64_t classes : {1, 2, 19})
    for (CaseSpec spec : kinds_of(2, classes, 1, 1)) {
      if (spec.problem.span == oracle::Span::kBatch) continue;
      spec.problem.loss_weight = 7;
      expect_nothing(spec, draw_inputs(spec));
    }
}

/// One live cell among cells of weight 0: its own pair is a perfect match.
TEST(CudaEdges, OneLiveCell) {
  for (const CaseSpec& spec : kinds_of(1, 5, 5, 7)) {
    oracle::Inputs inputs = draw_inputs(spec);
    std::replace(inputs.labels.begin(), inputs.labels.end(), std::int64_t{255}, std::int64_t{1});
    std::fill(inputs.pixel_weights.begin(), inputs.pixel_weights.end(), 0);
    inputs.pixel_weights[17] = 0.3125;
    expect_nothing(spec, inputs);
  }
}

TEST(CudaEdges, OneClass) {
  for (const CaseSpec& spec : kinds_of(2, 1, 5, 7)) expect_nothing(spec, draw_inputs(spec));
}

TEST(CudaEdges, LossWeightZero) {
  for (CaseSpec spec : kinds_of(2, 4, 5, 6)) {
    spec.problem.loss_weight = 0;
    expect_nothing(spec, draw_inputs(spec));
  }
}

/// Where gradients are added, what lies in cells of weight 0 keeps its bits, those of NaN and -0 too.
TEST(CudaEdges, DeadCellsAreLeftAlone) {
  for (CaseSpec spec : kinds_of(2, 5, 6, 7)) {
    spec.accumulates = true;
    oracle::Inputs inputs = draw_inputs(spec);
    std::fill(inputs.labels.begin(), inputs.labels.end(), 255);
    std::vector<double> prior(inputs.logits.size());
    for (std::size_t i = 0; i < prior.size(); ++i) prior[i] = i % 2 == 0 ? std::nan("") : -0.0;
    Batch batch = pack(spec, inputs);
    batch.prior_gradient = pack_logits(spec, prior);
    EXPECT_TRUE(run_on_device(spec, batch).gradient_bytes == batch.prior_gradient) << describe(spec);
  }
}

/// NaN is added to what is there.
TEST(CudaEdges, NaNIsAddedToo) {
  CaseSpec spec = plain_spec(1, 5, 6, 7);
  spec.accumulates = true;
  oracle::Inputs inputs = draw_inputs(spec);
  inputs.labels.assign(inputs.labels.size(), 2);
  inputs.logits[9] = std::nan("");
  Batch batch = pack(spec, inputs);
  batch.prior_gradient = pack_logits(spec, std::vector<double>(inputs.logits.size(), 1));
  for (const double value : run_on_device(spec, batch).gradient) ASSERT_TRUE(std::isnan(value)) << value;
}

/// The state is only read by backward: it serves another upstream gradient.
TEST(CudaEdges, UpstreamGradientMultiplies) {
  for (CaseSpec spec : kinds_of(2, 5, 6, 7)) {
    spec.logits_dtype = ARLOSS_DTYPE_FLOAT32;
    spec.has_grad_loss = true;
    Case test = build_case(spec);
    with_cuda_plan(test.spec, [&](const Plan& plan) {
      DeviceBuffers buffers(plan, test.batch);
      ASSERT_EQ(forward(plan, buffers, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      ASSERT_EQ(backward(plan, buffers, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      const Outcome once = buffers.read(test.spec);
      for (double& upstream : test.inputs.grad_loss) upstream *= -2;
      buffers.assign_inputs(pack(test.spec, test.inputs));
      ASSERT_EQ(backward(plan, buffers, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      const Outcome twice = buffers.read(test.spec);
      for (std::size_t i = 0; i < once.gradient.size(); ++i) ASSERT_EQ(twice.gradient[i], -2 * once.gradient[i]) << i;
    });
  }
}

}  // namespace
}  // namespace support

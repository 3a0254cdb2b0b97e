/// Bad labels and bad pixel weights on CUDA, where nobody can refuse them in time: NaN in every loss and in the whole
/// gradient, and a count with the first position from arloss_check.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

#include "cuda/device_case_lists.h"
#include "cuda/device_checks.h"
#include "cuda/device_runner.h"
#include "support/half.h"

namespace support {
namespace {

constexpr std::int64_t kHeight = 3;

void expect_all_nan(const Outcome& outcome) {
  ASSERT_FALSE(outcome.loss.empty());
  for (const float loss : outcome.loss) EXPECT_TRUE(std::isnan(loss)) << loss;
  const auto is_nan = [](double value) { return std::isnan(value); };
  EXPECT_EQ(std::count_if(outcome.gradient.begin(), outcome.gradient.end(), is_nan),
            static_cast<std::ptrdiff_t>(outcome.gradient.size()));
}

/// In one call, two or three: the kinds in turn.
void expect_all_nan(const Plan& plan, const CaseSpec& spec, const Batch& batch) {
  using Run = Outcome (*)(const Plan&, const CaseSpec&, const Batch&, cudaStream_t);
  constexpr Run kRuns[] = {run_forward_backward, run_forward_then_backward, run_accumulate_then_finish};
  expect_all_nan(kRuns[spec.seed / 3 % std::size(kRuns)](plan, spec, batch, nullptr));
}

std::vector<CaseSpec> fault_specs() {
  std::vector<CaseSpec> specs = device_kinds(kHeight);
  for (CaseSpec& spec : specs) {
    spec.labels_dtype = ARLOSS_DTYPE_INT32;
    if (spec.problem.span == oracle::Span::kImage && spec.seed % 3 == 0)
      spec.problem.reduction = oracle::Reduction::kNone;
  }
  return specs;
}

/// In the first image, in the last pixel of the batch, and in a cell of weight 0.
TEST(CudaFaults, OneBadLabelSpoilsTheWholeBatch) {
  for (const CaseSpec& spec : fault_specs())
    with_cuda_plan(spec, [&spec](const Plan& plan) {
      oracle::Inputs inputs = draw_inputs(spec);
      const std::size_t positions[] = {7, inputs.labels.size() - 1};
      for (const std::size_t position : positions) {
        Batch batch = pack(spec, inputs);
        store_label(spec.labels_dtype, position == 7 ? 11 : -1, batch.labels.data(), position);
        expect_all_nan(plan, spec, batch);
        const arloss_report_t report = checked_on_device(plan, batch);
        EXPECT_EQ(report.invalid_labels, 1);
        EXPECT_EQ(report.first_invalid_label, static_cast<std::int64_t>(position));
      }
      std::fill(inputs.pixel_weights.begin(), inputs.pixel_weights.end(), 0);
      Batch batch = pack(spec, inputs);
      store_label(spec.labels_dtype, 11, batch.labels.data(), 7);
      expect_all_nan(plan, spec, batch);
    });
}

/// NaN is added to what is there, in cells of weight 0 too.
TEST(CudaFaults, AreAddedToGradients) {
  for (const std::int64_t classes : {5, 50, 193}) {
    CaseSpec spec = plain_spec(2, classes, 4, 6);
    spec.accumulates = true;
    spec.labels_dtype = ARLOSS_DTYPE_INT32;
    spec.weights = Weights::kModerate;
    const oracle::Inputs inputs = draw_inputs(spec);
    Batch batch = pack(spec, inputs);
    batch.prior_gradient = pack_logits(spec, std::vector<double>(inputs.logits.size(), 1));
    store_label(spec.labels_dtype, -1, batch.labels.data(), 7);
    expect_all_nan(run_on_device(spec, batch));
  }
}

TEST(CudaFaults, OneBadWeightSpoilsTheWholeBatch) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const double bad[] = {-1, -1e-30, std::nan(""), kInf, -kInf};
  std::size_t number = 0;
  for (const CaseSpec& spec : fault_specs())
    with_cuda_plan(spec, [&](const Plan& plan) {
      oracle::Inputs inputs = draw_inputs(spec);
      const std::size_t positions[] = {3, inputs.pixel_weights.size() - 1};
      for (const std::size_t position : positions) {
        oracle::Inputs spoilt = inputs;
        spoilt.pixel_weights[position] = static_cast<float>(bad[number++ % std::size(bad)]);
        const Batch batch = pack(spec, spoilt);
        expect_all_nan(plan, spec, batch);
        const arloss_report_t report = checked_on_device(plan, batch);
        EXPECT_EQ(report.invalid_weights, 1);
        EXPECT_EQ(report.first_invalid_weight, static_cast<std::int64_t>(position));
      }
    });
}

/// In an ignored cell too.
TEST(CudaFaults, BadWeightInAnIgnoredCell) {
  const CaseSpec spec = plain_spec(2, 5, 6, 7);
  oracle::Inputs inputs = draw_inputs(spec);
  inputs.pixel_weights.assign(84, 1);
  inputs.pixel_weights[50] = -1;
  inputs.labels[50] = 255;
  with_cuda_plan(spec, [&](const Plan& plan) { expect_all_nan(plan, spec, pack(spec, inputs)); });
}

/// Values that are classes, or ignored, once their upper bits are cut off.
TEST(CudaFaults, WideLabelsAreNotCutDown) {
  CaseSpec spec = plain_spec(1, 5, 6, 7);
  spec.labels_dtype = ARLOSS_DTYPE_INT64;
  const std::int64_t two32 = std::int64_t{1} << 32;
  with_cuda_plan(spec, [&](const Plan& plan) {
    for (const std::int64_t label : {two32 + 3, two32 + 255, -two32 + 1, std::numeric_limits<std::int64_t>::max(),
                                     std::numeric_limits<std::int64_t>::min(), std::int64_t{256}, std::int64_t{511}}) {
      oracle::Inputs inputs = draw_inputs(spec);
      inputs.labels[40] = label;
      const Batch batch = pack(spec, inputs);
      expect_all_nan(plan, spec, batch);
      EXPECT_EQ(checked_on_device(plan, batch).first_invalid_label, 40) << label;
    }
  });
}

/// Good buffers once more after a bad batch: nothing of it is left.
TEST(CudaFaults, ABadBatchLeavesNothingBehind) {
  for (const CaseSpec& spec : fault_specs())
    with_cuda_plan(spec, [&spec](const Plan& plan) {
      const Batch good = pack(spec, draw_inputs(spec));
      Batch bad = good;
      store_label(spec.labels_dtype, 11, bad.labels.data(), 7);
      const Outcome expected = run_forward_backward(plan, spec, good, nullptr);
      DeviceBuffers buffers(plan, bad);
      ASSERT_EQ(forward_backward(plan, buffers, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      expect_all_nan(buffers.read(spec));
      buffers.assign_inputs(good);
      ASSERT_EQ(forward_backward(plan, buffers, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      EXPECT_TRUE(buffers.read(spec) == expected);
    });
}

}  // namespace
}  // namespace support

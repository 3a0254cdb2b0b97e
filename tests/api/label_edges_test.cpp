/// Labels: which ones are valid, which are ignored, and what happens where one is neither.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "support/half.h"
#include "support/sweep.h"
#include "support/tolerance.h"

namespace support {
namespace {

using oracle::Penalty;
using oracle::ScaleMode;

constexpr arloss_dtype_t kLabelDtypes[] = {ARLOSS_DTYPE_UINT8, ARLOSS_DTYPE_INT32, ARLOSS_DTYPE_INT64};

void expect_accurate_everywhere(const Case& test) {
  for_each_plan(test.spec, test.batch.problem, [&test](const Plan& plan) {
    expect_accurate(test, run_forward_backward(plan, test.spec, test.batch), plan.route());
  });
}

/// The call is refused with the first bad position and its value, and writes no output.
void expect_invalid_label(const Plan& plan, const Batch& batch, arloss_status_t (*call)(const Plan&, Buffers&),
                          const std::string& position, const std::string& value) {
  Buffers buffers(plan, batch);
  EXPECT_EQ(call(plan, buffers), ARLOSS_STATUS_INVALID_LABEL);
  const std::string message = arloss_last_message();
  EXPECT_NE(message.find("labels[" + position + "]"), std::string::npos) << message;
  EXPECT_NE(message.find(" " + value + ";"), std::string::npos) << message;
  buffers.expect_outputs_untouched();
  buffers.expect_guards_intact();
}

void expect_invalid_label_everywhere(const CaseSpec& spec, const Batch& batch, const std::string& position,
                                     const std::string& value) {
  for_each_plan(spec, batch.problem, [&](const Plan& plan) {
    for (const auto call : {forward, forward_backward}) expect_invalid_label(plan, batch, call, position, value);
    if (plan.route() != "pairwise") expect_invalid_label(plan, batch, accumulate, position, value);
  });
}

/// Labels planted at chosen positions of a 2 x 2 x 9 x 11 label map on a 2 x 5 x 6 x 7 problem.
Batch with_labels(const CaseSpec& spec, const std::vector<std::pair<std::size_t, std::int64_t>>& planted) {
  Batch batch = pack(spec, draw_inputs(spec));
  for (const auto& [position, label] : planted) store_label(spec.labels_dtype, label, batch.labels.data(), position);
  return batch;
}

CaseSpec spec_for(arloss_dtype_t labels_dtype) {
  CaseSpec spec = plain_spec(2, 5, 6, 7);
  set_label_grid(spec, 9, 11);
  spec.labels_dtype = labels_dtype;
  spec.num_threads = 2;
  return spec;
}

TEST(Labels, OutsideTheClassesIsRefusedWithTheFirstPosition) {
  for (const arloss_dtype_t dtype : kLabelDtypes) {
    const CaseSpec spec = spec_for(dtype);
    // The last label of the batch, one inside the first image, and several of which the first counts.
    expect_invalid_label_everywhere(spec, with_labels(spec, {{197, 5}}), "197", "5");
    expect_invalid_label_everywhere(spec, with_labels(spec, {{0, 254}}), "0", "254");
    expect_invalid_label_everywhere(spec, with_labels(spec, {{150, 77}, {37, 9}, {38, 6}, {198 - 1, 8}}), "37", "9");
  }
}

TEST(Labels, NegativeIsRefused) {
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_INT32, ARLOSS_DTYPE_INT64}) {
    const CaseSpec spec = spec_for(dtype);
    expect_invalid_label_everywhere(spec, with_labels(spec, {{100, -1}}), "100", "-1");
    expect_invalid_label_everywhere(spec, with_labels(spec, {{98, std::numeric_limits<std::int32_t>::min()}}), "98",
                                    "-2147483648");
  }
}

/// Values that are valid or ignored once their upper bits are cut off.
TEST(Labels, WideLabelsAreNotCutDown) {
  CaseSpec spec = spec_for(ARLOSS_DTYPE_INT64);
  const std::int64_t two32 = std::int64_t{1} << 32;
  for (const std::int64_t label :
       {two32 + 3, two32, two32 + 255, -two32 + 1, std::int64_t{1} << 40, std::numeric_limits<std::int64_t>::max(),
        std::numeric_limits<std::int64_t>::min(), std::int64_t{256}, std::int64_t{256 + 255}, std::int64_t{65536 + 2}})
    expect_invalid_label_everywhere(spec, with_labels(spec, {{42, label}}), "42", std::to_string(label));
  spec.labels_dtype = ARLOSS_DTYPE_INT32;
  for (const std::int64_t label : {256, 256 + 255, 65536, 65536 + 255})
    expect_invalid_label_everywhere(spec, with_labels(spec, {{42, label}}), "42", std::to_string(label));
}

/// An ignore index beyond what the label type holds matches nothing, nor does any label it would be cut down to.
TEST(Labels, WideIgnoreIndexIsNotCutDown) {
  for (const arloss_dtype_t dtype : kLabelDtypes) {
    CaseSpec spec = spec_for(dtype);
    spec.label_map = LabelMap::kNoise;
    spec.problem.has_ignore_index = false;
    const oracle::Inputs inputs = draw_inputs(spec);
    spec.problem.has_ignore_index = true;
    for (const std::int64_t index : {(std::int64_t{1} << 32) + 2, std::int64_t{256 + 3}, std::int64_t{-255}}) {
      spec.problem.ignore_index = index;
      const Case test = build_case(spec, inputs);
      EXPECT_GT(*std::min_element(test.expected.cell_weights.begin(), test.expected.cell_weights.end()), 0);
      expect_accurate_everywhere(test);
    }
  }
}

TEST(Labels, WideIgnoreIndexMatchesItself) {
  CaseSpec spec = spec_for(ARLOSS_DTYPE_INT64);
  spec.problem.ignore_index = (std::int64_t{1} << 32) + 2;
  spec.label_map = LabelMap::kNoise;
  const Case test = build_case(spec);
  EXPECT_EQ(std::count(test.inputs.labels.begin(), test.inputs.labels.end(), spec.problem.ignore_index) > 0, true);
  expect_accurate_everywhere(test);
}

TEST(Labels, NegativeIgnoreIndex) {
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_INT32, ARLOSS_DTYPE_INT64}) {
    CaseSpec spec = spec_for(dtype);
    spec.problem.ignore_index = -1;
    spec.label_map = LabelMap::kNoise;
    expect_accurate_everywhere(build_case(spec));
  }
}

/// A class that is the ignore index is ignored.
TEST(Labels, IgnoreIndexInsideTheClassesIsIgnoredFirst) {
  for (const std::int64_t index : {0, 2, 4}) {
    CaseSpec spec = spec_for(ARLOSS_DTYPE_UINT8);
    spec.problem.ignore_index = index;
    spec.label_map = LabelMap::kNoise;
    expect_accurate_everywhere(build_case(spec));
  }
}

TEST(Labels, DefaultIgnoreIndexTakesAClassOfMany) {
  for (const arloss_dtype_t dtype : kLabelDtypes) {
    CaseSpec spec = plain_spec(1, 300, 6, 7);
    spec.labels_dtype = dtype;
    oracle::Inputs inputs = draw_inputs(spec);
    for (std::size_t i = 0; i < inputs.labels.size(); i += 3) inputs.labels[i] = 255;
    const Case test = build_case(spec, inputs);
    EXPECT_EQ(test.expected.cell_weights[0], 0);
    expect_accurate_everywhere(test);
    const std::string text = Plan(test.batch.problem, make_options(ARLOSS_ALGORITHM_AUTO)).description();
    EXPECT_NE(text.find("class 255 is ignored"), std::string::npos) << text;
  }
}

TEST(Labels, WithoutIgnoreIndex255IsALabelLikeAnyOther) {
  CaseSpec spec = plain_spec(1, 300, 6, 7);
  spec.problem.has_ignore_index = false;
  oracle::Inputs inputs = draw_inputs(spec);
  for (std::size_t i = 0; i < inputs.labels.size(); i += 3) inputs.labels[i] = 255;
  const Case test = build_case(spec, inputs);
  EXPECT_EQ(test.expected.cell_weights[0], 1);
  expect_accurate_everywhere(test);

  CaseSpec few = spec_for(ARLOSS_DTYPE_UINT8);
  few.problem.has_ignore_index = false;
  expect_invalid_label_everywhere(few, with_labels(few, {{61, 255}}), "61", "255");
}

/// More label pixels in a cell, or a block, than 16 bits count.
TEST(Labels, ManyLabelsInACell) {
  for (const auto& [height, width] : {std::pair(1024, 1024), {1203, 1001}, {400, 512}}) {
    CaseSpec spec = plain_spec(1, 3, 4, 4);
    set_label_grid(spec, height, width);
    spec.label_map = LabelMap::kNoise;
    for (const std::vector<int>& scales : {std::vector<int>{1}, {2}, {1, 4}}) {
      spec.problem.scales = scales;
      expect_accurate_everywhere(build_case(spec));
    }
  }
}

/// Every penalty and mode looks before it writes, in cells of weight 0 too.
TEST(Labels, BadLabelsAreSeenByEveryRouteAndInCellsOfWeightZero) {
  for (const Penalty penalty : oracle::kPenalties)
    for (const ScaleMode mode : {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid})
      for (const bool is_hard : {false, true}) {
        CaseSpec spec = spec_for(ARLOSS_DTYPE_INT32);
        if (is_hard) set_label_grid(spec, 6, 7);
        if (!is_hard) spec.problem.scales = {1, 2};
        spec.problem.penalty = penalty;
        spec.problem.scale_mode = mode;
        Batch batch = with_labels(spec, {{33, 5}});
        batch.pixel_weights.assign(2 * 42 * sizeof(float), 0);
        expect_invalid_label_everywhere(spec, batch, "33", "5");
      }
}

/// A caller may hand backward other labels than forward saw.
TEST(Labels, BackwardLooksToo) {
  for (const Penalty penalty : {Penalty::kSquared, Penalty::kAbsolute, Penalty::kCrossEntropy}) {
    CaseSpec spec = spec_for(ARLOSS_DTYPE_INT32);
    set_label_grid(spec, 6, 7);
    spec.problem.penalty = penalty;
    const Batch good = with_labels(spec, {}), bad = with_labels(spec, {{33, 5}});
    for_each_plan(spec, good.problem, [&](const Plan& plan) {
      Buffers buffers(plan, good);
      ASSERT_EQ(forward(plan, buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      buffers.labels.assign(bad.labels.data());
      EXPECT_EQ(backward(plan, buffers), ARLOSS_STATUS_INVALID_LABEL);
      const std::vector<unsigned char> gradient = buffers.grad_logits.contents();
      EXPECT_EQ(std::count(gradient.begin(), gradient.end(), 0xff), static_cast<std::ptrdiff_t>(gradient.size()));
    });
  }
}

}  // namespace
}  // namespace support

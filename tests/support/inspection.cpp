#include "support/inspection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace support {
namespace {

using oracle::ScaleMode;

constexpr double kAffinityError = 2e-6;

std::vector<double> expected_row(const CaseSpec& spec, const oracle::Inputs& inputs, arloss_affinity_t which,
                                 std::int64_t image, std::int64_t cell) {
  if (which == ARLOSS_AFFINITY_LABEL) return oracle::label_affinity_row(spec.problem, inputs, image, cell);
  std::vector<double> row = oracle::output_affinity_row(spec.problem, inputs, image, cell);
  if (which == ARLOSS_AFFINITY_OUTPUT) return row;
  const std::vector<double> label = oracle::label_affinity_row(spec.problem, inputs, image, cell);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] -= label[j];
  return row;
}

}  // namespace

std::vector<CaseSpec> inspection_list() {
  std::vector<CaseSpec> list;
  for (const ScaleMode mode : {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid})
    for (const bool is_hard : {false, true})
      for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16}) {
        CaseSpec spec = plain_spec(2, 7, 9, 11);
        if (!is_hard) {
          set_label_grid(spec, 20, 22);
          spec.problem.scales = {2, 1, 4};
          spec.problem.scale_weights = {1, 3, 0};
        }
        spec.problem.scale_mode = mode;
        spec.logits_dtype = dtype;
        spec.seed = list.size();
        spec.layout = list.size() % 2 == 0 ? ARLOSS_LAYOUT_NHWC : ARLOSS_LAYOUT_NCHW;
        spec.labels_dtype = list.size() % 2 == 0 ? ARLOSS_DTYPE_UINT8 : ARLOSS_DTYPE_INT64;
        spec.weights = list.size() % 3 == 0 ? Weights::kNone : Weights::kModerate;
        list.push_back(spec);
      }
  CaseSpec volume = plain_spec(1, 5, 4, 6);
  volume.problem.depth = 3;
  volume.problem.label_depth = 5;
  volume.problem.label_width = 13;
  volume.problem.scales = {1, 2};
  list.push_back(volume);
  return list;
}

Rows some_rows(const CaseSpec& spec) {
  const std::int64_t last_image = spec.problem.batch - 1, last = spec.cells() - 1;
  return {{0, last_image, last_image, 0, 0}, {0, last, 17, 41, 0}};
}

std::vector<double> expected_rows(const CaseSpec& spec, const oracle::Inputs& inputs, arloss_affinity_t which,
                                  const Rows& rows) {
  std::vector<double> expected;
  for (std::size_t r = 0; r < rows.images.size(); ++r) {
    const std::vector<double> row = expected_row(spec, inputs, which, rows.images[r], rows.cells[r]);
    expected.insert(expected.end(), row.begin(), row.end());
  }
  return expected;
}

void expect_close(const std::vector<float>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(found[i], expected[i], kAffinityError) << "element " << i;
}

void expect_no_faults(const arloss_report_t& report, const CaseSpec& spec, const oracle::Inputs& inputs) {
  const oracle::Result result = oracle::evaluate(spec.problem, inputs);
  EXPECT_EQ(report.valid_cells, std::count_if(result.cell_weights.begin(), result.cell_weights.end(),
                                              [](double weight) { return weight > 0; }));
  EXPECT_EQ(report.ignored_labels, std::count(inputs.labels.begin(), inputs.labels.end(), 255));
  EXPECT_EQ(report.invalid_labels, 0);
  EXPECT_EQ(report.first_invalid_label, -1);
  EXPECT_EQ(report.nonfinite_logits, 0);
  EXPECT_EQ(report.first_nonfinite_logit, -1);
  EXPECT_EQ(report.invalid_weights, 0);
  EXPECT_EQ(report.first_invalid_weight, -1);
}

std::vector<CaseSpec> faulty_list() {
  std::vector<CaseSpec> list;
  for (const arloss_layout_t layout : {ARLOSS_LAYOUT_NCHW, ARLOSS_LAYOUT_NHWC})
    for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16}) {
      CaseSpec spec = plain_spec(2, 5, 4, 6);
      spec.layout = layout;
      spec.logits_dtype = dtype;
      spec.labels_dtype = ARLOSS_DTYPE_INT32;
      spec.num_threads = 2;
      list.push_back(spec);
    }
  return list;
}

oracle::Inputs faulty_inputs(const CaseSpec& spec) {
  oracle::Inputs inputs = draw_inputs(spec);
  std::fill(inputs.labels.begin(), inputs.labels.end(), 2);
  inputs.labels[0] = 255;
  inputs.labels[40] = -1;
  inputs.labels[44] = 5;
  inputs.pixel_weights.assign(48, 1);
  inputs.pixel_weights[30] = -1;
  inputs.pixel_weights[31] = std::numeric_limits<double>::infinity();
  inputs.pixel_weights[9] = 0;
  const auto logit = [&](std::int64_t b, std::int64_t c, std::int64_t cell) -> double& {
    return inputs.logits[static_cast<std::size_t>((b * 5 + c) * 24 + cell)];
  };
  constexpr double kInf = std::numeric_limits<double>::infinity();
  logit(0, 1, 4) = std::nan("");
  logit(0, 3, 2) = kInf;
  logit(1, 0, 23) = std::nan("");
  logit(0, 0, 7) = -kInf;         // masked: no fault
  logit(0, 2, 9) = std::nan("");  // in a cell of weight 0: no fault
  logit(0, 4, 0) = kInf;          // in an ignored cell: no fault
  return inputs;
}

void expect_all_faults(const arloss_report_t& report, const CaseSpec& spec) {
  EXPECT_EQ(report.ignored_labels, 1);
  EXPECT_EQ(report.invalid_labels, 2);
  EXPECT_EQ(report.first_invalid_label, 40);
  EXPECT_EQ(report.nonfinite_logits, 3);
  const std::size_t first = std::min(logit_index(spec, 0, 1, 4), logit_index(spec, 0, 3, 2));
  EXPECT_EQ(report.first_nonfinite_logit, static_cast<std::int64_t>(first));
  EXPECT_EQ(report.invalid_weights, 2);
  EXPECT_EQ(report.first_invalid_weight, 30);
}

}  // namespace support

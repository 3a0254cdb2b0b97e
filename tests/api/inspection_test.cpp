/// The calls that look at inputs: affinity rows, label distributions, arloss_check.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "support/half.h"
#include "support/inspection.h"
#include "support/sweep.h"

namespace support {
namespace {

constexpr arloss_status_t kInvalid = ARLOSS_STATUS_INVALID_ARGUMENT;

arloss_status_t call_rows(const Plan& plan, Buffers& buffers, arloss_affinity_t which, const Rows& rows,
                          GuardedBuffer& out) {
  const arloss_tensors_t io = buffers.io();
  return arloss_affinity_rows(plan.get(), &io, which, rows.images.data(), rows.cells.data(),
                              static_cast<std::int64_t>(rows.images.size()), reinterpret_cast<float*>(out.data()),
                              buffers.workspace.data(), buffers.workspace.bytes(), nullptr);
}

void expect_floats(const GuardedBuffer& out, const std::vector<double>& expected) {
  EXPECT_TRUE(out.zones_are_intact());
  std::vector<float> values(out.bytes() / sizeof(float));
  std::memcpy(values.data(), out.data(), out.bytes());
  expect_close(values, expected);
}

TEST(AffinityRows, AreThoseOfTheDefinition) {
  std::size_t index = 0;
  for (const CaseSpec& spec : inspection_list()) {
    const oracle::Inputs inputs = draw_inputs(spec);
    const Batch batch = pack(spec, inputs);
    const Rows rows = some_rows(spec);
    for_each_plan(
        spec, batch.problem,
        [&](const Plan& plan) {
          for (const arloss_affinity_t which : kAffinities) {
            SCOPED_TRACE(which);
            const std::vector<double> expected = expected_rows(spec, inputs, which, rows);
            Buffers buffers(plan, batch);
            GuardedBuffer out(expected.size() * sizeof(float), 4, 0xff);
            ASSERT_EQ(call_rows(plan, buffers, which, rows, out), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
            expect_floats(out, expected);
            buffers.expect_outputs_untouched();
            buffers.expect_guards_intact();
          }
        },
        index++);
  }
}

/// A cell of weight 0 has an affinity of 0 to everything, NaN logits or not.
TEST(AffinityRows, CellsOfWeightZero) {
  const CaseSpec spec = plain_spec(1, 5, 4, 6);
  oracle::Inputs inputs = draw_inputs(spec);
  inputs.labels[3] = 255;
  for (std::int64_t c = 0; c < 5; ++c) inputs.logits[logit_index(spec, 0, c, 3)] = std::nan("");
  std::replace(inputs.labels.begin() + 4, inputs.labels.end(), std::int64_t{255}, std::int64_t{1});
  const Batch batch = pack(spec, inputs);
  for_each_plan(spec, batch.problem, [&](const Plan& plan) {
    for (const arloss_affinity_t which : kAffinities) {
      Buffers buffers(plan, batch);
      GuardedBuffer out(2 * 24 * sizeof(float), 4, 0xff);
      ASSERT_EQ(call_rows(plan, buffers, which, {{0, 0}, {3, 5}}, out), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      for (std::size_t j = 0; j < 24; ++j) EXPECT_EQ(load_real(ARLOSS_DTYPE_FLOAT32, out.data(), j), 0);
      EXPECT_EQ(load_real(ARLOSS_DTYPE_FLOAT32, out.data(), 24 + 3), 0);
      EXPECT_TRUE(std::isfinite(load_real(ARLOSS_DTYPE_FLOAT32, out.data(), 24 + 5)));
    }
  });
}

TEST(AffinityRows, RefusesRowsOutsideTheBatch) {
  const CaseSpec spec = plain_spec(2, 5, 4, 6);
  const Batch batch = pack(spec, draw_inputs(spec));
  const Plan plan(batch.problem, make_options(ARLOSS_ALGORITHM_AUTO));
  struct Bad {
    Rows rows;
    std::string field, value;
  };
  const std::vector<Bad> bad = {{{{0, 2}, {0, 0}}, "rows_image[1]", "2"},
                                {{{-1, 0}, {0, 0}}, "rows_image[0]", "-1"},
                                {{{0, 1}, {3, 24}}, "rows_cell[1]", "24"},
                                {{{0, 1}, {-5, 2}}, "rows_cell[0]", "-5"}};
  for (const Bad& test : bad) {
    Buffers buffers(plan, batch);
    GuardedBuffer out(2 * 24 * sizeof(float), 4, 0xff);
    EXPECT_EQ(call_rows(plan, buffers, ARLOSS_AFFINITY_RESIDUAL, test.rows, out), kInvalid);
    const std::string message = arloss_last_message();
    EXPECT_NE(message.find(test.field), std::string::npos) << message;
    EXPECT_NE(message.find(" " + test.value), std::string::npos) << message;
    EXPECT_TRUE(out.contents() == std::vector<unsigned char>(out.bytes(), 0xff)) << "rows written";
  }
}

TEST(AffinityRows, RefusesBadArguments) {
  const CaseSpec spec = plain_spec(1, 5, 4, 6);
  const Batch batch = pack(spec, draw_inputs(spec));
  const Plan plan(batch.problem, make_options(ARLOSS_ALGORITHM_AUTO));
  Buffers b(plan, batch);
  const arloss_tensors_t io = b.io();
  const std::int64_t zero = 0;
  float out[24];
  const auto call = [&](arloss_affinity_t which, const std::int64_t* image, const std::int64_t* cell,
                        std::int64_t num_rows, float* rows, void* workspace, std::size_t bytes) {
    return arloss_affinity_rows(plan.get(), &io, which, image, cell, num_rows, rows, workspace, bytes, nullptr);
  };
  unsigned char* const workspace = b.workspace.data();
  const std::size_t bytes = b.workspace.bytes();
  int unknown = 3;
  arloss_affinity_t which;
  std::memcpy(&which, &unknown, sizeof which);
  EXPECT_EQ(call(which, &zero, &zero, 1, out, workspace, bytes), kInvalid);
  EXPECT_EQ(call(ARLOSS_AFFINITY_OUTPUT, nullptr, &zero, 1, out, workspace, bytes), kInvalid);
  EXPECT_EQ(call(ARLOSS_AFFINITY_OUTPUT, &zero, nullptr, 1, out, workspace, bytes), kInvalid);
  EXPECT_EQ(call(ARLOSS_AFFINITY_OUTPUT, &zero, &zero, 1, nullptr, workspace, bytes), kInvalid);
  EXPECT_EQ(call(ARLOSS_AFFINITY_OUTPUT, &zero, &zero, -1, out, workspace, bytes), kInvalid);
  EXPECT_NE(std::string(arloss_last_message()).find("-1"), std::string::npos);
  if (bytes > 0) {
    EXPECT_EQ(call(ARLOSS_AFFINITY_OUTPUT, &zero, &zero, 1, out, workspace, bytes - 1), ARLOSS_STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(call(ARLOSS_AFFINITY_OUTPUT, &zero, &zero, 1, out, nullptr, bytes), kInvalid);
  }
  EXPECT_EQ(arloss_affinity_rows(nullptr, &io, ARLOSS_AFFINITY_OUTPUT, &zero, &zero, 1, out, workspace, bytes, nullptr),
            kInvalid);
  EXPECT_EQ(call(ARLOSS_AFFINITY_OUTPUT, &zero, &zero, 0, out, workspace, bytes), ARLOSS_STATUS_SUCCESS);
}

TEST(LabelDistribution, IsThatOfTheDefinition) {
  std::size_t index = 0;
  for (const CaseSpec& spec : inspection_list()) {
    const oracle::Inputs inputs = draw_inputs(spec);
    const Batch batch = pack(spec, inputs);
    for_each_plan(
        spec, batch.problem,
        [&](const Plan& plan) {
          for (std::size_t k = 0; k < spec.problem.scales.size(); ++k) {
            SCOPED_TRACE("scale " + std::to_string(spec.problem.scales[k]));
            const std::vector<double> expected = oracle::label_distribution(spec.problem, inputs, static_cast<int>(k));
            Buffers buffers(plan, batch);
            const arloss_tensors_t io = buffers.io();
            GuardedBuffer out(expected.size() * sizeof(float), 4, 0xff);
            ASSERT_EQ(arloss_label_distribution(plan.get(), &io, static_cast<std::int32_t>(k),
                                                reinterpret_cast<float*>(out.data()), buffers.workspace.data(),
                                                buffers.workspace.bytes(), nullptr),
                      ARLOSS_STATUS_SUCCESS)
                << arloss_last_message();
            expect_floats(out, expected);
            buffers.expect_outputs_untouched();
            buffers.expect_guards_intact();
          }
        },
        index++);
  }
}

TEST(LabelDistribution, RefusesBadArguments) {
  const CaseSpec spec = plain_spec(1, 5, 4, 6);
  Batch batch = pack(spec, draw_inputs(spec));
  const Plan plan(batch.problem, make_options(ARLOSS_ALGORITHM_AUTO));
  const auto call = [&](Buffers& b, std::int32_t scale, GuardedBuffer& out, std::size_t workspace_bytes) {
    const arloss_tensors_t io = b.io();
    return arloss_label_distribution(plan.get(), &io, scale, reinterpret_cast<float*>(out.data()), b.workspace.data(),
                                     workspace_bytes, nullptr);
  };
  GuardedBuffer out(24 * 5 * sizeof(float), 4, 0xff), nothing;
  Buffers good(plan, batch);
  for (const std::int32_t scale : {-1, 1, 7}) {
    EXPECT_EQ(call(good, scale, out, good.workspace.bytes()), kInvalid);
    const std::string message = arloss_last_message();
    EXPECT_NE(message.find("scale_index is " + std::to_string(scale)), std::string::npos) << message;
  }
  EXPECT_EQ(call(good, 0, nothing, good.workspace.bytes()), kInvalid);
  if (good.workspace.bytes() > 0) {
    EXPECT_EQ(call(good, 0, out, good.workspace.bytes() - 1), ARLOSS_STATUS_BUFFER_TOO_SMALL);
  }
  store_label(ARLOSS_DTYPE_UINT8, 9, batch.labels.data(), 21);
  Buffers bad(plan, batch);
  EXPECT_EQ(call(bad, 0, out, bad.workspace.bytes()), ARLOSS_STATUS_INVALID_LABEL);
  EXPECT_NE(std::string(arloss_last_message()).find("labels[21]"), std::string::npos) << arloss_last_message();
  EXPECT_TRUE(out.contents() == std::vector<unsigned char>(out.bytes(), 0xff)) << "distribution written";
}

arloss_report_t checked(const Plan& plan, const Batch& batch) {
  Buffers buffers(plan, batch);
  const arloss_tensors_t io = buffers.io();
  arloss_report_t report;
  std::memset(&report, 0x77, sizeof report);
  report.struct_size = sizeof report;
  EXPECT_EQ(arloss_check(plan.get(), &io, &report, buffers.workspace.data(), buffers.workspace.bytes(), nullptr),
            ARLOSS_STATUS_SUCCESS)
      << arloss_last_message();
  EXPECT_EQ(report.struct_size, sizeof report);
  buffers.expect_outputs_untouched();
  buffers.expect_guards_intact();
  return report;
}

TEST(Check, FindsNothingInGoodInputs) {
  std::size_t index = 0;
  for (const CaseSpec& spec : inspection_list()) {
    const oracle::Inputs inputs = draw_inputs(spec);
    const Batch batch = pack(spec, inputs);
    for_each_plan(
        spec, batch.problem, [&](const Plan& plan) { expect_no_faults(checked(plan, batch), spec, inputs); }, index++);
  }
}

TEST(Check, CountsFaultsAndFindsTheFirst) {
  for (const CaseSpec& spec : faulty_list()) {
    const Batch batch = pack(spec, faulty_inputs(spec));
    for_each_plan(spec, batch.problem, [&](const Plan& plan) { expect_all_faults(checked(plan, batch), spec); });
  }
}

TEST(Check, ACellOfMinusInfinityIsAFault) {
  const CaseSpec spec = plain_spec(1, 3, 4, 6);
  oracle::Inputs inputs = draw_inputs(spec);
  std::fill(inputs.labels.begin(), inputs.labels.end(), 1);
  for (std::int64_t c = 0; c < 3; ++c)
    inputs.logits[logit_index(spec, 0, c, 13)] = -std::numeric_limits<double>::infinity();
  const Batch batch = pack(spec, inputs);
  for_each_plan(spec, batch.problem, [&](const Plan& plan) {
    const arloss_report_t report = checked(plan, batch);
    EXPECT_GT(report.nonfinite_logits, 0);
    EXPECT_EQ(report.first_nonfinite_logit, 13);
  });
}

TEST(Check, RefusesBadArguments) {
  const CaseSpec spec = plain_spec(1, 5, 4, 6);
  const Batch batch = pack(spec, draw_inputs(spec));
  const Plan plan(batch.problem, make_options(ARLOSS_ALGORITHM_AUTO));
  Buffers b(plan, batch);
  const arloss_tensors_t io = b.io();
  arloss_report_t report{};
  report.struct_size = sizeof report - 1;
  EXPECT_EQ(arloss_check(plan.get(), &io, &report, b.workspace.data(), b.workspace.bytes(), nullptr), kInvalid);
  EXPECT_NE(std::string(arloss_last_message()).find("report.struct_size"), std::string::npos);
  EXPECT_EQ(arloss_check(plan.get(), &io, nullptr, b.workspace.data(), b.workspace.bytes(), nullptr), kInvalid);
  report.struct_size = sizeof report;
  EXPECT_EQ(arloss_check(nullptr, &io, &report, b.workspace.data(), b.workspace.bytes(), nullptr), kInvalid);
  EXPECT_EQ(arloss_check(plan.get(), nullptr, &report, b.workspace.data(), b.workspace.bytes(), nullptr), kInvalid);
  if (b.workspace.bytes() > 0) {
    EXPECT_EQ(arloss_check(plan.get(), &io, &report, b.workspace.data(), b.workspace.bytes() - 1, nullptr),
              ARLOSS_STATUS_BUFFER_TOO_SMALL);
  }
}

}  // namespace
}  // namespace support

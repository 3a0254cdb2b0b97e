/// The calls that look at inputs, on CUDA: affinity rows, label distributions, arloss_check.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "cuda/device_checks.h"
#include "cuda/device_runner.h"
#include "support/thinning.h"

namespace support {
namespace {

TEST(CudaInspection, AffinityRowsAreThoseOfTheDefinition) {
  for (const CaseSpec& spec : thinned(inspection_list(), 5)) {
    const oracle::Inputs inputs = draw_inputs(spec);
    const Batch batch = pack(spec, inputs);
    const Rows rows = some_rows(spec);
    with_cuda_plan(spec, [&](const Plan& plan) {
      for (const arloss_affinity_t which : kAffinities) {
        SCOPED_TRACE(which);
        expect_close(affinity_rows_on_device(plan, batch, which, rows), expected_rows(spec, inputs, which, rows));
      }
    });
  }
}

/// A cell of weight 0 has an affinity of 0 to everything, NaN logits or not.
TEST(CudaInspection, AffinityOfCellsOfWeightZero) {
  const CaseSpec spec = plain_spec(1, 5, 4, 6);
  oracle::Inputs inputs = draw_inputs(spec);
  std::replace(inputs.labels.begin(), inputs.labels.end(), std::int64_t{255}, std::int64_t{1});
  inputs.labels[3] = 255;
  for (std::int64_t c = 0; c < 5; ++c) inputs.logits[logit_index(spec, 0, c, 3)] = std::nan("");
  with_cuda_plan(spec, [&](const Plan& plan) {
    for (const arloss_affinity_t which : kAffinities) {
      const std::vector<float> rows = affinity_rows_on_device(plan, pack(spec, inputs), which, {{0, 0}, {3, 5}});
      EXPECT_EQ(std::count(rows.begin(), rows.begin() + 24, 0.0f), 24);
      EXPECT_EQ(rows[24 + 3], 0);
      EXPECT_TRUE(std::isfinite(rows[24 + 5]));
    }
  });
}

/// Two bad labels in one cell, and one in the next.
TEST(CudaInspection, CheckFindsTheFirstBadLabelOfACell) {
  CaseSpec spec = plain_spec(1, 5, 4, 6);
  set_label_grid(spec, 8, 12);
  oracle::Inputs inputs = draw_inputs(spec);
  for (const std::size_t position : {5, 16, 18}) inputs.labels[position] = 77;
  with_cuda_plan(spec, [&](const Plan& plan) {
    const arloss_report_t report = checked_on_device(plan, pack(spec, inputs));
    EXPECT_EQ(report.invalid_labels, 3);
    EXPECT_EQ(report.first_invalid_label, 5);
  });
}

/// A weight that is no number is a fault of its own: the logits of such a cell are not looked at.
TEST(CudaInspection, CheckPassesOverCellsOfBadWeight) {
  const CaseSpec spec = plain_spec(1, 5, 4, 6);
  oracle::Inputs inputs = draw_inputs(spec);
  inputs.labels.assign(inputs.labels.size(), 1);
  inputs.pixel_weights.assign(24, 1);
  inputs.pixel_weights[3] = std::numeric_limits<double>::infinity();
  inputs.logits[logit_index(spec, 0, 2, 3)] = std::nan("");
  with_cuda_plan(spec, [&](const Plan& plan) {
    const arloss_report_t report = checked_on_device(plan, pack(spec, inputs));
    EXPECT_EQ(report.invalid_weights, 1);
    EXPECT_EQ(report.valid_cells, 23);
    EXPECT_EQ(report.nonfinite_logits, 0);
  });
}

/// Nobody can refuse them in time: they become NaN, and the rows beside them are right.
TEST(CudaInspection, RowsOutsideTheBatchAreNaN) {
  const CaseSpec spec = plain_spec(2, 5, 4, 6);
  const Batch batch = pack(spec, draw_inputs(spec));
  with_cuda_plan(spec, [&](const Plan& plan) {
    for (const arloss_affinity_t which : kAffinities) {
      const std::vector<float> good = affinity_rows_on_device(plan, batch, which, {{1}, {23}});
      const Rows rows = {{2, -1, 1, 0, 0, std::numeric_limits<std::int64_t>::min()}, {0, 0, 23, 24, -5, 3}};
      const std::vector<float> found = affinity_rows_on_device(plan, batch, which, rows);
      for (std::size_t i = 0; i < found.size(); ++i) {
        if (i / 24 == 2) {
          EXPECT_EQ(found[i], good[i % 24]) << "element " << i;
        } else {
          EXPECT_TRUE(std::isnan(found[i])) << "element " << i;
        }
      }
    }
  });
}

TEST(CudaInspection, NoRows) {
  const CaseSpec spec = plain_spec(1, 5, 4, 6);
  with_cuda_plan(spec, [&](const Plan& plan) {
    const DeviceBuffers buffers(plan, pack(spec, draw_inputs(spec)));
    const DeviceInput<std::int64_t> row({0});
    const arloss_tensors_t io = buffers.io();
    EXPECT_EQ(arloss_affinity_rows(plan.get(), &io, ARLOSS_AFFINITY_OUTPUT, row.data(), row.data(), 0, io.loss,
                                   buffers.workspace_data(), buffers.workspace.count(), nullptr),
              ARLOSS_STATUS_SUCCESS)
        << arloss_last_message();
    buffers.expect_outputs_untouched();
  });
}

TEST(CudaInspection, LabelDistributionIsThatOfTheDefinition) {
  for (const CaseSpec& spec : thinned(inspection_list(), 5)) {
    const oracle::Inputs inputs = draw_inputs(spec);
    const Batch batch = pack(spec, inputs);
    with_cuda_plan(spec, [&](const Plan& plan) {
      for (int k = 0; k < static_cast<int>(spec.problem.scales.size()); ++k) {
        SCOPED_TRACE("scale " + std::to_string(spec.problem.scales[static_cast<std::size_t>(k)]));
        expect_close(label_distribution_on_device(plan, batch, k), oracle::label_distribution(spec.problem, inputs, k));
      }
    });
  }
}

TEST(CudaInspection, CheckFindsNothingInGoodInputs) {
  for (const CaseSpec& spec : thinned(inspection_list(), 5)) {
    const oracle::Inputs inputs = draw_inputs(spec);
    with_cuda_plan(
        spec, [&](const Plan& plan) { expect_no_faults(checked_on_device(plan, pack(spec, inputs)), spec, inputs); });
  }
}

TEST(CudaInspection, CheckCountsFaultsAndFindsTheFirst) {
  for (const CaseSpec& spec : faulty_list())
    with_cuda_plan(spec, [&](const Plan& plan) {
      expect_all_faults(checked_on_device(plan, pack(spec, faulty_inputs(spec))), spec);
    });
}

TEST(CudaInspection, CheckTakesACellOfMinusInfinityForAFault) {
  const CaseSpec spec = plain_spec(1, 3, 4, 6);
  oracle::Inputs inputs = draw_inputs(spec);
  std::fill(inputs.labels.begin(), inputs.labels.end(), 1);
  for (std::int64_t c = 0; c < 3; ++c)
    inputs.logits[logit_index(spec, 0, c, 13)] = -std::numeric_limits<double>::infinity();
  with_cuda_plan(spec, [&](const Plan& plan) {
    const arloss_report_t report = checked_on_device(plan, pack(spec, inputs));
    EXPECT_GT(report.nonfinite_logits, 0);
    EXPECT_EQ(report.first_nonfinite_logit, 13);
  });
}

}  // namespace
}  // namespace support

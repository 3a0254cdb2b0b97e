#include "cuda/device_checks.h"

#include <gtest/gtest.h>

#include <cstring>

namespace support {
namespace {

/// Calls call(io, workspace, bytes) on buffers of the batch.
template <class Call>
void inspect(const Plan& plan, const Batch& batch, const Call& call) {
  DeviceBuffers buffers(plan, batch);
  buffers.use_bare_workspace();
  const arloss_tensors_t io = buffers.io();
  EXPECT_EQ(call(&io, buffers.workspace_data(), buffers.workspace.count()), ARLOSS_STATUS_SUCCESS)
      << arloss_last_message();
  buffers.expect_outputs_untouched();
  buffers.expect_guards_intact();
}

std::vector<float> read_guarded(const DeviceOutput<float>& out) {
  EXPECT_TRUE(out.guards_are_intact()) << "written outside its buffer";
  return out.read();
}

}  // namespace

arloss_report_t checked_on_device(const Plan& plan, const Batch& batch) {
  arloss_report_t report;
  std::memset(&report, 0x77, sizeof report);
  report.struct_size = sizeof report;
  inspect(plan, batch, [&](const arloss_tensors_t* io, void* workspace, std::size_t bytes) {
    return arloss_check(plan.get(), io, &report, workspace, bytes, nullptr);
  });
  EXPECT_EQ(report.struct_size, sizeof report);
  return report;
}

std::vector<float> affinity_rows_on_device(const Plan& plan, const Batch& batch, arloss_affinity_t which,
                                           const Rows& rows) {
  const DeviceInput<std::int64_t> images(rows.images), cells(rows.cells);
  const arloss_problem_t& p = batch.problem;
  const DeviceOutput<float> out(rows.images.size() * static_cast<std::size_t>(p.depth * p.height * p.width),
                                sizeof(float));
  inspect(plan, batch, [&](const arloss_tensors_t* io, void* workspace, std::size_t bytes) {
    return arloss_affinity_rows(plan.get(), io, which, images.data(), cells.data(),
                                static_cast<std::int64_t>(rows.images.size()), out.data(), workspace, bytes, nullptr);
  });
  return read_guarded(out);
}

std::vector<float> label_distribution_on_device(const Plan& plan, const Batch& batch, std::int32_t scale_index) {
  const arloss_problem_t& p = batch.problem;
  const DeviceOutput<float> out(static_cast<std::size_t>(p.batch * p.depth * p.height * p.width * p.classes),
                                sizeof(float));
  inspect(plan, batch, [&](const arloss_tensors_t* io, void* workspace, std::size_t bytes) {
    return arloss_label_distribution(plan.get(), io, scale_index, out.data(), workspace, bytes, nullptr);
  });
  return read_guarded(out);
}

}  // namespace support

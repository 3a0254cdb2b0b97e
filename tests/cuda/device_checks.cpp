#include "cuda/device_checks.h"

#include <gtest/gtest.h>

#include <cstring>

namespace support {

arloss_report_t checked_on_device(const Plan& plan, const Batch& batch) {
  const DeviceBuffers buffers(plan, batch);
  const arloss_tensors_t io = buffers.io();
  arloss_report_t report;
  std::memset(&report, 0x77, sizeof report);
  report.struct_size = sizeof report;
  EXPECT_EQ(arloss_check(plan.get(), &io, &report, buffers.workspace_data(), buffers.workspace.count(), nullptr),
            ARLOSS_STATUS_SUCCESS)
      << arloss_last_message();
  EXPECT_EQ(report.struct_size, sizeof report);
  buffers.expect_outputs_untouched();
  buffers.expect_guards_intact();
  return report;
}

}  // namespace support

#ifndef ARLOSS_TESTS_DEVICE_CHECKS_H
#define ARLOSS_TESTS_DEVICE_CHECKS_H

#include <cstdint>
#include <vector>

#include "arloss/arloss.h"
#include "cuda/device_runner.h"
#include "support/inspection.h"

namespace support {

// The calls that look at inputs, on the plan's device: expected to succeed and to write nothing but their result.

arloss_report_t checked_on_device(const Plan& plan, const Batch& batch);
std::vector<float> affinity_rows_on_device(const Plan& plan, const Batch& batch, arloss_affinity_t which,
                                           const Rows& rows);
std::vector<float> label_distribution_on_device(const Plan& plan, const Batch& batch, std::int32_t scale_index);

}  // namespace support

#endif

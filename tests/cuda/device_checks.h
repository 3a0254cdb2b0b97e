#ifndef ARLOSS_TESTS_DEVICE_CHECKS_H
#define ARLOSS_TESTS_DEVICE_CHECKS_H

#include "arloss/arloss.h"
#include "cuda/device_runner.h"

namespace support {

/// arloss_check of the batch on the plan's device, expected to succeed and to write no tensor.
arloss_report_t checked_on_device(const Plan& plan, const Batch& batch);

}  // namespace support

#endif

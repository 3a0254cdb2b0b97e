#ifndef ARLOSS_TESTS_GOLDEN_CASE_H
#define ARLOSS_TESTS_GOLDEN_CASE_H

#include "oracle/golden.h"
#include "support/case.h"

namespace support {

/// The golden's answer in place of the oracle's; what it does not hold (cell weights) from the oracle.
Case golden_case(const oracle::Golden& golden, arloss_layout_t layout, arloss_dtype_t labels_dtype);

}  // namespace support

#endif

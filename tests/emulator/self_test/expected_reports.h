#ifndef ARLOSS_TESTS_EMULATOR_SELF_TEST_EXPECTED_REPORTS_H
#define ARLOSS_TESTS_EMULATOR_SELF_TEST_EXPECTED_REPORTS_H

#include "control.h"

namespace emulator::self_test {

/// While it lives the emulator reports without printing; then the reports are forgotten. For the few checks of what the
/// emulator reports though a device allows it. Nothing on a device.
class ExpectedReports {
 public:
  ExpectedReports() {
    if (control() != nullptr) control()->set_quiet(true);
  }
  ExpectedReports(const ExpectedReports&) = delete;
  ExpectedReports& operator=(const ExpectedReports&) = delete;
  ~ExpectedReports() {
    if (control() == nullptr) return;
    control()->clear_reports();
    control()->set_quiet(false);
  }
};

}  // namespace emulator::self_test

#endif

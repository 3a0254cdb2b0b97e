#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_EXIT_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_EXIT_H

namespace emulator::runtime {

/// What a process ends with that has something to report, whatever its own status was.
constexpr int kReportStatus = 66;

/// From here on exit() first executes the work that waits in streams.
void install_exit_handler();

}  // namespace emulator::runtime

#endif

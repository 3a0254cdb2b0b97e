#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_FAULT_HANDLER_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_FAULT_HANDLER_H

namespace emulator::runtime {

/// From here on a segmentation fault at an address of the device says so before the process dies of it. Other faults
/// go to the handler there was.
void install_fault_handler();

}  // namespace emulator::runtime

#endif

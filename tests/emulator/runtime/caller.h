#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_CALLER_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_CALLER_H

#include <string>

namespace emulator::runtime {

/// Where a call returns to, as text: "main.cpp:12" with debug information (read by addr2line), else
/// "run() in program+0x1234".
std::string caller_text(const void* return_address);

/// A mangled name as C++ writes it; other names as they are.
std::string readable_name(const std::string& mangled);

}  // namespace emulator::runtime

#endif

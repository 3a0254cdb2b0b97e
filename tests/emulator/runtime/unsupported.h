#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_UNSUPPORTED_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_UNSUPPORTED_H

#include <string>

namespace emulator::runtime {

/// Reports that `what` is not emulated and ends the process by abort(): going on without it would test nothing.
[[noreturn]] void stop_unsupported(const std::string& what);

}  // namespace emulator::runtime

/// What every entry point ends in that the emulator does not have (the stubs are generated, see write_stubs.cmake).
extern "C" [[noreturn]] void arloss_emulator_unsupported_call(const char* function, const void* return_address);

#endif

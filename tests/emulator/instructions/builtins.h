#ifndef ARLOSS_TESTS_EMULATOR_INSTRUCTIONS_BUILTINS_H
#define ARLOSS_TESTS_EMULATOR_INSTRUCTIONS_BUILTINS_H

#include <string>

#include "program/program.h"

namespace emulator {

/// What runs a function that the CUDA runtime provides to device code (vprintf, __assertfail); null for other names.
/// The instruction's target is the index of the Call whose arguments and results lie in the frame's parameter memory.
Handler find_builtin(const std::string& name);

}  // namespace emulator

#endif

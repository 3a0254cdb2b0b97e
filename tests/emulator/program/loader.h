#ifndef ARLOSS_TESTS_EMULATOR_PROGRAM_LOADER_H
#define ARLOSS_TESTS_EMULATOR_PROGRAM_LOADER_H

#include <memory>

#include "program/program.h"
#include "ptx/syntax.h"

namespace emulator {

/// Resolves every name of a parsed module, decodes its instructions and places its variables in device memory. Throws
/// std::runtime_error where the module as a whole cannot be loaded; an instruction that is not known becomes one that
/// stops the kernel when it is reached.
std::shared_ptr<Program> load_module(const ptx::Module& module);

}  // namespace emulator

#endif

#ifndef ARLOSS_TESTS_EMULATOR_MACHINE_MACHINE_H
#define ARLOSS_TESTS_EMULATOR_MACHINE_MACHINE_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control.h"
#include "memory/operation_order.h"

namespace emulator {

class Program;  // a loaded PTX module (program/program.h)
struct Function;

struct Dim3 {
  std::uint32_t x = 1, y = 1, z = 1;
};

/// Parses the PTX and places its variables in device memory. Throws std::runtime_error for PTX that cannot be loaded.
/// Instructions it does not know stop a kernel only when they are executed.
std::shared_ptr<Program> load_program(const std::string& ptx);

/// The kernel of this (mangled) name; null where the module has none.
const Function* find_kernel(const Program& program, const std::string& name);

/// Where a .global or .const variable lies in device memory; {0, 0} where the module has none of this name.
struct DeviceVariable {
  std::uint64_t address;
  std::size_t bytes;
};
DeviceVariable find_variable(const Program& program, const std::string& name);

/// What the runtime API must know of a kernel.
struct KernelFacts {
  std::vector<std::size_t> parameter_offsets, parameter_bytes;  // in the parameter buffer
  std::size_t parameter_buffer_bytes;
  std::size_t static_shared_bytes;
  std::size_t local_bytes;
  std::uint32_t max_threads;  // __launch_bounds__; 1024 where there is none
  int num_registers;          // an estimate: 32-bit registers PTX names at once is not what ptxas allots
};
KernelFacts kernel_facts(const Function& kernel);

struct Launch {
  const Function* kernel;
  Dim3 grid, block;
  std::size_t dynamic_shared_bytes;
  std::vector<std::byte> parameters;  // packed by kernel_facts
  OperationOrder order;
  std::optional<OperationOrder> before_wait;  // of what threads do before griddepcontrol.wait, where it matters
};

/// Runs every block to its end. Throws LaunchFailure, after its report, where the kernel cannot go on.
void run_launch(const Launch& launch);

Statistics machine_statistics();

}  // namespace emulator

#endif

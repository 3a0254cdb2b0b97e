#include "runtime/kernel_launch.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "machine/machine.h"
#include "runtime/api.h"
#include "runtime/caller.h"
#include "runtime/device_facts.h"
#include "runtime/submit.h"

namespace emulator::runtime {
namespace {

std::string text_of(const dim3& size) {
  return std::to_string(size.x) + " x " + std::to_string(size.y) + " x " + std::to_string(size.z);
}

bool is_within(const dim3& size, const int (&most)[3]) {
  const auto fits = [](unsigned value, int limit) { return value > 0 && value <= static_cast<unsigned>(limit); };
  return fits(size.x, most[0]) && fits(size.y, most[1]) && fits(size.z, most[2]);
}

cudaError_t check_shared_memory(State& state, const Kernel& kernel, std::size_t dynamic_bytes) {
  const std::size_t static_bytes = kernel.facts.static_shared_bytes;
  const std::size_t allowed = static_cast<std::size_t>(kernel.max_dynamic_shared);
  if (dynamic_bytes <= allowed) return cudaSuccess;
  const std::size_t most = device_facts(state.modules.architecture()).shared_per_block_optin;
  return refuse(cudaErrorInvalidValue,
                readable_name(kernel.name) + " is launched with " + std::to_string(dynamic_bytes) +
                    " bytes of dynamic shared memory beside " + std::to_string(static_bytes) + " static ones; " +
                    std::to_string(allowed) + " are allowed, and cudaFuncSetAttribute can allow up to " +
                    std::to_string(most > static_bytes ? most - static_bytes : 0),
                Kind::kSharedLimit);
}

cudaError_t check_launch(State& state, const Kernel& kernel, const LaunchShape& shape) {
  const std::string name = readable_name(kernel.name);
  if (!is_within(shape.grid, DeviceFacts::kMaxGrid)) {
    return refuse(cudaErrorInvalidConfiguration, name + " is launched with a grid of " + text_of(shape.grid));
  }
  const std::uint64_t threads = std::uint64_t{shape.block.x} * shape.block.y * shape.block.z;
  if (!is_within(shape.block, DeviceFacts::kMaxBlock) || threads > DeviceFacts::kMaxThreads) {
    return refuse(cudaErrorInvalidConfiguration, name + " is launched with blocks of " + text_of(shape.block));
  }
  if (threads > kernel.facts.max_threads) {
    return refuse(cudaErrorInvalidValue, name + " is launched with blocks of " + std::to_string(threads) +
                                             " threads; its __launch_bounds__ allow " +
                                             std::to_string(kernel.facts.max_threads));
  }
  return check_shared_memory(state, kernel, shape.dynamic_shared_bytes);
}

std::vector<std::byte> pack_parameters(const KernelFacts& facts, void* const* arguments) {
  std::vector<std::byte> packed(facts.parameter_buffer_bytes);
  for (std::size_t p = 0; p < facts.parameter_offsets.size(); ++p) {
    std::memcpy(packed.data() + facts.parameter_offsets[p], arguments[p], facts.parameter_bytes[p]);
  }
  return packed;
}

Dim3 size_of(const dim3& size) { return {size.x, size.y, size.z}; }

}  // namespace

cudaError_t launch_operation(State& state, const void* host_function, const LaunchShape& shape, void* const* arguments,
                             Operation* operation) {
  Kernel* kernel = nullptr;
  if (const cudaError_t error = state.modules.find_kernel(host_function, &kernel); error != cudaSuccess) {
    return refuse(error, "the kernel is not in the device code of the process, or that cannot be run");
  }
  if (const cudaError_t error = check_launch(state, *kernel, shape); error != cudaSuccess) return error;
  if (!arguments && !kernel->facts.parameter_offsets.empty()) {
    return refuse(cudaErrorInvalidValue, readable_name(kernel->name) + " is launched without its parameters");
  }
  Launch launch;
  launch.kernel = kernel->function;
  launch.grid = size_of(shape.grid);
  launch.block = size_of(shape.block);
  launch.dynamic_shared_bytes = shape.dynamic_shared_bytes;
  launch.parameters = pack_parameters(kernel->facts, arguments);
  // The program is held, too: its module may be unloaded while the launch waits.
  *operation = [&state, launch = std::move(launch), program = kernel->module->program](const Execution& execution) {
    Launch ordered = launch;
    ordered.order = execution.order;
    ordered.before_wait = execution.before_wait;
    ++state.num_launches;
    run_launch(ordered);
  };
  return cudaSuccess;
}

cudaError_t launch_kernel(State& state, const void* host_function, const LaunchShape& shape, void** arguments) {
  Operation operation;
  const cudaError_t error = launch_operation(state, host_function, shape, arguments, &operation);
  if (error != cudaSuccess) return error;
  StreamObject* stream = nullptr;
  if (const cudaError_t refused = find_issuing_stream(state, shape.stream, &stream); refused != cudaSuccess) {
    return refused;
  }
  issue(state, *stream, Graph::NodeKind::kKernel, std::move(operation), shape.may_overlap);
  return cudaSuccess;
}

}  // namespace emulator::runtime

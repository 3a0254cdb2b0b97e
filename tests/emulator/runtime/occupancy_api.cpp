#include <cuda_runtime_api.h>

#include <algorithm>

#include "runtime/api.h"
#include "runtime/device_facts.h"

namespace emulator::runtime {
namespace {

constexpr int kWarpThreads = 32;

std::size_t round_up(std::size_t value, std::size_t unit) { return (value + unit - 1) / unit * unit; }

/// Shared memory a block takes of its multiprocessor: handed out in units of 128 bytes.
std::size_t shared_of_block(const DeviceFacts& facts, std::size_t bytes) {
  return round_up(bytes + facts.reserved_shared(), 128);
}

/// Blocks whose registers fit, 256 at a time to a warp. The kernel's count is an estimate from its PTX, which ptxas
/// undercuts: it must not say that a kernel cannot run at all.
int blocks_by_registers(const Kernel& kernel, int warps) {
  const std::size_t of_thread = static_cast<std::size_t>(std::clamp(kernel.facts.num_registers, 16, 255));
  const std::size_t of_block = round_up(of_thread * kWarpThreads, 256) * static_cast<std::size_t>(warps);
  return std::max(1, static_cast<int>(DeviceFacts::kRegisters / of_block));
}

int max_active_blocks(State& state, const Kernel& kernel, int block_size, std::size_t dynamic_bytes) {
  const DeviceFacts& facts = device_facts(state.modules.architecture());
  const std::size_t shared = kernel.facts.static_shared_bytes + dynamic_bytes;
  if (static_cast<unsigned>(block_size) > kernel.facts.max_threads || shared > facts.shared_per_block_optin) return 0;
  const int warps = (block_size + kWarpThreads - 1) / kWarpThreads;
  int blocks =
      std::min(facts.max_blocks_per_multiprocessor, facts.max_threads_per_multiprocessor / (warps * kWarpThreads));
  blocks = std::min(blocks, blocks_by_registers(kernel, warps));
  const std::size_t of_block = shared_of_block(facts, shared);
  if (of_block > 0) blocks = std::min(blocks, static_cast<int>(facts.shared_per_multiprocessor / of_block));
  return blocks;
}

cudaError_t get_max_active_blocks(State& state, int* num_blocks, const void* function, int block_size,
                                  std::size_t dynamic_bytes) {
  if (!num_blocks || block_size <= 0) return cudaErrorInvalidValue;
  Kernel* kernel = nullptr;
  if (const cudaError_t error = state.modules.find_kernel(function, &kernel); error != cudaSuccess) return error;
  *num_blocks = max_active_blocks(state, *kernel, block_size, dynamic_bytes);
  return cudaSuccess;
}

}  // namespace
}  // namespace emulator::runtime

using namespace emulator::runtime;

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* num_blocks, const void* function, int block_size,
                                                          std::size_t dynamic_bytes) {
  return api(
      [&](State& state) { return get_max_active_blocks(state, num_blocks, function, block_size, dynamic_bytes); });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* num_blocks, const void* function,
                                                                   int block_size, std::size_t dynamic_bytes,
                                                                   unsigned flags) {
  return api([&](State& state) {
    if ((flags & ~unsigned{cudaOccupancyDisableCachingOverride}) != 0) return cudaErrorInvalidValue;
    return get_max_active_blocks(state, num_blocks, function, block_size, dynamic_bytes);
  });
}

cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(std::size_t* bytes, const void* function, int num_blocks,
                                                      int block_size) {
  return api([&](State& state) {
    if (!bytes || num_blocks <= 0 || block_size <= 0) return cudaErrorInvalidValue;
    Kernel* kernel = nullptr;
    if (const cudaError_t error = state.modules.find_kernel(function, &kernel); error != cudaSuccess) return error;
    const DeviceFacts& facts = device_facts(state.modules.architecture());
    const std::size_t share = facts.shared_per_multiprocessor / static_cast<std::size_t>(num_blocks) / 128 * 128;
    const std::size_t taken = facts.reserved_shared() + kernel->facts.static_shared_bytes;
    const std::size_t most = facts.shared_per_block_optin - kernel->facts.static_shared_bytes;
    *bytes = std::min(share > taken ? share - taken : 0, most);
    return cudaSuccess;
  });
}

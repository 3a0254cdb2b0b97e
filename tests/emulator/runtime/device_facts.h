#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_DEVICE_FACTS_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_DEVICE_FACTS_H

#include <cstddef>
#include <cstdint>

namespace emulator::runtime {

/// What a device of one compute capability has, as NVIDIA's programming guide tabulates it, and what all have.
struct DeviceFacts {
  int architecture;  // from this compute capability (times 10) on
  int max_threads_per_multiprocessor;
  int max_blocks_per_multiprocessor;
  std::size_t shared_per_multiprocessor;  // bytes
  std::size_t shared_per_block_optin;     // bytes, with cudaFuncAttributeMaxDynamicSharedMemorySize

  static constexpr std::size_t kSharedPerBlock = 48 * 1024;
  static constexpr int kMultiprocessors = 4;    // few, so that grids sized by them stay small
  static constexpr int kRegisters = 64 * 1024;  // of a multiprocessor, and at most of a block
  static constexpr int kMaxThreads = 1024;      // of a block
  static constexpr int kMaxBlock[3] = {1024, 1024, 64};
  static constexpr int kMaxGrid[3] = {2147483647, 65535, 65535};
  static constexpr std::size_t kConstantBytes = 64 * 1024;
  static constexpr std::size_t kL2Bytes = std::size_t{4} << 20;

  /// Shared memory the system takes of each block, in bytes.
  std::size_t reserved_shared() const { return architecture >= 80 ? 1024 : 0; }
};

/// Of the newest tabulated capability not newer than this one (compute capability times 10).
const DeviceFacts& device_facts(int architecture);

}  // namespace emulator::runtime

#endif

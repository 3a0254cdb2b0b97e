#ifndef ARLOSS_TESTS_EMULATOR_SETTINGS_H
#define ARLOSS_TESTS_EMULATOR_SETTINGS_H

#include <cstdint>
#include <string>

namespace emulator {

/// How the emulated device behaves. Read once from the environment, at the first CUDA call; tests of the emulator
/// itself change it through control.h.
struct Settings {
  /// ARLOSS_EMULATOR_SEED. 0: blocks, warps and lanes in order; 1: in reverse order; others: drawn from the seed.
  std::uint64_t seed = 0;
  /// ARLOSS_EMULATOR_THREADS: host threads that run blocks of a kernel which has no atomics. 0: one per core.
  int threads = 1;
  /// ARLOSS_EMULATOR_ARCH: compute capability times 10. The newest PTX that such a device takes is run. 0: the newest
  /// PTX there is.
  int architecture = 0;
  /// ARLOSS_EMULATOR_BUDGET: instructions a warp may execute in one block before it is reported as hanging. The default
  /// is a few seconds' worth, and ten times what a kernel over a million pixels needs.
  std::uint64_t instruction_budget = std::uint64_t{1} << 28;
  /// ARLOSS_EMULATOR_LAZY: work of a stream waits until the host synchronises with it, so that a host read without a
  /// synchronisation sees old data. On by default; "0" runs each call at once.
  bool is_lazy = true;
  /// ARLOSS_EMULATOR_REQUIRE_LAUNCH: a process that ends without having launched a kernel fails.
  bool requires_launch = false;
  /// ARLOSS_EMULATOR_DIGEST: a file that gets, at exit, a digest of all bytes the process copied from the device.
  std::string digest_path;
  /// ARLOSS_EMULATOR_QUIET: reports are kept but not printed.
  bool is_quiet = false;
};

Settings& settings();

}  // namespace emulator

#endif

#ifndef ARLOSS_TESTS_EMULATOR_CONTROL_H
#define ARLOSS_TESTS_EMULATOR_CONTROL_H

#include <dlfcn.h>

#include <cstdint>

namespace emulator {

/// What the process has run so far.
struct Statistics {
  std::uint64_t launches;
  std::uint64_t blocks;
  std::uint64_t threads;
  std::uint64_t instructions;      // PTX instructions times the lanes that executed them
  std::uint64_t checked_accesses;  // loads, stores and atomics times the lanes
  std::uint64_t barriers;          // of blocks
  std::uint64_t warp_collectives;  // shuffles, votes, matrix products, ...
};

/// What a test program may ask of the emulator it runs on. One test program serves a real device and the emulator, so
/// it links neither: it asks the runtime it finds itself loaded with.
struct Control {
  void (*set_seed)(std::uint64_t seed);
  void (*set_lazy)(bool is_lazy);
  void (*set_threads)(int threads);
  /// Reports are kept but not printed.
  void (*set_quiet)(bool is_quiet);
  int (*report_count)();
  const char* (*report_kind)(int index);
  const char* (*report_text)(int index);
  void (*clear_reports)();
  Statistics (*statistics)();
  /// Instructions a warp may execute in one block before it counts as hanging.
  void (*set_instruction_budget)(std::uint64_t instructions);
};

/// The emulator's controls; null where the CUDA runtime is a real one.
inline const Control* control() {
  static const auto* const found = static_cast<const Control*>(dlsym(RTLD_DEFAULT, "arloss_emulator_control"));
  return found;
}

}  // namespace emulator

#endif

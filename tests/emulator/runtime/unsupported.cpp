#include "runtime/unsupported.h"

#include <cstdio>
#include <cstdlib>

#include "report.h"
#include "runtime/caller.h"
#include "settings.h"

namespace emulator::runtime {

void stop_unsupported(const std::string& what) {
  const std::string text = what + " is not emulated";
  Reports::get().add(Kind::kUnsupported, text);
  // Whatever is quiet otherwise: these are the last words of the process.
  if (settings().is_quiet) std::fprintf(stderr, "emulator: %s: %s\n", kind_name(Kind::kUnsupported), text.c_str());
  std::fflush(nullptr);
  std::abort();
}

}  // namespace emulator::runtime

void arloss_emulator_unsupported_call(const char* function, const void* return_address) {
  using emulator::runtime::caller_text;
  emulator::runtime::stop_unsupported(std::string(function) + ", called at " + caller_text(return_address) + ",");
}

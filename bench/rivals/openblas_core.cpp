#include "openblas_core.h"

#include <cblas.h>
#include <unistd.h>

#include <cstdlib>

namespace bench {

void restart_with_best_openblas_core(char** argv) {
#if defined(__x86_64__)
  constexpr char kVariable[] = "OPENBLAS_CORETYPE";
  const std::string core = openblas_core_name();
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (std::getenv(kVariable) || !has_avx512 || (core != "Haswell" && core != "Zen")) return;
  setenv(kVariable, "SkylakeX", 1);
  execv("/proc/self/exe", argv);  // returns only where it fails: the slower core then stays
#else
  static_cast<void>(argv);
#endif
}

std::string openblas_core_name() { return openblas_get_corename(); }

}  // namespace bench

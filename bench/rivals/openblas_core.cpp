#include "openblas_core.h"

#include <cblas.h>
#include <unistd.h>

#include <cstdlib>

namespace bench {

void restart_with_own_openblas_core(char** argv) {
  if (!std::getenv("OPENBLAS_CORETYPE")) return;
  unsetenv("OPENBLAS_CORETYPE");
  unsetenv("OPENBLAS_L2_SIZE");
  execv("/proc/self/exe", argv);  // returns only where it fails
}

std::string openblas_core_name() { return openblas_get_corename(); }

}  // namespace bench

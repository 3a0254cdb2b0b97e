#ifndef ARLOSS_BENCH_OPENBLAS_CORE_H
#define ARLOSS_BENCH_OPENBLAS_CORE_H

#include <string>

namespace bench {

/// Where the environment tells OpenBLAS which processor to take this one for, starts this program again without that,
/// so that the rivals have its best kernels: sgemm of 19 classes takes three times as long on a core type without
/// AVX-512.
void restart_with_own_openblas_core(char** argv);

std::string openblas_core_name();

}  // namespace bench

#endif

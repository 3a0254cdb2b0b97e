#ifndef ARLOSS_BENCH_OPENBLAS_CORE_H
#define ARLOSS_BENCH_OPENBLAS_CORE_H

#include <string>

namespace bench {

/// OpenBLAS 0.3.21 takes a processor it does not know for the oldest of its kind: where that leaves AVX-512 unused,
/// starts this program again with the core type that uses it (sgemm of 19 classes then takes a third of the time). Does
/// nothing where the environment names a core type.
void restart_with_best_openblas_core(char** argv);

std::string openblas_core_name();

}  // namespace bench

#endif

#ifndef ARLOSS_BENCH_RUN_FACTS_H
#define ARLOSS_BENCH_RUN_FACTS_H

#include <string>

namespace bench {

/// Puts machine, compiler, flags, commit, threads and the library's SIMD target into the report's context.
void add_run_facts();

/// Bytes a process can still allocate without swapping.
double available_bytes();

/// "8.59 GB"
std::string gigabytes(double bytes);

}  // namespace bench

#endif

#ifndef ARLOSS_BENCH_CASE_BENCHMARKS_H
#define ARLOSS_BENCH_CASE_BENCHMARKS_H

#include "bench_arguments.h"

namespace bench {

/// OpenBLAS's core and oneDNN's implementation, for the report's context.
void add_rival_facts(const BenchArguments& arguments);

/// machine/copy, machine/multiply_add, machine/two_threads/threads:1 and :2.
void register_machine_probes(bool is_smoke);

/// Every operation and rival of a workload, workload/dtype/scales/name[/threads:n]. What does not fit the memory, or
/// takes more pairs than the arguments allow, is printed and put in the report's context instead: not_run:NAME.
void register_workload(const CpuWorkload& workload, const BenchArguments& arguments);

}  // namespace bench

#endif

#ifndef ARLOSS_BENCH_CASE_BENCHMARKS_H
#define ARLOSS_BENCH_CASE_BENCHMARKS_H

#include "bench_arguments.h"

namespace bench {

/// OpenBLAS's core and oneDNN's implementation, for the report's context.
void add_rival_facts(const BenchArguments& arguments);

/// machine/copy, machine/multiply_add, machine/two_threads/threads:1 and :2; machine/cuda/copy.
void register_machine_probes(const BenchArguments& arguments);

/// Every operation and rival of a workload, workload/dtype/scales/name[/threads:n], and on the
/// CUDA device workload/dtype/scales/cuda/name. What does not fit the memory, or
/// takes more pairs than the arguments allow, is printed and put in the report's context instead: not_run:NAME.
void register_workload(const BenchWorkload& workload, const BenchArguments& arguments);

}  // namespace bench

#endif

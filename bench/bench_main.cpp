// arloss_bench: the library's operations and their rivals, on the CPU and a CUDA device, by workload: arloss_bench
// --help.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "bench_arguments.h"
#include "case_benchmarks.h"
#include "run_facts.h"
#include "timed_benchmarks.h"
#ifdef ARLOSS_BENCH_OPENBLAS
#include "rivals/openblas_core.h"
#endif

int main(int argc, char** argv) {
#ifdef ARLOSS_BENCH_OPENBLAS
  bench::restart_with_own_openblas_core(argv);
#endif
  std::vector<char*> options(argv, argv + argc);
  bool has_file = false;
  char one_iteration[] = "--benchmark_min_time=0";
  for (int i = 1; i < argc; ++i) {
    has_file |= std::strncmp(argv[i], "--benchmark_out=", 16) == 0;
    if (std::strcmp(argv[i], "--smoke") == 0) options.insert(options.begin() + 1, one_iteration);
    if (std::strcmp(argv[i], "--help") == 0) std::fputs(bench::kBenchHelp, stdout);
  }
  auto count = static_cast<int>(options.size());
  benchmark::Initialize(&count, options.data());
  try {
    bench::BenchArguments arguments = bench::read_arguments({options.begin() + 1, options.begin() + count});
    if (arguments.is_list) {
      for (const char* const name : bench::kWholeRun) std::puts(name);
      return 0;
    }
    const std::unique_ptr<bench::BenchDevice> cuda_device = bench::make_cuda_device(arguments.is_smoke);
    arguments.cuda_device = cuda_device.get();
    if (cuda_device) benchmark::AddCustomContext("cuda_device", cuda_device->name());
    bench::add_run_facts();
    bench::add_rival_facts(arguments);
    bench::register_machine_probes(arguments);
    for (const bench::BenchWorkload& workload : arguments.workloads) bench::register_workload(workload, arguments);
    return bench::run_timed_benchmarks(has_file);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "arloss_bench: %s\n", error.what());
    return 1;
  }
}

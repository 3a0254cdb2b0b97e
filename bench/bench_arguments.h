#ifndef ARLOSS_BENCH_BENCH_ARGUMENTS_H
#define ARLOSS_BENCH_BENCH_ARGUMENTS_H

#include <cstdint>
#include <string>
#include <vector>

#include "arloss/arloss.h"
#include "bench_device.h"
#include "bench_workloads.h"

namespace bench {

/// What arloss_bench is asked to register; what to run of it, how often and where to write it is Google Benchmark's to
/// know.
struct BenchArguments {
  std::vector<BenchWorkload> workloads;
  std::vector<arloss_dtype_t> dtypes = {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_BFLOAT16};
  std::vector<std::vector<std::int32_t>> scales = {{1}, {1, 2, 4}};
  double most_pair_work = 5e10;  // multiply-adds of calls that visit every pair: seconds
  bool is_smoke = false;
  bool is_list = false;                // of the workloads of a whole run, nothing else
  BenchDevice* cuda_device = nullptr;  // where there is one
};

extern const char kBenchHelp[];

/// Reads what Google Benchmark has left. Throws std::invalid_argument.
BenchArguments read_arguments(const std::vector<std::string>& arguments);

}  // namespace bench

#endif

#ifndef ARLOSS_BENCH_TIMED_BENCHMARKS_H
#define ARLOSS_BENCH_TIMED_BENCHMARKS_H

#include <functional>
#include <memory>
#include <string>

#include "bench_device.h"
#include "timed_call.h"

namespace bench {

/// What stands beside a benchmark's cost among its counters.
struct BenchmarkFacts {
  double logits_bytes, num_threads, batch, cells, classes;
};

/// Registers a benchmark that makes its call when it first runs, checks it, keeps it, and times it. A call that throws
/// or has written nothing fails its benchmark. Without a clock Google Benchmark's takes the time.
void register_timed(const std::string& name, const BenchmarkFacts& facts,
                    std::function<std::unique_ptr<TimedCall>()> make, const DeviceClock& clock = nullptr);

/// Runs what is registered, and ends it, with names as they were registered in every report; has_file says whether
/// Google Benchmark was given one to write to. Returns the process's exit status.
int run_timed_benchmarks(bool has_file);

}  // namespace bench

#endif

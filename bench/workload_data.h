#ifndef ARLOSS_BENCH_WORKLOAD_DATA_H
#define ARLOSS_BENCH_WORKLOAD_DATA_H

#include <cstdint>
#include <vector>

#include "bench_workloads.h"

namespace bench {

/// What a workload's calls read, logits as [batch][classes][depth][height][width].
struct WorkloadData {
  std::vector<std::uint8_t> labels;
  std::vector<float> logits;  // of a half-trained network
};

/// Made once a process and workload.
const WorkloadData& data_of(const BenchWorkload& workload);

/// Normal, of variance 1: where every form of the loss has all its digits. Made each time.
std::vector<float> random_logits(const BenchWorkload& workload);

/// Rounded to nearest, ties to even.
std::vector<std::uint16_t> to_bfloat16(const std::vector<float>& values);

/// Images' logits as [batch][cells][classes].
std::vector<float> classes_last(const BenchWorkload& workload, const std::vector<float>& logits);

}  // namespace bench

#endif

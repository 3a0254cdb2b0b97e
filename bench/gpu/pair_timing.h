#ifndef ARLOSS_BENCH_PAIR_TIMING_H
#define ARLOSS_BENCH_PAIR_TIMING_H

#include <string>

#include "case_timing.h"
#include "kernels/pair/pair_cost.h"
#include "pair_workloads.h"

namespace bench {

/// A call over all pairs by replays of a CUDA graph.
struct PairTiming {
  Timing call;
  std::string kernel;              // that visits the pairs
  double kernel_microseconds;      // what it adds to the launches before it
  arloss::kernels::PairWork work;  // its, of all groups
  int num_replays;
  float loss;  // of loss and gradient
};

/// As time_case, by as many of the settings' replays as some half second takes.
PairTiming time_pairs(const PairCase& timed, const HostBatch& batch, const TimingSettings& settings);

}  // namespace bench

#endif

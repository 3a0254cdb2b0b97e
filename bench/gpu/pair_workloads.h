#ifndef ARLOSS_BENCH_PAIR_WORKLOADS_H
#define ARLOSS_BENCH_PAIR_WORKLOADS_H

#include <vector>

#include "workloads.h"

namespace bench {

/// A case whose loss has no factored form: every pair is visited.
struct PairCase {
  Case timed;
  bool has_gradient;
  double goal;  // least ordered pairs per second on an H100; 0: none set

  /// A BATCH of images is a group each.
  std::int64_t rows_of_a_group() const { return timed.workload.image.height * timed.workload.image.width; }
  /// Are labels those of the grid, and B 0 or 1?
  bool is_hard() const;
  /// Ordered ones.
  double num_pairs() const;
};

/// The workloads that are small enough: their last has 4e9 pairs.
bool has_pair_cases(const Workload& workload);
/// Labels that the grid is as fine as.
Workload with_labels_of_grid(Workload workload);
/// Of labels of the grid: HUBER, exact, with three scales, without gradient; CROSS_ENTROPY. Of finer ones: ABSOLUTE,
/// which would be linear otherwise.
std::vector<PairCase> pair_cases_of(const Workload& workload);

}  // namespace bench

#endif

#ifndef ARLOSS_CPU_LABEL_RUNS_H
#define ARLOSS_CPU_LABEL_RUNS_H

#include <cstdint>

#include "cpu/label_pool.h"

namespace arloss::cpu {

/// The classes of one label row; u = 1 for the only one of a pure row.
struct LabelRow {
  const LabelShare* shares;
  int count;
};

/// Cells [first, last) of a chunk that have the same label row at every scale.
struct LabelRun {
  int first, last;
  std::int32_t code;            // their one class at every scale, or -1
  const LabelRow* rows;         // [num_scales]
  const LabelRow* differences;  // [num_scales]: u^k - u^1; none of the finest, k = 0
};

/// Runs of part of a chunk's cells, those of weight 0 left out, in memory of a thread's own.
struct LabelRuns {
  LabelRun* runs;  // [kChunk]
  LabelRow* rows;  // [kChunk][2 num_scales]
  LabelShare* shares;
  int num_runs;
  std::int64_t num_shares;

  const LabelRun* begin() const { return runs; }
  const LabelRun* end() const { return runs + num_runs; }
};

}  // namespace arloss::cpu

#endif

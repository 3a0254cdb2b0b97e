#ifndef ARLOSS_KERNELS_INSPECT_PARAMS_H
#define ARLOSS_KERNELS_INSPECT_PARAMS_H

#include "kernels/pool/label_scale.h"
#include "kernels/tile/logits.h"

namespace arloss::kernels {

/// What was found among the logits of live cells.
struct LogitCensus {
  static constexpr std::int64_t kNowhere = LabelCensus::kNowhere;

  std::int64_t valid_cells = 0;  // of finite weight above 0
  std::int64_t nonfinite = 0;    // NaN, +inf, and -inf where its cell has no finite logit
  std::int64_t first_nonfinite = kNowhere;
};

struct LogitCensusParams {
  const void* logits;
  LogitType type;
  LogitLayout layout;
  const float* weights;                          // [batch][cells]
  JoinBuffers<LogitCensus, LogitCensus> census;  // one set of logit_census_blocks slots
};

struct InspectTile {
  static constexpr int kThreads = 128;
  /// At least, of the float64 kernel: ptxas, left to itself, aims at nine and spills on sm_120.
  static constexpr int kResidentBlocks = 6;
};

/// Thread blocks, and census slots, of the launch.
constexpr std::int64_t logit_census_blocks(const LogitLayout& layout) {
  return (layout.batch * layout.cells - 1) / InspectTile::kThreads + 1;
}

/// t^k of every cell: [batch][cells][classes].
struct DistributionParams {
  LabelScale labels;
  std::int64_t batch, cells, classes;
  float* out;
};

/// Rows of the affinity matrices: [count][cells].
struct AffinityRowsParams {
  const std::int64_t *images, *rows;  // [count]; a row outside the batch becomes NaN
  std::int64_t count;
  const void* logits;  // read where A enters
  LogitType type;
  LogitLayout layout;
  const float* weights;  // [batch][cells]; pairs of a cell of weight 0 give 0
  bool has_output;       // A enters
  bool has_labels;       // B enters: alone, or subtracted from A
  LabelScales scales;    // of B
  double omega[LabelScales::kMax];
  float* out;
};

}  // namespace arloss::kernels

#endif

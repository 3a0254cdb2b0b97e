#ifndef ARLOSS_KERNELS_FUSED_PARAMS_H
#define ARLOSS_KERNELS_FUSED_PARAMS_H

#include "kernels/fused/narrow_tile.h"
#include "kernels/fused/wide_tile.h"
#include "kernels/gradient/gradient_params.h"
#include "kernels/pool/label_scale.h"
#include "kernels/tile/logits.h"

namespace arloss::kernels {

inline constexpr std::int64_t kMaxFusedClasses = kMaxWideClasses;

/// The thread blocks' shares of the cells, and so the slots of their sums.
ARLOSS_HOST_DEVICE constexpr CellSplits fused_splits(std::int64_t batch, std::int64_t cells, std::int64_t classes) {
  return classes <= kMaxNarrowClasses ? narrow_splits(batch, cells) : wide_splits(batch, cells);
}

/// From logits to partial sums of one image and split each, float32: P and Q_1, or one D_k. At most kMaxFusedClasses
/// classes. All pointers in device memory.
struct FusedSumsParams {
  const void* logits;
  LogitType type;
  LogitLayout layout;
  LabelScale finest, coarser;  // coarser.codes NULL: Q_1 and, where asked for, P; else D_k of that scale
  const float* weights;        // [batch][cells]
  float* p;  // optional, [batch][splits] matrices C x C, `stride` floats apart; on and above the diagonal alone
  float* q;  // Q_1 or D_k, likewise
  std::int64_t stride;
};

/// From logits and the gradient matrices to the gradient of the logits.
struct FusedGradientParams {
  GradientOutput out;  // of the logits' type and layout
  const void* logits;
  LabelScales labels;               // finest first
  bool has_residual_matrix;         // false for ABSOLUTE: h is label rows alone
  GroupMatrix residual_matrix;      // h = E G + u^1 M - sum_k (u^k - u^1) K_k (math.md, eq. 16)
  GroupMatrix label_matrix;         // M
  GroupMatrix difference_matrices;  // K_k, [scales - 1][C][C]
};

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_PAIR_PARAMS_H
#define ARLOSS_KERNELS_PAIR_PARAMS_H

#include <cstdint>

#include "kernels/pool/label_scale.h"
#include "kernels/tile/join_buffers.h"
#include "kernels/tile/pair_tile.h"

namespace arloss::kernels {

/// Rows of cells into the form of PairRow. All pointers in device memory.
struct PackParams {
  std::int64_t batch, classes, cells;
  const float* s;         // [batch][classes][cells]: sqrt(p)
  const float* residual;  // as s: E = s - u of the finest scale (math.md, eq. 17 and 18)
  LabelScale labels;      // of that scale
  const float* weights;   // [batch][cells]; a cell of weight 0 becomes a row of zeros, whatever it holds
  HalfPiece* rows;        // [batch][cells][PairRow::pieces(classes)]
};

/// Penalties whose value takes d alone. (The slope of kAbsolute, not asked for here, takes its exact sign.)
enum class PairPenalty { kSquared, kAbsolute, kHuber };

/// sum_ij w_i w_j phi(A_ij - B_ij) of each image, against one scale of labels. All pointers in device memory.
struct PairParams {
  std::int64_t batch, classes, cells;
  const HalfPiece* rows;  // as packed
  const float* weights;   // [batch][cells]
  PairPenalty penalty;
  float penalty_param;              // delta of kHuber
  JoinBuffers<float, double> sums;  // a set per image, of PairWalk(cells).blocks() slots
};

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_PAIR_PARAMS_H
#define ARLOSS_KERNELS_PAIR_PARAMS_H

#include <cstdint>

#include "arloss/arloss.h"
#include "kernels/pair/pair_features.h"
#include "kernels/pair/pair_tile.h"
#include "kernels/pool/label_scale.h"
#include "kernels/tile/logits.h"
#include "math/factored_form.h"

namespace arloss::kernels {

/// Rows, each of an image; pairs are of rows of one group.
struct PairGrid {
  std::int64_t batch, rows, classes;  // rows of an image
  std::int64_t images_per_group;

  ARLOSS_HOST_DEVICE std::int64_t groups() const { return batch / images_per_group; }
  ARLOSS_HOST_DEVICE std::int64_t rows_of_group() const { return rows * images_per_group; }
};

/// Rows of pairs before they are packed: cells, or the blocks of a pyramid's scale. All pointers in device memory.
struct PairRows : PairGrid {
  const float* residual;  // [batch][classes][rows]: E (math.md, eq. 17 to 19)
  const float* weights;   // [batch][rows]

  // Cells: s by the logits, label rows from the tables, finest first.
  Softmax softmax;
  LabelScales labels;
  float omega[LabelScales::kMax];
  // Blocks, else NULL: planes as the residual's.
  const float *s, *u;
};

/// What the rows of a group are at most; floats by their bits, whose order is theirs and has NaN last. Zero before the
/// kernel.
struct PairBounds {
  std::int32_t residual_square;       // |E_i|^2
  std::int32_t weight, other_weight;  // |w_i|: the largest, and the largest of all rows but that one
  std::int32_t has_shift;             // does a coarser scale's label row differ from the finest one's?
};

struct BoundsParams {
  PairRows rows;
  PairBounds* bounds;  // [groups]
};

/// Rows as halves, for tensor cores. Rows of weight 0 become zeros, whatever they hold.
struct PackParams {
  PairRows rows;
  PairFeatures features;
  const PairBounds* bounds;  // [groups]
  HalfPiece *left, *right;   // [batch][rows][features.pieces(octets)]
};

/// Residuals as halves, columns side by side: [groups][classes][look_up_columns(rows of a group)], zeros past the last.
struct LookUpParams {
  PairRows rows;
  const PairBounds* bounds;  // [groups]
  HalfPiece* table;
};

/// Rows as planes, [batch][classes][rows].
struct PlanesParams {
  PairRows rows;
  float* s;
  float* u;  // [labels.count] sets of planes
};

/// The penalty and where its sums go: sum_ij w_i w_j phi of each group, and sum_j w_j phi'(A_ij - B_ij) s_j of each
/// row.
struct PairSums {
  arloss_penalty_t penalty;
  float penalty_param;
  float factor;  // of the slopes: the scale's omega in a pyramid
  bool wants_loss;
  double* losses;  // [groups][PairWalk::strips][PairWalk::splits]
  float* slopes;   // [PairWalk::splits][batch][classes][rows]; NULL: loss alone
};

/// All pairs by tensor cores, from packed rows; not ABSOLUTE, and CROSS_ENTROPY of hard labels alone.
struct PairParams : PairGrid {
  bool is_exact;  // slopes and s as two halves each; the features have them then
  const HalfPiece *left, *right;
  std::int64_t pieces;
  const HalfPiece* look_up;   // optional: of hard labels, for rows whose features have looks_up
  const std::int32_t* codes;  // with look_up: [batch][rows]
  const float* weights;       // [batch][rows]
  const PairBounds* bounds;   // [groups]
  int num_segments;
  PairFeatures::Segment segments[PairFeatures::kMaxSegments];
  PairSums sums;
};

/// All pairs from planes, in float32: differences of rows, which keep their digits where A or 1 - A is small (math.md,
/// eq. 23).
struct DifferenceParams : PairGrid {
  const float *s, *residual;  // [batch][classes][rows]
  const float* u;             // [num_scales] sets of planes
  int num_scales;
  float omega[LabelScales::kMax];
  bool is_separate;
  const float* weights;  // [batch][rows]
  PairSums sums;
};

/// The splits' slopes into one set of planes.
struct JoinSlopesParams {
  std::int64_t count;  // of one split
  std::int64_t splits;
  const float* slopes;  // [splits][count]
  const float* s;       // optional, [count]: out is divided by it, 0 where it vanishes
  float* out;           // [count]; may be `slopes` or `s`
};

/// From sums to the losses and the flags of the groups (GradientOutput).
struct PairFinishParams {
  struct Pass {
    const double* losses;  // [groups][slots]
    std::int64_t slots;
    double weight;
    const PairBounds* bounds;  // [groups]
  };
  math::Reduction reduction;
  std::int64_t groups;
  const double* heads;  // [groups][2]: sum of w, NaN where labels or weights are bad; count of w > 0
  int num_passes;
  Pass passes[LabelScales::kMax];
  bool is_per_group;
  float* flags;  // [groups][2]: scale, dead value
  float* loss;   // optional, [groups] or [1]
};

}  // namespace arloss::kernels

#endif

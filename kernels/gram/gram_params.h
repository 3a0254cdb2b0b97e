#ifndef ARLOSS_KERNELS_GRAM_PARAMS_H
#define ARLOSS_KERNELS_GRAM_PARAMS_H

#include "kernels/gram/gram_tile.h"
#include "kernels/pool/label_scale.h"

namespace arloss::kernels {

/// Where partial sums go: one slot per image and split.
template <class Number>
struct SumSlots {
  Number* base;
  std::int64_t stride;  // from slot to slot
  std::int64_t splits;  // slots of one image

  ARLOSS_HOST_DEVICE Number* slot(std::int64_t image, std::int64_t split) const {
    return base + (image * splits + split) * stride;
  }
};

/// sum_r w_r X_r Y_r' over the rows of each split: P (X = Y = E), or the sums of a pyramid's tables.
struct GramParams {
  const float *left, *right;  // [batch][classes][rows]
  const float* weights;       // [batch][rows]
  std::int64_t batch, rows, classes;
  bool is_symmetric;       // left == right: half is computed and mirrored
  SumSlots<double> slots;  // cleared before the first kernel that adds to it
  std::int64_t offset;     // of the C x C matrix in a slot
};

/// Q_1 = U_1'WE, or D_k = (U_k - U_1)'WE where `coarser` has codes (math.md, eq. 13), from rows of E.
struct LabelGramParams {
  const float* residual;  // [batch][classes][rows]
  const float* weights;   // [batch][rows]
  std::int64_t batch, rows, classes;
  LabelScale finest, coarser;  // coarser.codes NULL: Q_1
  SumSlots<double> slots;
  std::int64_t offset;
};

/// The sums of labels and weights alone: sum w, count of w > 0 (the head's first two values), and R_kl, DR_k.
struct LabelSumsParams {
  enum class Sums {
    kWeightsOnly,
    kClassWeights,  // n_c instead of R_11: [classes] (math.md, eq. 21)
    kMatrices,      // where ResidualSums has them
  };
  Sums sums;
  const float* weights;  // [batch][rows]
  std::int64_t batch, rows, classes;
  LabelScales labels;
  SumSlots<double> slots;
  std::int64_t offset;  // of the sums in a slot

  std::uint32_t parts;            // blocks of a slot; launch_label_sums's
  std::uint32_t deciding_scales;  // a bit each; launch_label_sums's

  /// Does it take this scale to tell whether a cell is of one class? Not where the next one's blocks are whole blocks
  /// of this one, which have no class that those have not.
  ARLOSS_HOST_DEVICE bool decides(int scale) const { return (deciding_scales >> scale & 1) != 0; }
  /// Classes whose weights are summed in shared memory.
  ARLOSS_HOST_DEVICE std::int64_t pure_classes() const {
    return sums == Sums::kWeightsOnly ? 1 : classes <= LabelSumsTile::kMaxPureClasses ? classes : 0;
  }
};

}  // namespace arloss::kernels

#endif

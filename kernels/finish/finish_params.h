#ifndef ARLOSS_KERNELS_FINISH_PARAMS_H
#define ARLOSS_KERNELS_FINISH_PARAMS_H

#include "kernels/gram/gram_params.h"
#include "math/factored_form.h"

namespace arloss::kernels {

/// The slots' sums into one head per group, in slot order. All pointers in device memory.
struct JoinParams {
  std::int64_t groups, images_per_group, head_count;
  SumSlots<double> sums;  // the head's values but for those of `products`, which are skipped
  /// Values first_product to first_product + products.stride of the head; no slots: none.
  SumSlots<float> products;
  std::int64_t first_product;
  std::int64_t symmetric_classes;  // the first C x C of the products are symmetric, on and above the diagonal; 0: not
  const LabelCensus* census;       // where it found bad labels or weights, sum w becomes NaN
  double* heads;                   // [groups][head_count]
};

struct FinishTile {
  static constexpr int kThreads = 256;
  /// Thread blocks, and parts of the loss, of one group.
  static constexpr std::int64_t parts(std::int64_t num_terms) { return (num_terms - 1) / kThreads + 1; }
};

/// Heads to losses and gradient matrices.
struct FinishParams {
  math::FactoredForm form;
  math::Reduction reduction;
  std::int64_t groups;
  bool is_per_group;    // the loss is a vector of the groups' losses, else their sum
  std::int64_t parts;   // that the sum over a group's terms is dealt to: FinishTile::parts(form.num_terms())
  const double* heads;  // [groups][form.head_count]
  double* losses;       // [groups][parts]; scratch
  float* coefficients;  // [groups][form.coefficient_count]
  float* loss;          // [groups] or [1]
};

}  // namespace arloss::kernels

#endif

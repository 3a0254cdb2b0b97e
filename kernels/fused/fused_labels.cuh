#ifndef ARLOSS_KERNELS_FUSED_LABELS_CUH
#define ARLOSS_KERNELS_FUSED_LABELS_CUH

#include "kernels/fused/fused_params.h"
#include "kernels/pool/label_rows.cuh"

namespace arloss::kernels {

/// Labels are halves times this: sqrt(w) u of weights up to 2^20 stays finite, and one of 2^-20 keeps its digits.
inline constexpr float kLabelScale = 32;

/// Both sides of a product take the root of the cell's weight; exactly 1 for a weight of 1.
__device__ inline float root_of_weight(float weight) { return weight == 1 ? 1 : ptx::sqrt(weight); }

/// The label row of a cell: u^1, or u^k - u^1 where there is a coarser scale.
struct FusedLabels {
  LabelRow finest, coarser;
  bool is_difference;

  __device__ FusedLabels(const FusedSumsParams& params, std::int64_t image, std::int64_t cell)
      : finest(params.finest, block_of_cell(params.finest, image, cell)),
        coarser(finest),
        is_difference(params.coarser.codes != nullptr) {
    if (is_difference) coarser = LabelRow(params.coarser, block_of_cell(params.coarser, image, cell));
  }

  /// Differences of scales are 0 inside every region of one class.
  __device__ bool is_zero() const { return is_difference && finest.is_pure() && finest.code() == coarser.code(); }

  /// Calls body(class, value).
  template <class Body>
  __device__ void for_each(const Body& body) const {
    if (is_difference) return for_each_difference<float>(coarser, finest, body);
#pragma unroll 1
    for (int index = 0; index < finest.size(); ++index) body(finest.label(index), finest.u<float>(index));
  }
};

}  // namespace arloss::kernels

#endif

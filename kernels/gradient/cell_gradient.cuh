#ifndef ARLOSS_KERNELS_CELL_GRADIENT_CUH
#define ARLOSS_KERNELS_CELL_GRADIENT_CUH

#include "kernels/gradient/gradient_params.h"
#include "kernels/tile/logit_types.cuh"

namespace arloss::kernels {

/// The class that holds more than half, if any: its dz is minus the sum of the others (math.md, eq. 20). By more than
/// rounding: two classes of a half each must not both pass.
__device__ inline bool is_largest(float s) { return s * s > 0.501f; }

/// The gradient of one cell's logits, in the caller's tensor.
template <class Logit>
class CellGradient {
 public:
  /// `cell` within its image.
  __device__ CellGradient(const GradientOutput& out, std::int64_t image, std::int64_t cell)
      : first_(static_cast<Logit*>(out.gradient) + out.layout.index(image, 0, cell)),
        stride_(out.layout.class_stride),
        adds_(out.adds) {
    const float* const flags = out.flags.of_image(image);
    const float upstream = out.grad_loss == nullptr ? 1.0f : out.grad_loss[out.is_grad_per_image ? image : 0];
    const float weight = out.weights[image * out.layout.cells + cell];
    factor_ = weight * (flags[0] * upstream);
    dead_value_ = flags[1];
    is_live_ = weight != 0 && !isnan(dead_value_);
  }

  /// dz / w of class c into the tensor. Cells of weight 0 get the dead value, or keep what they hold.
  __device__ void store(std::int64_t c, float dz) const {
    Logit* const to = first_ + c * stride_;
    const float value = is_live_ ? dz * factor_ : dead_value_;
    if (adds_ && !is_live_ && !isnan(value)) return;
    *to = from_float<Logit>(adds_ ? to_float(*to) + value : value);
  }

 private:
  Logit* first_;
  std::int64_t stride_;
  bool adds_, is_live_;
  float factor_, dead_value_;
};

}  // namespace arloss::kernels

#endif

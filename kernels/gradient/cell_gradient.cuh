#ifndef ARLOSS_KERNELS_CELL_GRADIENT_CUH
#define ARLOSS_KERNELS_CELL_GRADIENT_CUH

#include "kernels/gradient/gradient_params.h"
#include "kernels/tile/logit_types.cuh"

namespace arloss::kernels {

/// The class that holds more than half, if any: its dz is minus the sum of the others (math.md, eq. 20). More by some
/// 1e-3: two classes of a half each must not both pass.
__device__ inline bool is_largest(float s) { return s > 0.7078f; }

/// The gradient of one cell's logits, in the caller's tensor.
template <class Logit>
class CellGradient {
 public:
  /// `cell` within its image.
  __device__ CellGradient(const GradientOutput& out, std::int64_t image, std::int64_t cell)
      : elements_(static_cast<Logit*>(out.gradient), out.layout, image, cell), adds_(out.adds) {
    const float* const flags = out.flags.of_image(image);
    const float upstream = out.grad_loss == nullptr ? 1.0f : out.grad_loss[out.is_grad_per_image ? image : 0];
    const float weight = out.weights[image * out.layout.cells + cell];
    factor_ = weight * (flags[0] * upstream);
    dead_value_ = isnan(flags[1]) ? flags[1] : out.adds ? -0.0f : 0.0f;
    is_live_ = weight != 0 && !isnan(dead_value_);
  }

  /// What is stored for dz / w, or added: cells of weight 0 get the dead value, or keep what they hold, which -0 says.
  __device__ float value(float dz) const { return is_live_ ? dz * factor_ : dead_value_; }

  /// Calls loop(store), store(c, dz / w) being for one class; not where all is kept.
  template <class Loop>
  __device__ void store(const Loop& loop) const {
    if (adds_) {
      if (is_live_ || isnan(dead_value_))
        loop([&](std::uint32_t c, float dz) {
          elements_.at(c) = from_float<Logit>(to_float(elements_.at(c)) + value(dz));
        });
    } else if (is_live_) {
      loop([&](std::uint32_t c, float dz) { elements_.at(c) = from_float<Logit>(dz * factor_); });
    } else {
      loop([&](std::uint32_t c, float) { elements_.at(c) = from_float<Logit>(dead_value_); });
    }
  }

 private:
  CellElements<Logit> elements_;
  bool adds_, is_live_;
  float factor_, dead_value_;
};

}  // namespace arloss::kernels

#endif

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
      : first_(static_cast<Logit*>(out.gradient) + out.layout.index(image, 0, cell)),
        stride_(static_cast<std::uint32_t>(out.layout.class_stride)),
        adds_(out.adds) {
    const float* const flags = out.flags.of_image(image);
    const float upstream = out.grad_loss == nullptr ? 1.0f : out.grad_loss[out.is_grad_per_image ? image : 0];
    const float weight = out.weights[image * out.layout.cells + cell];
    factor_ = weight * (flags[0] * upstream);
    dead_value_ = isnan(flags[1]) ? flags[1] : out.adds ? -0.0f : 0.0f;
    is_live_ = weight != 0 && !isnan(dead_value_);
  }

  /// What is stored for dz / w, or added: cells of weight 0 get the dead value, or keep what they hold.
  __device__ float value(float dz) const { return is_live_ ? dz * factor_ : dead_value_; }

  /// Calls loop(store) once, store(c, dz / w) being for one class.
  template <class Loop>
  __device__ void store(const Loop& loop) const {
    if (adds_)
      loop([&](std::uint32_t c, float dz) { *at(c) = from_float<Logit>(to_float(*at(c)) + value(dz)); });
    else
      loop([&](std::uint32_t c, float dz) { *at(c) = from_float<Logit>(value(dz)); });
  }

 private:
  __device__ Logit* at(std::uint32_t c) const { return first_ + std::uint64_t{stride_} * c; }
  Logit* first_;
  std::uint32_t stride_;
  bool adds_, is_live_;
  float factor_, dead_value_;
};

}  // namespace arloss::kernels

#endif

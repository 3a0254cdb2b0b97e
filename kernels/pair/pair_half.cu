#include "kernels/pair/pair_instances.cuh"
#include "kernels/pair/pair_variants.h"

namespace arloss::kernels {

cudaError_t launch_pair_loss(const PairParams& params, LaunchStream& stream) {
  if (params.sums.penalty == PairPenalty::kHardCrossEntropy)
    return launch_pair_loss<HardCrossEntropy<FloatOps>>(params, stream);
  return with_smooth_penalty(
      params.sums.penalty, [&](auto tag) { return launch_pair_loss<typename decltype(tag)::penalty>(params, stream); });
}

cudaError_t launch_pair_half(const PairParams& params, LaunchStream& stream) {
  return with_smooth_penalty(params.sums.penalty, [&](auto tag) {
    return launch_pair_with_slopes<typename decltype(tag)::penalty, false>(params, stream);
  });
}

}  // namespace arloss::kernels

#include "kernels/pair/pair_instances.cuh"
#include "kernels/pair/pair_variants.h"

namespace arloss::kernels {

cudaError_t launch_pair_loss(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream) {
  if (params.sums.penalty == PairPenalty::kHardCrossEntropy)
    return launch_pair_loss<HardCrossEntropy<FloatOps>>(params, shared_limit, stream);
  return with_smooth_penalty(params.sums.penalty, [&](auto tag) {
    return launch_pair_loss<typename decltype(tag)::penalty>(params, shared_limit, stream);
  });
}

cudaError_t launch_pair_half(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream) {
  return with_smooth_penalty(params.sums.penalty, [&](auto tag) {
    return launch_pair_with_slopes<typename decltype(tag)::penalty, false>(params, shared_limit, stream);
  });
}

}  // namespace arloss::kernels

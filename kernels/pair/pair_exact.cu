#include "kernels/pair/pair_instances.cuh"
#include "kernels/pair/pair_variants.h"

namespace arloss::kernels {

cudaError_t launch_pair_exact(const PairParams& params, LaunchStream& stream) {
  if (params.sums.penalty == PairPenalty::kHardCrossEntropy)
    return launch_pair_with_slopes<HardCrossEntropy<FloatOps>, true>(params, stream);
  return with_smooth_penalty(params.sums.penalty, [&](auto tag) {
    return launch_pair_with_slopes<typename decltype(tag)::penalty, true>(params, stream);
  });
}

}  // namespace arloss::kernels

#include "kernels/pair/pair_instances.cuh"
#include "kernels/pair/pair_variants.h"

namespace arloss::kernels {

cudaError_t launch_pair_loss(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream) {
  return with_pair_penalty(params.sums.penalty, [&](auto tag) {
    return launch_pair_loss<typename decltype(tag)::Type>(params, shared_limit, stream);
  });
}

cudaError_t launch_pair_half(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream) {
  return with_pair_penalty(params.sums.penalty, [&](auto tag) {
    using Phi = typename decltype(tag)::Type;
    // Its slopes are of any size up to 1 / eps: halves of them are of the smallest no account.
    if constexpr (std::is_same_v<Phi, HardCrossEntropy<FloatOps>>)
      return cudaErrorInvalidValue;
    else
      return launch_pair_with_slopes<Phi, false>(params, shared_limit, stream);
  });
}

}  // namespace arloss::kernels

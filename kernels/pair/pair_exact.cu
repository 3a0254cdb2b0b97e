#include "kernels/pair/pair_instances.cuh"
#include "kernels/pair/pair_variants.h"

namespace arloss::kernels {

cudaError_t launch_pair_exact(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream) {
  return with_pair_penalty(params.sums.penalty, [&](auto tag) {
    return launch_pair_with_slopes<typename decltype(tag)::Type, true>(params, shared_limit, stream);
  });
}

}  // namespace arloss::kernels

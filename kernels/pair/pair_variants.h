#ifndef ARLOSS_KERNELS_PAIR_VARIANTS_H
#define ARLOSS_KERNELS_PAIR_VARIANTS_H

#include <cuda_runtime.h>

#include "kernels/pair/pair_params.h"
#include "kernels/tile/launch_stream.h"

/// The pair kernel's launches, one to a source file.
namespace arloss::kernels {

cudaError_t launch_pair_loss(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream);
cudaError_t launch_pair_half(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream);
cudaError_t launch_pair_exact(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream);

}  // namespace arloss::kernels

#endif

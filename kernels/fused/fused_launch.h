#ifndef ARLOSS_KERNELS_FUSED_LAUNCH_H
#define ARLOSS_KERNELS_FUSED_LAUNCH_H

#include <cuda_runtime.h>

#include <cstddef>

#include "kernels/fused/fused_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// Asynchronous on `stream`; of at most kMaxFusedClasses classes. Bits depend on the shapes and the values alone.
cudaError_t launch_fused_sums(const FusedSumsParams& params, LaunchStream& stream);
cudaError_t launch_fused_gradient(const FusedGradientParams& params, LaunchStream& stream);

/// Shared memory that a device must give a thread block for both.
std::size_t fused_shared_bytes(std::int64_t classes);

// Of a range of classes each; the two above choose.
cudaError_t launch_narrow_sums(const FusedSumsParams& params, LaunchStream& stream);
cudaError_t launch_narrow_gradient(const FusedGradientParams& params, LaunchStream& stream);
cudaError_t launch_wide_sums(const FusedSumsParams& params, LaunchStream& stream);
cudaError_t launch_wide_gradient(const FusedGradientParams& params, LaunchStream& stream);
std::size_t narrow_shared_bytes(std::int64_t classes);
std::size_t wide_shared_bytes(std::int64_t classes);

}  // namespace arloss::kernels

#endif

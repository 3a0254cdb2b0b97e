#ifndef ARLOSS_KERNELS_FUSED_LAUNCH_H
#define ARLOSS_KERNELS_FUSED_LAUNCH_H

#include <cuda_runtime.h>

#include <cstddef>

#include "kernels/fused/fused_params.h"

namespace arloss::kernels {

/// Asynchronous on `stream`; of at most kMaxFusedClasses classes. Bits depend on the shapes and the values alone.
cudaError_t launch_fused_sums(const FusedSumsParams& params, cudaStream_t stream);
cudaError_t launch_fused_gradient(const FusedGradientParams& params, cudaStream_t stream);

/// Shared memory that a device must give a thread block for both.
std::size_t fused_shared_bytes(std::int64_t classes);

// Of a range of classes each; the two above choose.
cudaError_t launch_narrow_sums(const FusedSumsParams& params, cudaStream_t stream);
cudaError_t launch_narrow_gradient(const FusedGradientParams& params, cudaStream_t stream);
cudaError_t launch_wide_sums(const FusedSumsParams& params, cudaStream_t stream);
cudaError_t launch_wide_gradient(const FusedGradientParams& params, cudaStream_t stream);
std::size_t narrow_shared_bytes(std::int64_t classes);
std::size_t wide_shared_bytes(std::int64_t classes);

}  // namespace arloss::kernels

#endif

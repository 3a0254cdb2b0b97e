#ifndef ARLOSS_KERNELS_NARROW_LAUNCH_H
#define ARLOSS_KERNELS_NARROW_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/narrow/narrow_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// Asynchronous on `stream`; of at most kMaxNarrowClasses classes. Bits depend on the shapes and the values alone.
cudaError_t launch_narrow_sums(const NarrowSumsParams& params, LaunchStream& stream);
cudaError_t launch_narrow_gradient(const NarrowGradientParams& params, LaunchStream& stream);

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_GRAM_LAUNCH_H
#define ARLOSS_KERNELS_GRAM_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/gram/gram_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// Each writes its part of every slot, but launch_label_gram, which adds to what was cleared; asynchronous on `stream`.
/// Bits depend on the shapes and the values alone.
cudaError_t launch_gram(const GramParams& params, LaunchStream& stream);
cudaError_t launch_label_gram(const LabelGramParams& params, LaunchStream& stream);
cudaError_t launch_label_sums(LabelSumsParams params, LaunchStream& stream);

}  // namespace arloss::kernels

#endif

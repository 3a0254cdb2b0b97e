#ifndef ARLOSS_KERNELS_GRAM_LAUNCH_H
#define ARLOSS_KERNELS_GRAM_LAUNCH_H

#include <cuda_runtime.h>

#include "kernels/gram/gram_params.h"
#include "kernels/tile/launch_stream.h"

namespace arloss::kernels {

/// Each writes, or adds to, its part of every slot; asynchronous on `stream`. Slots must have been cleared for the
/// label kernels. Bits depend on the shapes and the values alone.
cudaError_t launch_gram(const GramParams& params, LaunchStream& stream);
cudaError_t launch_label_gram(const LabelGramParams& params, LaunchStream& stream);
cudaError_t launch_label_sums(const LabelSumsParams& params, LaunchStream& stream);

}  // namespace arloss::kernels

#endif

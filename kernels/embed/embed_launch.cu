#include "kernels/embed/embed_launch.h"

#include "kernels/embed/embed_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {

cudaError_t launch_embed(const EmbedParams& params, cudaStream_t stream) {
  return with_logit_type(params.softmax.type, [&](auto logit) {
    const std::int64_t blocks = params.softmax.layout.batch * CellTile::blocks(params.softmax.layout.cells);
    return launch_blocks(embed_kernel<decltype(logit)>, blocks, CellTile::kThreads, params, stream);
  });
}

cudaError_t check_device_code() {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, embed_kernel<float>);
}

}  // namespace arloss::kernels

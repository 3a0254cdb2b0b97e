#include "kernels/embed/embed_launch.h"

#include "kernels/embed/embed_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {

cudaError_t launch_embed(const EmbedParams& params, LaunchStream& stream) {
  return with_logit_type(params.softmax.type, [&](auto logit) {
    const std::int64_t blocks = params.softmax.layout.batch * CellTile::blocks(params.softmax.layout.cells);
    return launch_blocks(embed_kernel<decltype(logit)>, blocks, CellTile::kThreads, params, stream);
  });
}

cudaError_t find_device_code(int* capability) {
  cudaFuncAttributes attributes{};
  const cudaError_t error = cudaFuncGetAttributes(&attributes, embed_kernel<float>);
  *capability = attributes.ptxVersion;
  return error;
}

}  // namespace arloss::kernels

#include "kernels/gram/gram_launch.h"

#include "kernels/gram/gram_kernels.cuh"
#include "kernels/gram/label_gram_kernels.cuh"
#include "kernels/gram/label_sums_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {

cudaError_t launch_gram(const GramParams& params, LaunchStream& stream) {
  const std::int64_t tiles = GramTile::tiles(params.classes);
  const std::int64_t blocks = params.batch * params.slots.splits * tiles * tiles;
  return launch_blocks(gram_kernel, blocks, GramTile::kThreads, params, stream);
}

cudaError_t launch_label_gram(const LabelGramParams& params, LaunchStream& stream) {
  const std::int64_t blocks = params.batch * params.slots.splits * LabelGramTile::panels(params.classes);
  return launch_blocks(label_gram_kernel, blocks, LabelGramTile::kThreads, params, stream);
}

cudaError_t launch_label_sums(const LabelSumsParams& params, LaunchStream& stream) {
  return launch_blocks(label_sums_kernel, params.batch * params.slots.splits, LabelSumsTile::kThreads, params, stream);
}

}  // namespace arloss::kernels

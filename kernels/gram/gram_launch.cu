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

cudaError_t launch_label_sums(LabelSumsParams params, LaunchStream& stream) {
  const bool has_matrices = params.sums == LabelSumsParams::Sums::kMatrices;
  const std::int64_t slots = params.batch * params.slots.splits;
  params.parts = static_cast<std::uint32_t>(has_matrices ? LabelSumsTile::parts(slots, params.classes) : 1);
  const LabelScale* const scales = params.labels.scales;
  for (int k = 0; k < params.labels.count; ++k)
    if (k + 1 == params.labels.count || scales[k + 1].grid.edge % scales[k].grid.edge != 0)
      params.deciding_scales |= 1u << k;
  constexpr std::size_t kClassBytes = LabelSumsTile::kWarps * sizeof(double);
  return launch_blocks(label_sums_kernel, slots * params.parts, LabelSumsTile::kThreads, params, stream,
                       static_cast<std::size_t>(params.pure_classes()) * kClassBytes,
                       LabelSumsTile::kMaxPureClasses * kClassBytes);
}

}  // namespace arloss::kernels

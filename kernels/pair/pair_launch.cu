#include "kernels/pair/pair_launch.h"

#include "kernels/pair/pack_kernels.cuh"
#include "kernels/pair/pair_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {
namespace {

template <class Phi>
cudaError_t launch_pair_of(const PairParams& params, LaunchStream& stream) {
  const std::int64_t blocks = params.batch * PairWalk(params.cells).blocks();
  return launch_blocks(pair_kernel<Phi>, blocks, PairTile::kThreads, params, stream);
}

}  // namespace

cudaError_t launch_pack(const PackParams& params, LaunchStream& stream) {
  const std::int64_t blocks = params.batch * PairRow::steps(params.classes) * pack_blocks(params.cells);
  return launch_blocks(pack_kernel, blocks, PackTile::kThreads, params, stream);
}

cudaError_t launch_pair(const PairParams& params, LaunchStream& stream) {
  switch (params.penalty) {
    case PairPenalty::kSquared: return launch_pair_of<SquaredError<FloatOps>>(params, stream);
    case PairPenalty::kAbsolute: return launch_pair_of<AbsoluteError<FloatOps>>(params, stream);
    case PairPenalty::kHuber: return launch_pair_of<Huber<FloatOps>>(params, stream);
  }
  return cudaErrorInvalidValue;
}

}  // namespace arloss::kernels

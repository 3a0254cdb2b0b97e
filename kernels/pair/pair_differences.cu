#include "kernels/pair/difference_kernels.cuh"
#include "kernels/pair/pair_launch.h"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {
namespace {

template <class Phi>
cudaError_t launch_differences_of(const DifferenceParams& params, LaunchStream& stream) {
  const PairWalk walk = difference_walk(params.groups(), params.rows * params.images_per_group);
  return launch_blocks(difference_kernel<Phi>, params.groups() * walk.blocks(), DifferenceTile::kThreads, params,
                       stream);
}

}  // namespace

PairWalk difference_walk(std::int64_t groups, std::int64_t rows_of_a_group) {
  return {groups, rows_of_a_group, DifferenceTile::kStripRows};
}

cudaError_t launch_differences(const DifferenceParams& params, LaunchStream& stream) {
  switch (params.sums.penalty) {
    case PairPenalty::kSquared: return launch_differences_of<SquaredError<FloatOps>>(params, stream);
    case PairPenalty::kAbsolute: return launch_differences_of<AbsoluteError<FloatOps>>(params, stream);
    case PairPenalty::kHuber: return launch_differences_of<Huber<FloatOps>>(params, stream);
    case PairPenalty::kCrossEntropy:
    case PairPenalty::kHardCrossEntropy: return launch_differences_of<CrossEntropy<FloatOps>>(params, stream);
    case PairPenalty::kLogCosh: return launch_differences_of<LogCosh<FloatOps>>(params, stream);
  }
  return cudaErrorInvalidValue;
}

}  // namespace arloss::kernels

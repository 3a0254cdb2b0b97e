#include "kernels/pair/difference_kernels.cuh"
#include "kernels/pair/pair_launch.h"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {
namespace {

template <class Phi>
cudaError_t launch_differences_of(const DifferenceParams& params, LaunchStream& stream) {
  const PairWalk walk = difference_walk(params.groups(), params.rows_of_group());
  return launch_blocks(difference_kernel<Phi>, params.groups() * walk.blocks(), DifferenceTile::kThreads, params,
                       stream);
}

}  // namespace

PairWalk difference_walk(std::int64_t groups, std::int64_t rows_of_a_group) {
  return {groups, rows_of_a_group, DifferenceTile::kStripRows};
}

cudaError_t launch_differences(const DifferenceParams& params, LaunchStream& stream) {
  return with_penalty<FloatOps>(params.sums.penalty, [&](auto tag) {
    return launch_differences_of<typename decltype(tag)::Type>(params, stream);
  });
}

}  // namespace arloss::kernels

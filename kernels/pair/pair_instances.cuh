#ifndef ARLOSS_KERNELS_PAIR_INSTANCES_CUH
#define ARLOSS_KERNELS_PAIR_INSTANCES_CUH

#include <iterator>

#include "kernels/pair/pair_kernels.cuh"
#include "kernels/pair/pair_launch.h"
#include "kernels/tile/launch_blocks.h"

/// From run-time values to the pair kernel's template parameters, for one accuracy of products: a source file each, so
/// that they compile side by side.
namespace arloss::kernels {

template <class Phi, class Shape>
cudaError_t launch_pair_of(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream) {
  const PairWalk walk(params.groups(), params.rows * params.images_per_group, Shape::kStripRows);
  const std::int64_t bytes = pair_shared_bytes(Shape::kStripRows, params.pieces, Shape::kLooksUp ? params.classes : 0);
  return launch_blocks(pair_kernel<Phi, Shape>, params.groups() * walk.blocks(), Shape::kThreads, params, stream,
                       static_cast<std::size_t>(bytes), static_cast<std::size_t>(shared_limit));
}

template <std::size_t kRow, bool kIsExact, int kSteps, bool kLooksUp>
using PairShapeOf =
    PairShape<kLooksUp ? kPairShapes[kRow].look_up_warps : kPairShapes[kRow].warps, kPairShapes[kRow].row_tiles,
              kPairShapes[kRow].column_tiles, kPairShapes[kRow].octets, kIsExact, kSteps, kLooksUp>;

/// Rows of one segment and the usual classes have a kernel of their own, with the steps unrolled.
template <class Phi, bool kIsExact, std::size_t kRow = 0>
cudaError_t launch_pair_with_slopes(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream) {
  constexpr PairShapeRow kShape = kPairShapes[kRow];
  constexpr int kSteps = kShape.is_unrolled ? (kIsExact ? 3 : 1) * kShape.octets : 0;
  constexpr bool kCanLookUp = kShape.looks_up() && !kIsExact;
  if (pair_shape(params.classes).octets == kShape.octets) {
    if constexpr (kSteps > 0)
      if (params.num_segments == 1 && params.pieces == 2 * kSteps)
        return launch_pair_of<Phi, PairShapeOf<kRow, kIsExact, kSteps, false>>(params, shared_limit, stream);
    if constexpr (kCanLookUp)
      if (params.look_up != nullptr)
        return launch_pair_of<Phi, PairShapeOf<kRow, false, 0, true>>(params, shared_limit, stream);
    return launch_pair_of<Phi, PairShapeOf<kRow, kIsExact, 0, false>>(params, shared_limit, stream);
  }
  if constexpr (kRow + 1 < std::size(kPairShapes) && (!kIsExact || kPairShapes[kRow + 1].octets <= kMaxExactOctets))
    return launch_pair_with_slopes<Phi, kIsExact, kRow + 1>(params, shared_limit, stream);
  return cudaErrorInvalidValue;
}

template <class Phi>
cudaError_t launch_pair_loss(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream) {
  if (params.look_up != nullptr)
    return launch_pair_of<Phi, PairShape<8, 1, 4, 0, false, 0, true>>(params, shared_limit, stream);
  if (pair_shape(params.classes).row_tiles == 1)
    return launch_pair_of<Phi, PairShape<4, 1, 4, 0, false, 0>>(params, shared_limit, stream);
  return launch_pair_of<Phi, PairShape<4, 2, 4, 0, false, 0>>(params, shared_limit, stream);
}

template <class Functor>
struct PenaltyTag {
  using penalty = Functor;
};
/// Calls launch(tag), tag.penalty the functor's type, for penalties that take half slopes.
template <class Launch>
cudaError_t with_smooth_penalty(PairPenalty penalty, const Launch& launch) {
  switch (penalty) {
    case PairPenalty::kSquared: return launch(PenaltyTag<SquaredError<FloatOps>>{});
    case PairPenalty::kHuber: return launch(PenaltyTag<Huber<FloatOps>>{});
    case PairPenalty::kLogCosh: return launch(PenaltyTag<LogCosh<FloatOps>>{});
    default: return cudaErrorInvalidValue;
  }
}

}  // namespace arloss::kernels

#endif

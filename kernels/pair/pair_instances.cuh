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
  const PairWalk walk(params.groups(), params.rows_of_group(), Shape::kStripRows);
  const std::int64_t bytes = pair_shared_bytes(Shape::kStripRows, params.pieces, Shape::kLooksUp ? params.classes : 0);
  return launch_blocks(pair_kernel<Phi, Shape>, params.groups() * walk.blocks(), Shape::kThreads, params, stream,
                       static_cast<std::size_t>(bytes), static_cast<std::size_t>(shared_limit));
}

/// Of the loss alone, which has registers to spare.
inline constexpr int kLossColumnTiles = 4;

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

/// The loss alone: one kernel for all classes whose strips are dealt to warps alike, and so to slots.
template <class Phi, bool kLooksUp, std::size_t kRow = 0>
cudaError_t launch_pair_loss(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream) {
  constexpr PairShapeRow kShape = kPairShapes[kRow];
  constexpr int kWarps = kLooksUp ? kShape.look_up_warps : kShape.warps;
  if constexpr (kWarps > 0)
    if (pair_shape(params.classes).octets == kShape.octets)
      return launch_pair_of<Phi, PairShape<kWarps, kShape.row_tiles, kLossColumnTiles, 0, false, 0, kLooksUp>>(
          params, shared_limit, stream);
  if constexpr (kRow + 1 < std::size(kPairShapes))
    return launch_pair_loss<Phi, kLooksUp, kRow + 1>(params, shared_limit, stream);
  return cudaErrorInvalidValue;
}
template <class Phi>
cudaError_t launch_pair_loss(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream) {
  return params.look_up != nullptr ? launch_pair_loss<Phi, true>(params, shared_limit, stream)
                                   : launch_pair_loss<Phi, false>(params, shared_limit, stream);
}

/// Calls launch(tag), tag a PenaltyTag, for penalties that the pair kernel takes.
template <class Launch>
cudaError_t with_pair_penalty(arloss_penalty_t penalty, const Launch& launch) {
  if (penalty == ARLOSS_PENALTY_CROSS_ENTROPY) return launch(PenaltyTag<HardCrossEntropy<FloatOps>>{});
  return with_penalty<FloatOps>(penalty, [&](auto tag) {
    if constexpr (decltype(tag)::Type::kTerms == PairTerms::kResidual) return launch(tag);
    return cudaErrorInvalidValue;
  });
}

}  // namespace arloss::kernels

#endif

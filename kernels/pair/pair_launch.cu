#include "kernels/pair/pair_launch.h"

#include "kernels/pair/bounds_kernels.cuh"
#include "kernels/pair/pack_kernels.cuh"
#include "kernels/pair/pair_finish_kernels.cuh"
#include "kernels/pair/pair_variants.h"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {

cudaError_t launch_bounds(const BoundsParams& params, LaunchStream& stream) {
  return launch_blocks(bounds_kernel, params.rows.batch * PairRowTile::blocks(params.rows.rows), PairRowTile::kThreads,
                       params, stream);
}

cudaError_t launch_pack(const PackParams& params, LaunchStream& stream) {
  const std::int64_t pieces = params.features.pieces(class_octets(params.rows.classes));
  return launch_blocks(pack_kernel, 2 * params.rows.batch * pieces * PairRowTile::blocks(params.rows.rows),
                       PairRowTile::kThreads, params, stream);
}

cudaError_t launch_look_up(const LookUpParams& params, LaunchStream& stream) {
  const std::int64_t pieces = look_up_columns(params.rows.rows_of_group()) / 8;
  return launch_blocks(look_up_kernel, params.rows.groups() * params.rows.classes * PairRowTile::blocks(pieces),
                       PairRowTile::kThreads, params, stream);
}

cudaError_t launch_planes(const PlanesParams& params, LaunchStream& stream) {
  return launch_blocks(planes_kernel, params.rows.batch * params.rows.classes * PairRowTile::blocks(params.rows.rows),
                       PairRowTile::kThreads, params, stream);
}

bool is_pair_supported(const PairFeatures& features, std::int64_t classes, std::int64_t shared_bytes) {
  const PairShapeRow shape = pair_shape(classes);
  return shape.octets > 0 && (!features.is_exact || shape.octets <= kMaxExactOctets) &&
         pair_shared_bytes(shape.strip_rows(features.looks_up), features.pieces(class_octets(classes)),
                           features.looks_up ? classes : 0) <= shared_bytes;
}

PairWalk pair_walk(std::int64_t groups, std::int64_t rows_of_a_group, std::int64_t classes, bool looks_up) {
  return {groups, rows_of_a_group, pair_shape(classes).strip_rows(looks_up)};
}

cudaError_t launch_pair(const PairParams& params, std::int64_t shared_limit, LaunchStream& stream) {
  if (params.sums.slopes == nullptr) return launch_pair_loss(params, shared_limit, stream);
  return params.is_exact ? launch_pair_exact(params, shared_limit, stream)
                         : launch_pair_half(params, shared_limit, stream);
}

cudaError_t launch_join_slopes(const JoinSlopesParams& params, LaunchStream& stream) {
  return launch_blocks(join_slopes_kernel, (params.count - 1) / PairFinishTile::kThreads + 1, PairFinishTile::kThreads,
                       params, stream);
}

cudaError_t launch_pair_finish(const PairFinishParams& params, LaunchStream& stream) {
  return launch_blocks(pair_finish_kernel, 1, PairFinishTile::kThreads, params, stream);
}

}  // namespace arloss::kernels

#include "kernels/inspect/inspect_launch.h"

#include "kernels/inspect/inspect_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {
namespace {

constexpr std::int64_t blocks_of(std::int64_t items) { return (items - 1) / InspectTile::kThreads + 1; }

}  // namespace

cudaError_t launch_logit_census(const LogitCensusParams& params, LaunchStream& stream) {
  return with_logit_type(params.type, [&](auto logit) {
    return launch_blocks(logit_census_kernel<decltype(logit)>, logit_census_blocks(params.layout),
                         InspectTile::kThreads, params, stream);
  });
}

cudaError_t launch_distribution(const DistributionParams& params, LaunchStream& stream) {
  return launch_blocks(distribution_kernel, blocks_of(params.batch * params.cells * params.classes),
                       InspectTile::kThreads, params, stream);
}

cudaError_t launch_affinity_rows(const AffinityRowsParams& params, LaunchStream& stream) {
  return with_logit_type(params.type, [&](auto logit) {
    return launch_blocks(affinity_rows_kernel<decltype(logit)>, blocks_of(params.count * params.layout.cells),
                         InspectTile::kThreads, params, stream);
  });
}

}  // namespace arloss::kernels

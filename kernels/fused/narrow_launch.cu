#include <algorithm>
#include <type_traits>

#include "kernels/fused/fused_launch.h"
#include "kernels/fused/narrow_gradient_kernels.cuh"
#include "kernels/fused/narrow_sums_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {
namespace {

/// Calls body with the octets of the smallest tile that holds the classes.
template <class Body>
auto with_narrow_tile(std::int64_t classes, const Body& body) {
  if (classes <= 8) return body(std::integral_constant<int, 1>{});
  if (classes <= 16) return body(std::integral_constant<int, 2>{});
  if (classes <= 24) return body(std::integral_constant<int, 3>{});
  if (classes <= 40) return body(std::integral_constant<int, 5>{});
  return body(std::integral_constant<int, 6>{});
}

std::int64_t narrow_blocks(const LogitLayout& layout) {
  return layout.batch * narrow_splits(layout.batch, layout.cells).splits;
}

}  // namespace

cudaError_t launch_narrow_sums(const FusedSumsParams& params, LaunchStream& stream) {
  if (params.layout.classes > kMaxNarrowClasses) return cudaErrorInvalidValue;
  return with_narrow_tile(params.layout.classes, [&](auto octets) {
    return with_logit_type(params.type, [&](auto logit) {
      constexpr int kOctets = decltype(octets)::value;
      return launch_blocks(narrow_sums_kernel<decltype(logit), kOctets>, narrow_blocks(params.layout),
                           NarrowTile<kOctets>::kThreads, params, stream, sizeof(NarrowSumsStorage<kOctets>));
    });
  });
}

cudaError_t launch_narrow_gradient(const FusedGradientParams& params, LaunchStream& stream) {
  if (params.out.layout.classes > kMaxNarrowClasses) return cudaErrorInvalidValue;
  return with_narrow_tile(params.out.layout.classes, [&](auto octets) {
    return with_logit_type(params.out.type, [&](auto logit) {
      constexpr int kOctets = decltype(octets)::value;
      return launch_blocks(narrow_gradient_kernel<decltype(logit), kOctets>, narrow_blocks(params.out.layout),
                           NarrowTile<kOctets>::kThreads, params, stream, sizeof(NarrowGradientStorage<kOctets>));
    });
  });
}

std::size_t narrow_shared_bytes(std::int64_t classes) {
  return with_narrow_tile(classes, [](auto octets) {
    constexpr int kOctets = decltype(octets)::value;
    return std::max(sizeof(NarrowSumsStorage<kOctets>), sizeof(NarrowGradientStorage<kOctets>));
  });
}

}  // namespace arloss::kernels

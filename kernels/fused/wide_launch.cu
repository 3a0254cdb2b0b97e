#include <algorithm>
#include <type_traits>

#include "kernels/fused/fused_launch.h"
#include "kernels/fused/wide_gradient_kernels.cuh"
#include "kernels/fused/wide_sums_kernels.cuh"
#include "kernels/tile/launch_blocks.h"

namespace arloss::kernels {
namespace {

/// Calls body with the squares of the smallest tile that holds the classes.
template <class Body>
auto with_wide_tile(std::int64_t classes, const Body& body) {
  if (classes <= 64) return body(std::integral_constant<int, 2>{});
  if (classes <= 96) return body(std::integral_constant<int, 3>{});
  if (classes <= 128) return body(std::integral_constant<int, 4>{});
  if (classes <= 160) return body(std::integral_constant<int, 5>{});
  return body(std::integral_constant<int, 6>{});
}

std::int64_t wide_blocks(const LogitLayout& layout) {
  return layout.batch * wide_splits(layout.batch, layout.cells).splits;
}

}  // namespace

cudaError_t launch_wide_sums(const FusedSumsParams& params, LaunchStream& stream) {
  if (params.layout.classes > kMaxWideClasses) return cudaErrorInvalidValue;
  return with_wide_tile(params.layout.classes, [&](auto squares) {
    return with_logit_type(params.type, [&](auto logit) {
      constexpr int kSquares = decltype(squares)::value;
      return launch_blocks(wide_sums_kernel<decltype(logit), kSquares>, wide_blocks(params.layout),
                           WideTile<kSquares>::kThreads, params, stream, sizeof(WideSumsStorage<kSquares>));
    });
  });
}

cudaError_t launch_wide_gradient(const FusedGradientParams& params, LaunchStream& stream) {
  const LogitLayout& layout = params.out.layout;
  if (layout.classes > kMaxWideClasses) return cudaErrorInvalidValue;
  return with_wide_tile(layout.classes, [&](auto squares) {
    return with_logit_type(params.out.type, [&](auto logit) {
      constexpr int kSquares = decltype(squares)::value;
      return launch_blocks(wide_gradient_kernel<decltype(logit), kSquares>, wide_blocks(layout),
                           WideTile<kSquares>::kThreads, params, stream, sizeof(WideGradientStorage<kSquares>));
    });
  });
}

std::size_t wide_shared_bytes(std::int64_t classes) {
  return with_wide_tile(classes, [](auto squares) {
    constexpr int kSquares = decltype(squares)::value;
    return std::max(sizeof(WideSumsStorage<kSquares>), sizeof(WideGradientStorage<kSquares>));
  });
}

}  // namespace arloss::kernels

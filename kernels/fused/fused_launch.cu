#include "kernels/fused/fused_launch.h"

namespace arloss::kernels {

cudaError_t launch_fused_sums(const FusedSumsParams& params, LaunchStream& stream) {
  return params.layout.classes <= kMaxNarrowClasses ? launch_narrow_sums(params, stream)
                                                    : launch_wide_sums(params, stream);
}

cudaError_t launch_fused_gradient(const FusedGradientParams& params, LaunchStream& stream) {
  return params.out.layout.classes <= kMaxNarrowClasses ? launch_narrow_gradient(params, stream)
                                                        : launch_wide_gradient(params, stream);
}

std::size_t fused_shared_bytes(std::int64_t classes) {
  return classes <= kMaxNarrowClasses ? narrow_shared_bytes(classes) : wide_shared_bytes(classes);
}

}  // namespace arloss::kernels

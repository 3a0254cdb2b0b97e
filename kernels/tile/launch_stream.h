#ifndef ARLOSS_KERNELS_TILE_LAUNCH_STREAM_H
#define ARLOSS_KERNELS_TILE_LAUNCH_STREAM_H

#include <cuda_runtime.h>

namespace arloss::kernels {

/// The stream of one call. Where kernels can overlap (programmatic dependent launch), each but the first may start
/// before the one before it has ended: it waits for that itself (tile/kernel_order.cuh).
class LaunchStream {
 public:
  /// `can_overlap`: device, driver and the code it runs have what that takes.
  explicit LaunchStream(cudaStream_t stream, bool can_overlap = false) : stream_(stream), can_overlap_(can_overlap) {}

  /// For anything but a kernel. The next kernel does not overlap it: CUDA has programmatic order between kernels only.
  cudaStream_t handle() {
    follows_kernel_ = false;
    return stream_;
  }
  /// The configuration of the next kernel, which overlaps the former one if it can. `attribute` outlives it.
  cudaLaunchConfig_t next_kernel(cudaLaunchAttribute& attribute) {
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config{};
    config.stream = stream_;
    config.attrs = &attribute;
    config.numAttrs = can_overlap_ && follows_kernel_ ? 1 : 0;
    follows_kernel_ = true;
    return config;
  }

 private:
  cudaStream_t stream_;
  bool can_overlap_, follows_kernel_ = false;
};

}  // namespace arloss::kernels

#endif

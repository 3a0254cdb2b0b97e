#ifndef ARLOSS_KERNELS_LOGITS_H
#define ARLOSS_KERNELS_LOGITS_H

#include <cstdint>

#include "math/host_device.h"

namespace arloss::kernels {

enum class LogitType { kFloat32, kFloat16, kBfloat16 };

/// Where the elements of a tensor of logits, or of their gradient, lie; strides in elements.
struct LogitLayout {
  std::int64_t batch, cells, classes;
  std::int64_t cell_stride, class_stride;  // NCHW: 1, cells; NHWC: classes, 1

  /// `cell` within its image.
  ARLOSS_HOST_DEVICE std::int64_t index(std::int64_t image, std::int64_t c, std::int64_t cell) const {
    return image * classes * cells + c * class_stride + cell * cell_stride;
  }
};

/// What turns a cell's logits into s = exp((z - largest) / 2) * inverse.
struct SoftmaxNorm {
  float largest, inverse;
};

/// The logits and the norms of their cells, in device memory.
struct Softmax {
  const void* logits;
  LogitType type;
  LogitLayout layout;
  SoftmaxNorm* norms;  // [batch][cells]
};

}  // namespace arloss::kernels

#endif

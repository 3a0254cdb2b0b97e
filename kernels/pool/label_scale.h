#ifndef ARLOSS_KERNELS_LABEL_SCALE_H
#define ARLOSS_KERNELS_LABEL_SCALE_H

#include <cstdint>

#include "kernels/pool/pool_params.h"

namespace arloss::kernels {

/// The pooled labels of one scale, as kernels read them (see PoolParams for who wrote them). Device memory.
struct LabelScale {
  const std::int32_t* codes;  // [batch][blocks]
  const LabelCount* counts;   // [batch][blocks][count_stride]; read for blocks of several classes only
  std::int64_t count_stride;
  std::int64_t edge;
  GridSize grid;  // cells
};

/// Scales of one set of sums, finest first.
struct LabelScales {
  static constexpr int kMax = 8;
  LabelScale scales[kMax];
  int count;
};

}  // namespace arloss::kernels

#endif

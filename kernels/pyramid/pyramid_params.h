#ifndef ARLOSS_KERNELS_PYRAMID_PARAMS_H
#define ARLOSS_KERNELS_PYRAMID_PARAMS_H

#include "kernels/pool/label_scale.h"
#include "kernels/tile/logits.h"

namespace arloss::kernels {

/// Rows of the blocks of one scale of a pyramid, pooled from the rows of the cells (math.md, eq. 12, 19). All pointers
/// in device memory.
struct PyramidParams {
  std::int64_t batch, cells, classes;
  Softmax softmax;
  LabelScale labels;           // of the cells: edge 1
  const float* cell_residual;  // [batch][classes][cells]
  const float* cell_weights;   // [batch][cells]
  std::int64_t edge;
  GridSize grid, blocks;  // cells, and blocks of them

  float *residual, *s, *u;  // [batch][classes][blocks]
  float* weights;           // [batch][blocks]: W
};

}  // namespace arloss::kernels

#endif

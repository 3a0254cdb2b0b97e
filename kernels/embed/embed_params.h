#ifndef ARLOSS_KERNELS_EMBED_PARAMS_H
#define ARLOSS_KERNELS_EMBED_PARAMS_H

#include "kernels/pool/label_scale.h"
#include "kernels/tile/logits.h"

namespace arloss::kernels {

/// Rows of the residual E = sqrt(softmax(z)) - u, for any number of classes. All pointers in device memory.
struct EmbedParams {
  Softmax softmax;       // writes its norms
  LabelScale labels;     // of the finest scale in use
  const float* weights;  // [batch][cells]; cells of weight 0 get rows of zeros, whatever their logits are
  float* residual;       // [batch][classes][cells]
};

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_GRADIENT_PARAMS_H
#define ARLOSS_KERNELS_GRADIENT_PARAMS_H

#include "kernels/pool/label_scale.h"
#include "kernels/tile/logits.h"

namespace arloss::kernels {

/// A group's matrix: the group of an image has it `stride` floats after that of the group before.
struct GroupMatrix {
  const float* base;  // [classes][classes]
  std::int64_t stride;
  std::int64_t images_per_group;

  ARLOSS_HOST_DEVICE const float* of_image(std::int64_t image) const {
    return base + image / images_per_group * stride;
  }
};

/// Rows times matrices: h / w of eq. 16 or 21, from planes of rows. All pointers in device memory.
struct MultiplyParams {
  static constexpr int kMaxTerms = 2;

  std::int64_t batch, rows, classes;
  int num_terms;
  const float* planes[kMaxTerms];   // [batch][classes][rows]
  GroupMatrix matrices[kMaxTerms];  // out_d += sum_c planes_c matrix_cd
  LabelScales labels;               // count 0: no label rows
  GroupMatrix label_matrix;         // out += u^1 label_matrix
  GroupMatrix difference_matrices;  // [scales - 1][C][C] one after the other: out -= (u^k - u^1) difference_matrix
  const float* s;                   // optional planes: out is divided by s, 0 where s vanishes
  float* out;                       // [batch][classes][rows]
};

/// Where the gradient of the logits goes, and what it is multiplied with.
struct GradientOutput {
  LogitType type;
  LogitLayout layout;
  const float* weights;    // [batch][cells]
  GroupMatrix flags;       // [scale, dead value] of a group
  const float* grad_loss;  // optional, [1] or [batch]
  bool is_grad_per_image;
  bool adds;  // to what the gradient holds
  void* gradient;
};

/// h to the gradient of the logits (math.md, eq. 11, 12, 20). All pointers in device memory.
struct ChainParams {
  static constexpr int kMaxTables = 8;
  /// h^k / s^k of the blocks of one pooled scale (math.md, eq. 12).
  struct Slopes {
    const float* planes;  // [batch][classes][blocks]
    BlockGrid grid;
  };

  GradientOutput out;
  Softmax softmax;
  LabelScale labels;      // of the scale that `residual` is against
  const float* residual;  // [batch][classes][cells]
  const float* h;         // [batch][classes][cells], or NULL
  int num_tables;
  Slopes tables[kMaxTables];
};

}  // namespace arloss::kernels

#endif

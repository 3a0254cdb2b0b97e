#ifndef ARLOSS_PLAN_PROBLEM_H
#define ARLOSS_PLAN_PROBLEM_H

#include <cstdint>
#include <vector>

#include "arloss/arloss.h"

namespace arloss {

/// Extent of one image, slowest axis first; depth 1 for 2-D.
struct Extent {
  std::int64_t depth = 1, height = 1, width = 1;
  std::int64_t count() const { return depth * height * width; }
  bool operator==(const Extent& other) const {
    return depth == other.depth && height == other.height && width == other.width;
  }
};

/// One scale of the label affinity: block edge in cells, and its normalised weight omega.
struct Scale {
  std::int64_t edge;
  double weight;
};

/// What is asked, checked and with every default filled in. Immutable.
struct Problem {
  std::int64_t batch, classes;
  Extent grid, labels;
  arloss_dtype_t logits_dtype, labels_dtype;
  arloss_layout_t layout;
  bool has_ignore_index;
  std::int64_t ignore_index;
  std::vector<std::int64_t> asked_edges;  // as the caller listed them
  std::vector<Scale> scales;              // those of weight > 0, finest first; never empty
  arloss_scale_mode_t scale_mode;
  arloss_penalty_t penalty;
  double penalty_param;
  arloss_reduction_t reduction;
  arloss_span_t span;
  double loss_weight;
  bool accumulate_gradient;

  int num_scales() const { return static_cast<int>(scales.size()); }
  /// Sets of cells that are paired with each other: one per image, or one for span BATCH.
  std::int64_t num_groups() const { return span == ARLOSS_SPAN_BATCH ? 1 : batch; }
  std::int64_t group_of_image(std::int64_t image) const { return span == ARLOSS_SPAN_BATCH ? 0 : image; }
  std::int64_t num_losses() const { return reduction == ARLOSS_REDUCTION_NONE ? batch : 1; }
  /// One label pixel per cell and scales {1}: every label distribution is one-hot.
  bool has_hard_labels() const { return labels == grid && scales.size() == 1 && scales[0].edge == 1; }
};

/// How to run it, checked.
struct Options {
  arloss_device_t device;
  int device_index;
  arloss_algorithm_t algorithm;
  bool exact;
  int num_threads;  // 0 = all that the process may use
};

/// Check what the caller asked. Throw Refusal(INVALID_ARGUMENT or UNSUPPORTED) naming field, value and rule.
Problem check_problem(const arloss_problem_t& asked);
Options check_options(const arloss_options_t& asked);

std::int64_t logit_bytes(arloss_dtype_t dtype);
std::int64_t label_bytes(arloss_dtype_t dtype);

}  // namespace arloss

#endif

// The AR loss of one picture, through the C API: a plan, the buffers it asks for, and the calls on it.
#pragma once
#include "picture.h"

#include <arloss/arloss.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace demo {

/// What the demo lets its caller choose about the loss.
struct LossSettings {
  int64_t num_classes = 0;
  int64_t ignore = 255;  // label value that counts nowhere; -1: every value is a class
  std::vector<int> scales = {1, 2, 4};
  arloss_penalty_t penalty = ARLOSS_PENALTY_SQUARED;
};

/// A call of the library that did not succeed. what(): the call and the library's own message.
class LossError : public std::runtime_error {
 public:
  LossError(const std::string &call, arloss_status_t code);
  arloss_status_t status;
};

/// The loss between one label map and float32 logits [num_classes][grid.height][grid.width], on the CPU.
/// Every call throws LossError where the library refuses.
class AffinityLoss {
 public:
  /// The labels must outlive the object.
  AffinityLoss(const LabelMap &labels, Grid grid, const LossSettings &settings);

  /// Returns the loss and overwrites gradient, which has the size and layout of logits.
  float loss_and_gradient(const std::vector<float> &logits, std::vector<float> &gradient);

  /// One row of an affinity matrix: how the given cell relates to every cell, [grid.height][grid.width].
  std::vector<float> affinity_row(const std::vector<float> &logits, arloss_affinity_t which, int64_t cell);

  /// The share of each class among a cell's label pixels, [num_cells][num_classes]; all zero where none is labelled.
  std::vector<float> label_distribution();

  /// The plan in words: the problem, the route taken and why.
  std::string describe() const;

  size_t state_bytes() const { return state_.size(); }
  size_t workspace_bytes() const { return workspace_.size(); }

 private:
  struct PlanDeleter {
    void operator()(arloss_plan_t *plan) const { arloss_plan_destroy(plan); }
  };

  arloss_tensors_t tensors(const std::vector<float> *logits) const;

  const LabelMap &labels_;
  Grid grid_;
  int64_t num_classes_;
  std::unique_ptr<arloss_plan_t, PlanDeleter> plan_;
  std::vector<std::byte> state_, workspace_;  // operator new aligns to the 16 bytes that the library wants
};

}  // namespace demo

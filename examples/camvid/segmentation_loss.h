// The losses and their gradients, each timed by itself.
#pragma once
#include <torch/types.h>

#include "camvid_settings.h"
#include "dataset.h"

namespace camvid {

struct LossPart {
  double value = 0;        // not weighted
  torch::Tensor gradient;  // of the logits, as they; weighted
  double seconds = 0;      // forward and backward
};

/// Logits are float32 [B, 11, H, W], labels uint8 [B, h, w] as fine or finer.
class SegmentationLoss {
 public:
  SegmentationLoss(const Settings& settings, const Samples& training);

  /// Of labels sampled at the logits' cells, as DeepLab trains, or of logits upsampled to the labels.
  LossPart cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels) const;

  /// weight times the AR loss, which pools the labels itself.
  LossPart affinity(const torch::Tensor& logits, const torch::Tensor& labels, double weight) const;

 private:
  Settings settings_;
  torch::Tensor class_weights_;  // float32 [11] or undefined
};

}  // namespace camvid

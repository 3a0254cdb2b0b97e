// Epochs of training.
#pragma once
#include <torch/optim/adamw.h>
#include <nlohmann/json.hpp>

#include <optional>

#include "camvid_settings.h"
#include "dataset.h"
#include "segmentation_loss.h"
#include "unet.h"

namespace camvid {

class Trainer {
 public:
  /// A network with weights drawn from the seed.
  Trainer(const Settings& settings, const Samples& training);

  /// Epoch number epoch, from 0: every training image once, in an order and with an augmentation drawn from seed and
  /// epoch; the last images that fill no batch make a smaller one. Returns the means of the losses (AR: null where its
  /// weight is 0) and the seconds spent, or nothing where --max-steps ended it.
  std::optional<nlohmann::json> run_epoch(std::int64_t epoch);

  std::int64_t steps_per_epoch() const;

  UNet network;
  torch::optim::AdamW optimizer;

 private:
  struct StepRecord {
    LossPart cross_entropy, affinity;
    double seconds;
  };

  StepRecord run_step(const torch::Tensor& images, const torch::Tensor& labels, std::int64_t step);

  Settings settings_;
  const Samples& training_;
  SegmentationLoss loss_;
  std::int64_t steps_taken_ = 0;  // by this process
};

}  // namespace camvid

// How good predictions are, at the labels' own resolution.
#pragma once
#include <torch/types.h>
#include <nlohmann/json.hpp>

#include "dataset.h"
#include "unet.h"

namespace camvid {

/// The most likely classes of images [B, 3, 180, 240], from logits upsampled to the labels: int64 [B, 360, 480]. The
/// network must be in evaluation mode.
torch::Tensor predicted_classes(UNet& network, const torch::Tensor& images);

/// Pixels by label and prediction, int64 [11, 11], over all samples; void is not counted. Leaves the network in
/// evaluation mode.
torch::Tensor confusion_matrix(UNet& network, const Samples& samples, std::int64_t batch);

/// "iou" of each class (null for one that is neither labelled nor predicted), "mean_iou" of those, "pixel_accuracy".
nlohmann::json scores(const torch::Tensor& confusion);

}  // namespace camvid

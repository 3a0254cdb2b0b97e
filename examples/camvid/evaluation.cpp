#include "evaluation.h"

#include <algorithm>

#include "augmentation.h"
#include "camvid_classes.h"

namespace camvid {

torch::Tensor predicted_classes(UNet& network, const torch::Tensor& images) {
  const torch::Tensor logits = network->forward(images);
  return at::upsample_bilinear2d(logits, {kLabelHeight, kLabelWidth}, /*align_corners=*/false).argmax(1);
}

torch::Tensor confusion_matrix(UNet& network, const Samples& samples, std::int64_t batch) {
  constexpr std::int64_t kBins = kNumClasses + 1;  // void has a row of its own
  const torch::NoGradGuard no_grad;
  network->eval();
  torch::Tensor counts = torch::zeros({kBins * kBins}, torch::kLong);
  for (std::int64_t first = 0; first < samples.size(); first += batch) {
    const auto [images, labels] = plain_batch(samples, first, std::min(batch, samples.size() - first));
    const torch::Tensor predicted = predicted_classes(network, images);
    counts += (labels.to(torch::kLong) * kBins + predicted).view(-1).bincount({}, kBins * kBins);
  }
  return counts.view({kBins, kBins}).narrow(0, 0, kNumClasses).narrow(1, 0, kNumClasses).clone();
}

nlohmann::json scores(const torch::Tensor& confusion) {
  const torch::Tensor correct = confusion.diag(), either = confusion.sum(0) + confusion.sum(1) - correct;
  nlohmann::json iou = nlohmann::json::array();
  double sum = 0;
  std::int64_t num_occurring = 0;
  for (std::int64_t c = 0; c < kNumClasses; ++c) {
    const auto pixels = either[c].item<double>();
    iou.push_back(pixels > 0 ? nlohmann::json(correct[c].item<double>() / pixels) : nlohmann::json());
    if (pixels > 0) sum += iou.back().get<double>(), ++num_occurring;
  }
  const double mean_iou = sum / static_cast<double>(std::max<std::int64_t>(1, num_occurring));
  const double num_pixels = std::max(1.0, confusion.sum().item<double>());
  return {{"iou", iou}, {"mean_iou", mean_iou}, {"pixel_accuracy", correct.sum().item<double>() / num_pixels}};
}

}  // namespace camvid

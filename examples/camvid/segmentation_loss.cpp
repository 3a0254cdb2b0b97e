#include "segmentation_loss.h"

#include <arloss/torch.h>
#include <torch/autograd.h>
#include <torch/nn/functional/loss.h>

#include "camvid_classes.h"
#include "stopwatch.h"

namespace camvid {
namespace {

/// The loss of a leaf with the logits' values, and what autograd gives that leaf: the time of both is this loss's
/// alone, and the network's backward pass starts from the sum of such gradients, as it would from the sum of the
/// losses.
template <class Loss>
LossPart differentiated(const torch::Tensor& logits, double weight, Loss loss) {
  const Stopwatch stopwatch;
  const torch::Tensor leaf = logits.detach().requires_grad_();
  const torch::Tensor value = loss(leaf);
  const torch::Tensor gradient = torch::autograd::grad({value}, {leaf}, {torch::full_like(value, weight)})[0];
  return {value.item<double>(), gradient, stopwatch.seconds()};
}

/// uint8 [B, h, w] to the labels nearest to the middle of cells of a grid [B, H, W].
torch::Tensor sampled(const torch::Tensor& labels, at::IntArrayRef grid) {
  const auto places = [](std::int64_t fine, std::int64_t coarse) {
    return (torch::arange(coarse) * 2 + 1).mul_(fine).floor_divide_(2 * coarse);
  };
  return labels.index_select(1, places(labels.size(1), grid[0])).index_select(2, places(labels.size(2), grid[1]));
}

arloss::torch::Options affinity_options(const Settings& settings) {
  arloss::torch::Options options;
  options.scales = settings.scales;
  options.scale_mode = scale_mode_of(settings);
  options.penalty = penalty_of(settings);
  options.penalty_param = settings.penalty_param;
  options.span = span_of(settings);
  options.ignore_index = kVoid;
  return options;
}

}  // namespace

SegmentationLoss::SegmentationLoss(const Settings& settings, const Samples& training) : settings_(settings) {
  if (settings.has_class_weights) class_weights_ = median_frequency_weights(training);
}

LossPart SegmentationLoss::cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels) const {
  return differentiated(logits, 1, [&](const torch::Tensor& leaf) {
    const bool upsamples = settings_.upsamples_logits;
    const torch::Tensor fine =
        upsamples ? at::upsample_bilinear2d(leaf, labels.sizes().slice(1), /*align_corners=*/false) : leaf;
    const torch::Tensor target = upsamples ? labels : sampled(labels, leaf.sizes().slice(2));
    return torch::nn::functional::cross_entropy(
        fine, target.to(torch::kLong),
        torch::nn::functional::CrossEntropyFuncOptions().weight(class_weights_).ignore_index(kVoid));
  });
}

LossPart SegmentationLoss::affinity(const torch::Tensor& logits, const torch::Tensor& labels, double weight) const {
  return differentiated(logits, weight, [&](const torch::Tensor& leaf) {
    return arloss::torch::ar_loss(leaf, labels, affinity_options(settings_));
  });
}

}  // namespace camvid

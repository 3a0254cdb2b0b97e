#include "augmentation.h"

#include <torch/nn/functional/vision.h>

#include <cmath>

#include "camvid_classes.h"

namespace camvid {
namespace {

namespace F = torch::nn::functional;

/// Of all channels together: mean 108, deviation 77 over the 367 training images.
torch::Tensor normalised(const torch::Tensor& images) {
  return images.to(torch::kFloat).sub_(108).div_(77).contiguous(torch::MemoryFormat::ChannelsLast);
}

/// From places of the result to those of the picture, both -1 to 1 from edge to edge: float32 [count, 2, 3].
torch::Tensor draw_transforms(std::int64_t count, std::mt19937& random) {
  // Not std::uniform_real_distribution: each library draws its own way.
  const auto draw = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random()) * 0x1p-32;
  };
  torch::Tensor transforms = torch::zeros({count, 2, 3});
  auto values = transforms.accessor<float, 3>();
  for (std::int64_t b = 0; b < count; ++b) {
    const double shrink = 1 / draw(0.75, 1.5), room = std::abs(1 - shrink), flip = draw(-1, 1) < 0 ? -1 : 1;
    values[b][0][0] = static_cast<float>(flip * shrink);
    values[b][1][1] = static_cast<float>(shrink);
    for (const int axis : {0, 1}) values[b][axis][2] = static_cast<float>(draw(-room, room));
  }
  return transforms;
}

torch::Tensor sampled(const torch::Tensor& pictures, const torch::Tensor& transforms,
                      const F::GridSampleFuncOptions::mode_t& mode) {
  const torch::Tensor places = F::affine_grid(transforms, pictures.sizes(), /*align_corners=*/false);
  return F::grid_sample(pictures, places,
                        F::GridSampleFuncOptions().mode(mode).padding_mode(torch::kZeros).align_corners(false));
}

}  // namespace

Batch plain_batch(const Samples& samples, std::int64_t first, std::int64_t count) {
  return {normalised(samples.images.narrow(0, first, count)), samples.labels.narrow(0, first, count)};
}

Batch augmented_batch(const Samples& samples, const std::vector<std::int64_t>& indices, std::mt19937& random) {
  const torch::Tensor index = torch::tensor(indices);
  const torch::Tensor transforms = draw_transforms(index.numel(), random);
  const torch::Tensor images = sampled(normalised(samples.images.index_select(0, index)), transforms, torch::kBilinear);
  // Relative to void, so that the zeros around are void.
  const torch::Tensor labels = samples.labels.index_select(0, index).to(torch::kFloat).sub_(kVoid).unsqueeze(1);
  return {images.contiguous(torch::MemoryFormat::ChannelsLast),
          sampled(labels, transforms, torch::kNearest).add_(kVoid).to(torch::kByte).squeeze(1)};
}

}  // namespace camvid

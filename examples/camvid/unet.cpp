#include "unet.h"

#include <array>
#include <string>

#include "camvid_classes.h"

namespace camvid {
namespace {

namespace nn = torch::nn;

constexpr std::array<std::int64_t, 4> kChannels = {32, 64, 128, 192};

void add_normalised_convolution(nn::Sequential& layers, std::int64_t from, std::int64_t to, std::int64_t edge,
                                std::int64_t stride) {
  layers->push_back(nn::Conv2d(nn::Conv2dOptions(from, to, edge).stride(stride).padding(edge / 2).bias(false)));
  layers->push_back(nn::BatchNorm2d(to));
}

void add_convolution(nn::Sequential& layers, std::int64_t from, std::int64_t to, std::int64_t edge,
                     std::int64_t stride = 1) {
  add_normalised_convolution(layers, from, to, edge, stride);
  layers->push_back(nn::ReLU(nn::ReLUOptions(/*inplace=*/true)));
}

nn::Sequential convolution(std::int64_t from, std::int64_t to, std::int64_t edge) {
  nn::Sequential layers;
  add_convolution(layers, from, to, edge);
  return layers;
}

nn::Sequential encoder(std::size_t level) {
  nn::Sequential layers;
  if (level == 0) {
    add_convolution(layers, 3, kChannels[0], 5, 2);
    add_convolution(layers, kChannels[0], kChannels[0], 3);
  } else {
    add_convolution(layers, kChannels[level - 1], kChannels[level], 3, 2);
    layers->push_back(ResidualBlock(kChannels[level]));
  }
  return layers;
}

torch::Tensor upsampled(const torch::Tensor& features, const torch::Tensor& like) {
  return at::upsample_bilinear2d(features, like.sizes().slice(2), /*align_corners=*/false);
}

}  // namespace

ResidualBlockImpl::ResidualBlockImpl(std::int64_t channels) {
  add_convolution(layers, channels, channels, 3);
  add_normalised_convolution(layers, channels, channels, 3, 1);
  register_module("layers", layers);
}

torch::Tensor ResidualBlockImpl::forward(const torch::Tensor& features) {
  return (layers->forward(features) + features).relu_();
}

UNetImpl::UNetImpl() {
  for (std::size_t level = 0; level < kChannels.size(); ++level) {
    const std::string number = std::to_string(level);
    encoders.push_back(register_module("encoder" + number, encoder(level)));
    if (level + 1 == kChannels.size()) break;
    reducers.push_back(register_module("reducer" + number, convolution(kChannels[level + 1], kChannels[level], 1)));
    decoders.push_back(register_module("decoder" + number, convolution(2 * kChannels[level], kChannels[level], 3)));
  }
  classifier = register_module("classifier", nn::Conv2d(nn::Conv2dOptions(kChannels[0], kNumClasses, 1)));
  // Contiguous, a convolution at the finest level takes 1.75 times as long (48 to 24 channels, one thread, AVX-512).
  for (torch::Tensor& weights : parameters()) {
    if (weights.dim() == 4) weights.set_data(weights.contiguous(torch::MemoryFormat::ChannelsLast));
  }
}

torch::Tensor UNetImpl::forward(const torch::Tensor& images) {
  std::vector<torch::Tensor> features = {images};
  for (nn::Sequential& encoder : encoders) features.push_back(encoder->forward(features.back()));
  torch::Tensor decoded = features.back();
  for (std::size_t level = decoders.size(); level-- > 0;) {
    const torch::Tensor& skip = features[level + 1];
    decoded = upsampled(reducers[level]->forward(decoded), skip);
    decoded = decoders[level]->forward(torch::cat({decoded, skip}, 1));
  }
  return classifier->forward(decoded);
}

std::int64_t UNetImpl::num_parameters() const {
  std::int64_t count = 0;
  for (const torch::Tensor& weights : parameters()) count += weights.numel();
  return count;
}

}  // namespace camvid

// The network.
#pragma once
#include <torch/nn.h>

#include <cstdint>
#include <vector>

namespace camvid {

/// Two 3 x 3 convolutions, their input added to their output (He et al., 2016).
struct ResidualBlockImpl : torch::nn::Module {
  explicit ResidualBlockImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& features);  // [B, channels, h, w], and so returned

  torch::nn::Sequential layers;
};
TORCH_MODULE(ResidualBlock);

/// A U-Net (Ronneberger et al., 2015) of four levels of 32, 64, 128 and 192 channels. A strided stem makes the first of
/// them half as fine as the image: a step at that size would cost four times as much.
struct UNetImpl : torch::nn::Module {
  UNetImpl();

  /// [B, 3, H, W] to logits [B, 11, H / 2, W / 2], both channels_last.
  torch::Tensor forward(const torch::Tensor& images);

  std::int64_t num_parameters() const;

  std::vector<torch::nn::Sequential> encoders, reducers, decoders;  // from the finest level on
  torch::nn::Conv2d classifier = nullptr;
};
TORCH_MODULE(UNet);

}  // namespace camvid

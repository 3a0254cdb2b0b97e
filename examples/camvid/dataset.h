// The pictures of a folder in CamVid's layout, all in memory: 0.3 MB each.
#pragma once
#include <string>
#include <vector>

#include <torch/types.h>

#include "camvid_settings.h"

namespace camvid {

struct Samples {
  std::vector<std::string> names;
  torch::Tensor images;  // uint8 [N, 3, 180, 240]
  torch::Tensor labels;  // uint8 [N, 360, 480], 0 to 10 or kVoid

  std::int64_t size() const { return images.size(0); }
};

struct Dataset {
  Samples training, evaluation;
};

/// Training images and those that it is evaluated on, ordered by name. Throws demo::InputError, naming the file, for
/// what is missing, of another size or no label.
Dataset load_dataset(const Settings& settings);

/// Weights that balance cross-entropy, float32 [11]: the median frequency over a class's own, its frequency being its
/// share of the pixels of those images that have it (Eigen and Fergus, 2015). 0 for a class that never occurs.
torch::Tensor median_frequency_weights(const Samples& samples);

}  // namespace camvid

// Batches as the network takes them.
#pragma once
#include <cstdint>
#include <random>
#include <vector>

#include <torch/types.h>

#include "dataset.h"

namespace camvid {

struct Batch {
  torch::Tensor images;  // float32 [B, 3, 180, 240], channels_last, of mean 0 and deviation 1 or so
  torch::Tensor labels;  // uint8 [B, 360, 480]
};

/// Samples [first, first + count) as they are.
Batch plain_batch(const Samples& samples, std::int64_t first, std::int64_t count);

/// The samples of those indices, each flipped or not, scaled by 3/4 to 3/2 and moved, image and labels alike. What lies
/// outside of the picture is grey and void.
Batch augmented_batch(const Samples& samples, const std::vector<std::int64_t>& indices, std::mt19937& random);

}  // namespace camvid

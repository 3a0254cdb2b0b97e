#include "smooth_data.h"

#include <cmath>
#include <random>

namespace bench {

std::vector<std::uint8_t> smooth_labels(const ImageShape& shape, unsigned random_seed) {
  constexpr std::int64_t kSpacing = 48;  // chosen: regions the size of street furniture at full resolution
  std::mt19937 random(random_seed);
  const std::int64_t rows = shape.label_height / kSpacing + 3;
  const std::int64_t columns = shape.label_width / kSpacing + 3;
  struct Seed {
    double y, x;
    std::uint8_t label;
  };
  std::vector<Seed> seeds;
  std::uniform_real_distribution<double> jitter(0.0, kSpacing);
  std::uniform_int_distribution<int> any_class(0, static_cast<int>(shape.classes) - 1);
  std::uniform_int_distribution<int> one_in_fifty(0, 49);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      const auto y = static_cast<double>((r - 1) * kSpacing) + jitter(random);
      const auto x = static_cast<double>((c - 1) * kSpacing) + jitter(random);
      const int label = one_in_fifty(random) == 0 ? 255 : any_class(random);
      seeds.push_back({y, x, static_cast<std::uint8_t>(label)});
    }
  }
  std::vector<std::uint8_t> labels;
  labels.reserve(static_cast<std::size_t>(shape.label_height * shape.label_width));
  for (std::int64_t y = 0; y < shape.label_height; ++y) {
    for (std::int64_t x = 0; x < shape.label_width; ++x) {
      double nearest = INFINITY;
      std::uint8_t label = 255;
      for (std::int64_t r = y / kSpacing; r < y / kSpacing + 3; ++r) {
        for (std::int64_t c = x / kSpacing; c < x / kSpacing + 3; ++c) {
          const Seed& seed = seeds[static_cast<std::size_t>(r * columns + c)];
          const double dy = seed.y - static_cast<double>(y);
          const double dx = seed.x - static_cast<double>(x);
          if (dy * dy + dx * dx < nearest) {
            nearest = dy * dy + dx * dx;
            label = seed.label;
          }
        }
      }
      labels.push_back(label);
    }
  }
  return labels;
}

std::vector<float> trained_like_logits(const ImageShape& shape, const std::vector<std::uint8_t>& labels,
                                       unsigned random_seed) {
  std::mt19937 random(random_seed);
  std::normal_distribution<float> noise;
  std::vector<float> logits(static_cast<std::size_t>(shape.classes * shape.height * shape.width));
  for (float& logit : logits) logit = noise(random);
  for (std::int64_t y = 0; y < shape.height; ++y) {
    for (std::int64_t x = 0; x < shape.width; ++x) {
      const std::int64_t label_y = (2 * y + 1) * shape.label_height / (2 * shape.height);
      const std::int64_t label_x = (2 * x + 1) * shape.label_width / (2 * shape.width);
      const std::int64_t label = labels[static_cast<std::size_t>(label_y * shape.label_width + label_x)];
      if (label < shape.classes) logits[static_cast<std::size_t>((label * shape.height + y) * shape.width + x)] += 4.0F;
    }
  }
  return logits;
}

}  // namespace bench

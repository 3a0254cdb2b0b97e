#include "smooth_data.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace bench {

namespace {

constexpr std::uint8_t kIgnored = 255;

/// A plane cut into regions: each point belongs to the nearest of a jittered lattice of seeds.
class Regions {
 public:
  /// label_of_seed(y, x)
  template <class LabelOfSeed>
  Regions(const ImageShape& shape, double spacing, std::mt19937& random, const LabelOfSeed& label_of_seed)
      : spacing_(spacing), columns_(static_cast<std::int64_t>(static_cast<double>(shape.label_width) / spacing) + 3) {
    const auto rows = static_cast<std::int64_t>(static_cast<double>(shape.label_height) / spacing) + 3;
    std::uniform_real_distribution<double> jitter(0.0, spacing);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < columns_; ++c) {
        const double y = static_cast<double>(r - 1) * spacing + jitter(random);
        const double x = static_cast<double>(c - 1) * spacing + jitter(random);
        seeds_.push_back({y, x, label_of_seed(y, x)});
      }
    }
  }

  std::uint8_t label_at(double y, double x) const {
    // Seeds of rows and columns -1 to 1 around the point's own square of the lattice; outside the map, the nearest one.
    const auto last_row = static_cast<std::int64_t>(seeds_.size()) / columns_ - 3;
    const auto row = std::clamp(static_cast<std::int64_t>(y / spacing_), std::int64_t{0}, last_row);
    const auto column = std::clamp(static_cast<std::int64_t>(x / spacing_), std::int64_t{0}, columns_ - 3);
    double nearest = INFINITY;
    std::uint8_t label = kIgnored;
    for (std::int64_t r = row; r < row + 3; ++r) {
      for (std::int64_t c = column; c < column + 3; ++c) {
        const Seed& seed = seeds_[static_cast<std::size_t>(r * columns_ + c)];
        const double dy = seed.y - y, dx = seed.x - x, distance = dy * dy + dx * dx;
        if (distance < nearest) {
          nearest = distance;
          label = seed.label;
        }
      }
    }
    return label;
  }

 private:
  struct Seed {
    double y, x;
    std::uint8_t label;
  };
  double spacing_;
  std::int64_t columns_;
  std::vector<Seed> seeds_;
};

}  // namespace

std::vector<std::uint8_t> smooth_labels(const ImageShape& shape, unsigned random_seed) {
  // Chosen so that cells and blocks mix classes as often as those of CamVid's label maps do (bench/README.md).
  const double ground = static_cast<double>(shape.label_width) / 2,
               object = static_cast<double>(shape.label_width) / 20;
  constexpr int kGroundSeedsAnObject = 16, kSeedsAnIgnored = 50;
  std::mt19937 random(random_seed);
  const auto is_one_in = [&](int count) { return std::uniform_int_distribution<int>(1, count)(random) == 1; };
  std::uniform_int_distribution<int> any_class(0, static_cast<int>(shape.classes) - 1);
  const auto label_of_any = [&](double, double) { return static_cast<std::uint8_t>(any_class(random)); };
  const Regions grounds(shape, ground, random, label_of_any);
  const Regions objects(shape, object, random, [&](double y, double x) {
    if (is_one_in(kSeedsAnIgnored)) return kIgnored;
    return is_one_in(kGroundSeedsAnObject) ? label_of_any(y, x) : grounds.label_at(y, x);
  });
  std::vector<std::uint8_t> labels;
  labels.reserve(static_cast<std::size_t>(shape.label_height * shape.label_width));
  for (std::int64_t y = 0; y < shape.label_height; ++y)
    for (std::int64_t x = 0; x < shape.label_width; ++x)
      labels.push_back(objects.label_at(static_cast<double>(y), static_cast<double>(x)));
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

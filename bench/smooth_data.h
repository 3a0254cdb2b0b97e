#ifndef ARLOSS_BENCH_SMOOTH_DATA_H
#define ARLOSS_BENCH_SMOOTH_DATA_H

#include <cstdint>
#include <vector>

namespace bench {

/// One image: its grid of logits and its label map.
struct ImageShape {
  std::int64_t classes;
  std::int64_t height, width;
  std::int64_t label_height, label_width;
};

/// A label map of some large regions with small ones of other classes in them, [label_height][label_width]. About 2 %
/// are the ignored 255. How many cells it mixes: bench/README.md.
std::vector<std::uint8_t> smooth_labels(const ImageShape& shape, unsigned random_seed);

/// Logits of a half-trained network, [classes][height][width]: noise, and a margin of 4 for the label under the cell's
/// middle.
std::vector<float> trained_like_logits(const ImageShape& shape, const std::vector<std::uint8_t>& labels,
                                       unsigned random_seed);

}  // namespace bench

#endif

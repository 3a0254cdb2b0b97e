#include "support/label_maps.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace support {
namespace {

/// One image under the brush.
class Canvas {
 public:
  Canvas(const oracle::Problem& problem, std::int64_t* labels)
      : depth_(problem.label_depth), height_(problem.label_height), width_(problem.label_width), labels_(labels) {}

  struct Box {
    std::int64_t z0, z1, y0, y1, x0, x1;
  };

  std::int64_t height() const { return height_; }
  Box whole() const { return {0, depth_, 0, height_, 0, width_}; }
  Box random_box(Random& random) const {
    Box box{};
    std::tie(box.z0, box.z1) = span(depth_, random);
    std::tie(box.y0, box.y1) = span(height_, random);
    std::tie(box.x0, box.x1) = span(width_, random);
    return box;
  }
  /// One or two label pixels wide, any height.
  Box random_pole(Random& random) const {
    Box box = random_box(random);
    box.x0 = random.below(width_);
    box.x1 = std::min(width_, box.x0 + 1 + random.below(2));
    return box;
  }

  void fill(const Box& box, std::int64_t label) {
    for (std::int64_t z = box.z0; z < box.z1; ++z)
      for (std::int64_t y = box.y0; y < box.y1; ++y)
        std::fill(labels_ + (z * height_ + y) * width_ + box.x0, labels_ + (z * height_ + y) * width_ + box.x1, label);
  }

 private:
  static std::pair<std::int64_t, std::int64_t> span(std::int64_t size, Random& random) {
    const std::int64_t from = random.below(size);
    return {from, std::min(size, from + 1 + random.below((size + 1) / 2))};
  }

  std::int64_t depth_, height_, width_;
  std::int64_t* labels_;
};

/// Draws a class that is not the ignored one.
class Palette {
 public:
  Palette(std::int64_t num_labels, std::optional<std::int64_t> ignored) : num_labels_(num_labels), ignored_(ignored) {}
  std::int64_t draw(Random& random) const {
    const std::int64_t label = random.below(num_labels_);
    return ignored_ == label ? (label + 1) % num_labels_ : label;
  }

 private:
  std::int64_t num_labels_;
  std::optional<std::int64_t> ignored_;
};

void paint_scene(Canvas& canvas, const Palette& palette, std::optional<std::int64_t> ignored, Random& random) {
  canvas.fill(canvas.whole(), palette.draw(random));
  for (int block = 0; block < 8; ++block) canvas.fill(canvas.random_box(random), palette.draw(random));
  for (int pole = 0; pole < 3; ++pole) canvas.fill(canvas.random_pole(random), palette.draw(random));
  if (!ignored || canvas.height() < 3) return;
  Canvas::Box band = canvas.whole();
  band.y0 = random.below(canvas.height());
  band.y1 = std::min(canvas.height(), band.y0 + 1 + canvas.height() / 10);
  canvas.fill(band, *ignored);
}

}  // namespace

const char* name_of(LabelMap map) {
  switch (map) {
    case LabelMap::kScene: return "scene";
    case LabelMap::kNoise: return "noise";
    case LabelMap::kOneClass: return "one class";
  }
  return "?";
}

std::vector<std::int64_t> make_labels(LabelMap map, const oracle::Problem& problem, std::int64_t num_labels,
                                      std::optional<std::int64_t> ignored, Random& random) {
  const std::int64_t per_image = problem.label_depth * problem.label_height * problem.label_width;
  std::vector<std::int64_t> labels(static_cast<std::size_t>(problem.batch * per_image));
  const Palette palette(num_labels, ignored);
  for (std::int64_t b = 0; b < problem.batch; ++b) {
    std::int64_t* const image = labels.data() + b * per_image;
    Canvas canvas(problem, image);
    if (map == LabelMap::kScene) paint_scene(canvas, palette, ignored, random);
    if (map == LabelMap::kOneClass) canvas.fill(canvas.whole(), palette.draw(random));
    if (map == LabelMap::kNoise)
      for (std::int64_t i = 0; i < per_image; ++i)
        image[i] = ignored && random.chance(0.1) ? *ignored : palette.draw(random);
  }
  return labels;
}

}  // namespace support

#include "prediction.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace demo {
namespace {

// Chosen by eye: wrong enough to see, right enough that most of each class is still itself. The loss does not know
// class names, so a class that starts out mostly as another one would stay so.
constexpr int64_t kCellsPerBlurCell = 100;  // blur radius: the grid's longer side over this, at least one cell
constexpr int kNumPatches = 14;
constexpr double kPatchSize[2] = {0.02, 0.06};  // half axes, as a share of the grid's longer side
constexpr float kMistaken = 0.7f;               // share of the probability that a patch gives to the other class
constexpr float kFloor = 0.02f;                 // probability spread over all classes: nothing is ruled out

/// Mean over the window of 2 * radius + 1 values around each of `length` values, `stride` apart; fewer at the ends.
void blur_line(float *line, int64_t length, int64_t stride, int64_t radius, std::vector<double> &sums) {
  sums.assign(static_cast<size_t>(length) + 1, 0.0);
  for (int64_t i = 0; i < length; ++i) sums[i + 1] = sums[i] + line[i * stride];
  for (int64_t i = 0; i < length; ++i) {
    const int64_t first = std::max<int64_t>(0, i - radius), last = std::min(length, i + radius + 1);
    line[i * stride] = static_cast<float>((sums[last] - sums[first]) / static_cast<double>(last - first));
  }
}

/// Twice a box along each axis: close to a bell.
void blur_plane(float *plane, Grid grid, int64_t radius) {
  std::vector<double> sums;
  for (int pass = 0; pass < 2; ++pass) {
    for (int64_t y = 0; y < grid.height; ++y) blur_line(plane + y * grid.width, grid.width, 1, radius, sums);
    for (int64_t x = 0; x < grid.width; ++x) blur_line(plane + x, grid.height, grid.width, radius, sums);
  }
}

/// Draws that are the same on every platform, which the standard distributions are not.
class Draws {
 public:
  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(engine_()) / 4294967296.0);
  }
  int64_t index(int64_t count) { return static_cast<int64_t>(uniform(0, static_cast<double>(count))); }

 private:
  std::mt19937 engine_{2021};
};

/// Inside one ellipse gives most of the probability to another class, that of some cell elsewhere in the picture.
void mistake_patch(std::vector<float> &planes, Grid grid, int64_t num_classes, const std::vector<int> &truth,
                   Draws &draws) {
  const int64_t num_cells = grid.num_cells();
  const auto longer_side = static_cast<double>(std::max(grid.height, grid.width));
  const int64_t centre_y = draws.index(grid.height), centre_x = draws.index(grid.width);
  const double half_height = std::max(1.0, longer_side * draws.uniform(kPatchSize[0], kPatchSize[1]));
  const double half_width = std::max(1.0, longer_side * draws.uniform(kPatchSize[0], kPatchSize[1]));
  const int here = truth[centre_y * grid.width + centre_x];
  const int other = truth[draws.index(num_cells)];
  if (here == kNoClass || other == kNoClass || other == here) return;

  for (int64_t y = 0; y < grid.height; ++y) {
    for (int64_t x = 0; x < grid.width; ++x) {
      const double dy = static_cast<double>(y - centre_y) / half_height,
                   dx = static_cast<double>(x - centre_x) / half_width;
      if (dy * dy + dx * dx > 1) continue;
      const int64_t i = y * grid.width + x;
      for (int64_t c = 0; c < num_classes; ++c) {
        planes[c * num_cells + i] = (1 - kMistaken) * planes[c * num_cells + i] + (c == other ? kMistaken : 0);
      }
    }
  }
}

/// In place: class shares [num_classes][num_cells], of any sum, to logits.
void shares_to_logits(std::vector<float> &planes, int64_t num_cells, int64_t num_classes) {
  const float even = 1 / static_cast<float>(num_classes);
  for (int64_t i = 0; i < num_cells; ++i) {
    float total = 0;
    for (int64_t c = 0; c < num_classes; ++c) total += planes[c * num_cells + i];
    for (int64_t c = 0; c < num_classes; ++c) {
      const float share =
          total > 0 ? planes[c * num_cells + i] / total : even;  // far inside an ignored region: no idea
      planes[c * num_cells + i] = std::log((1 - kFloor) * share + kFloor * even);
    }
  }
}

}  // namespace

std::vector<int> majority_classes(const std::vector<float> &distribution, Grid grid, int64_t num_classes) {
  std::vector<int> classes(static_cast<size_t>(grid.num_cells()));
  for (int64_t i = 0; i < grid.num_cells(); ++i) {
    const float *shares = &distribution[i * num_classes];
    const float *largest = std::max_element(shares, shares + num_classes);
    classes[i] = *largest > 0 ? static_cast<int>(largest - shares) : kNoClass;
  }
  return classes;
}

std::vector<float> imperfect_logits(const std::vector<float> &distribution, Grid grid, int64_t num_classes) {
  const int64_t num_cells = grid.num_cells();
  const int64_t radius = std::max<int64_t>(1, std::max(grid.height, grid.width) / kCellsPerBlurCell);
  std::vector<float> planes(distribution.size());
  for (int64_t c = 0; c < num_classes; ++c) {
    for (int64_t i = 0; i < num_cells; ++i) planes[c * num_cells + i] = distribution[i * num_classes + c];
    blur_plane(&planes[c * num_cells], grid, radius);
  }
  const std::vector<int> truth = majority_classes(distribution, grid, num_classes);
  Draws draws;
  for (int patch = 0; patch < kNumPatches; ++patch) mistake_patch(planes, grid, num_classes, truth, draws);
  shares_to_logits(planes, num_cells, num_classes);
  return planes;
}

std::vector<int> predicted_classes(const std::vector<float> &logits, Grid grid, int64_t num_classes) {
  const int64_t num_cells = grid.num_cells();
  std::vector<int> classes(static_cast<size_t>(num_cells), 0);
  for (int64_t i = 0; i < num_cells; ++i) {
    for (int64_t c = 1; c < num_classes; ++c) {
      if (logits[c * num_cells + i] > logits[classes[i] * num_cells + i]) classes[i] = static_cast<int>(c);
    }
  }
  return classes;
}

double accuracy(const std::vector<int> &predicted, const std::vector<int> &truth) {
  int64_t num_right = 0, num_labelled = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] == kNoClass) continue;
    ++num_labelled;
    num_right += predicted[i] == truth[i];
  }
  return num_labelled > 0 ? static_cast<double>(num_right) / static_cast<double>(num_labelled) : 0;
}

}  // namespace demo

/// Small problems and comparisons that the oracle's own tests share.
#ifndef ARLOSS_TESTS_ORACLE_CASES_H
#define ARLOSS_TESTS_ORACLE_CASES_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "oracle.h"

namespace oracle {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr ScaleMode kModes[] = {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid};

inline std::string name_of(Penalty penalty) {
  const char* const names[] = {"Squared", "Absolute", "Huber", "CrossEntropy", "LogCosh"};
  return names[static_cast<int>(penalty)];
}

inline std::string name_of(ScaleMode mode) {
  const char* const names[] = {"Blend", "Separate", "Pyramid"};
  return names[static_cast<int>(mode)];
}

/// Uniform doubles, the same on every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53;
  }
  std::int64_t below(std::int64_t end) {
    return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(end));
  }

 private:
  std::mt19937_64 engine_;
};

struct Case {
  Problem problem;
  Inputs inputs;
};

inline std::int64_t cells_per_image(const Problem& problem) { return problem.depth * problem.height * problem.width; }

inline std::int64_t label_pixels(const Problem& problem) {
  return problem.batch * problem.label_depth * problem.label_height * problem.label_width;
}

inline Problem make_problem(std::int64_t batch, std::int64_t classes, std::vector<std::int64_t> grid,
                            std::vector<std::int64_t> label_grid) {
  Problem problem;
  problem.batch = batch;
  problem.classes = classes;
  problem.depth = grid[0];
  problem.height = grid[1];
  problem.width = grid[2];
  problem.label_depth = label_grid[0];
  problem.label_height = label_grid[1];
  problem.label_width = label_grid[2];
  return problem;
}

/// Random logits, labels and pixel weights. A tenth of the labels is ignored; where the problem has several cells, the
/// label pixels of each image's first cell are ignored and its last cell has pixel weight 0.
inline Case random_case(const Problem& problem, std::uint64_t seed) {
  Random random(seed);
  Case result = {problem, {}};
  const std::int64_t n = cells_per_image(problem);
  for (std::int64_t e = 0; e < problem.batch * problem.classes * n; ++e) {
    result.inputs.logits.push_back(random.uniform(-2.5, 2.5));
  }
  for (std::int64_t e = 0; e < label_pixels(problem); ++e) {
    const bool is_ignored = random.uniform(0, 1) < 0.1;
    result.inputs.labels.push_back(is_ignored ? problem.ignore_index : random.below(problem.classes));
  }
  for (std::int64_t e = 0; e < problem.batch * n; ++e) result.inputs.pixel_weights.push_back(random.uniform(0.2, 2));
  if (n == 1) return result;
  for (std::int64_t b = 0; b < problem.batch; ++b) {
    result.inputs.pixel_weights[b * n + n - 1] = 0;
    for (std::int64_t z = 0; z < problem.label_depth / problem.depth; ++z) {
      for (std::int64_t y = 0; y < problem.label_height / problem.height; ++y) {
        for (std::int64_t x = 0; x < problem.label_width / problem.width; ++x) {
          const std::int64_t row = (b * problem.label_depth + z) * problem.label_height + y;
          result.inputs.labels[row * problem.label_width + x] = problem.ignore_index;
        }
      }
    }
  }
  return result;
}

/// One image of height 1 with one label pixel per cell.
inline Case row_case(std::int64_t classes, const std::vector<std::vector<double>>& logits_of_cells,
                     const std::vector<std::int64_t>& labels) {
  const auto n = static_cast<std::int64_t>(labels.size());
  Case result = {make_problem(1, classes, {1, 1, n}, {1, 1, n}), {}};
  for (std::int64_t c = 0; c < classes; ++c) {
    for (std::int64_t i = 0; i < n; ++i) result.inputs.logits.push_back(logits_of_cells[i][c]);
  }
  result.inputs.labels = labels;
  return result;
}

inline Case small_batch(ScaleMode mode = ScaleMode::kBlend, Penalty penalty = Penalty::kSquared) {
  Problem problem = make_problem(2, 3, {1, 3, 5}, {1, 7, 11});
  problem.scales = {1, 2};
  problem.scale_weights = {0.7, 0.3};
  problem.scale_mode = mode;
  problem.penalty = penalty;
  return random_case(problem, 11);
}

inline double& logit(Case* target, std::int64_t b, std::int64_t c, std::int64_t i) {
  return target->inputs.logits[(b * target->problem.classes + c) * cells_per_image(target->problem) + i];
}

inline std::vector<double> softmax_of_cell(const Case& source, std::int64_t b, std::int64_t i) {
  const std::int64_t n = cells_per_image(source.problem), classes = source.problem.classes;
  std::vector<double> p(classes);
  double total = 0;
  for (std::int64_t c = 0; c < classes; ++c) total += p[c] = std::exp(source.inputs.logits[(b * classes + c) * n + i]);
  for (double& value : p) value /= total;
  return p;
}

inline double norm(const std::vector<double>& x) {
  double sum = 0;
  for (const double value : x) sum += value * value;
  return std::sqrt(sum);
}

/// |a - b| <= tolerance |b|; a NaN on either side fails.
inline void expect_close(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  std::vector<double> difference(a.size());
  std::transform(a.begin(), a.end(), b.begin(), difference.begin(), std::minus<double>());
  EXPECT_LE(norm(difference), tolerance * norm(b)) << "|a| " << norm(a) << ", |b| " << norm(b);
}

inline void expect_all_zero(const std::vector<double>& x) {
  for (const double value : x) EXPECT_EQ(value, 0.0);
}

}  // namespace oracle

#endif

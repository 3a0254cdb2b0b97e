#include "defects/sample_problem.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>

namespace emulator::defects {
namespace {

/// [num_pixels][num_classes]
std::vector<double> roots_of_softmax(const Problem& problem) {
  const auto classes = static_cast<std::size_t>(problem.num_classes);
  const auto pixels = static_cast<std::size_t>(problem.num_pixels);
  std::vector<double> roots(classes * pixels);
  for (std::size_t i = 0; i < pixels; ++i) {
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) sum += std::exp(double{problem.logits[c * pixels + i]});
    for (std::size_t c = 0; c < classes; ++c)
      roots[i * classes + c] = std::sqrt(std::exp(double{problem.logits[c * pixels + i]}) / sum);
  }
  return roots;
}

}  // namespace

Problem make_problem(int num_classes, int num_pixels) {
  std::mt19937 random(7);
  Problem problem{num_classes, num_pixels, {}, {}};
  for (int i = 0; i < num_classes * num_pixels; ++i)
    problem.logits.push_back(static_cast<float>(random() % 10001) * 8e-4f - 4.0f);
  for (int i = 0; i < num_pixels; ++i)
    problem.labels.push_back(static_cast<int>(random() % static_cast<unsigned>(num_classes)));
  return problem;
}

std::vector<double> reference_gram(const Problem& problem) {
  const auto classes = static_cast<std::size_t>(problem.num_classes);
  const std::vector<double> roots = roots_of_softmax(problem);
  std::vector<double> gram(classes * classes);
  for (std::size_t i = 0; i < roots.size(); i += classes)
    for (std::size_t a = 0; a < classes; ++a)
      for (std::size_t b = 0; b < classes; ++b) gram[a * classes + b] += roots[i + a] * roots[i + b];
  return gram;
}

double reference_pair_sum(const Problem& problem) {
  const auto classes = static_cast<std::size_t>(problem.num_classes);
  const std::vector<double> roots = roots_of_softmax(problem);
  double sum = 0;
  for (std::size_t i = 0; i < problem.labels.size(); ++i) {
    for (std::size_t j = 0; j < problem.labels.size(); ++j) {
      double product = 0;
      for (std::size_t c = 0; c < classes; ++c) product += roots[i * classes + c] * roots[j * classes + c];
      sum += std::fabs(product - (problem.labels[i] == problem.labels[j] ? 1 : 0));
    }
  }
  return sum;
}

bool is_right_gram(const Problem& problem, const std::vector<float>& gram) {
  const std::vector<double> wanted = reference_gram(problem);
  return std::equal(gram.begin(), gram.end(), wanted.begin(), wanted.end(),
                    [](float got, double want) { return std::fabs(got - want) <= 1e-5 * (1 + std::fabs(want)); });
}

bool is_right_pair_sum(const Problem& problem, double pair_sum) {
  const double wanted = reference_pair_sum(problem);
  return std::fabs(pair_sum - wanted) <= 1e-4 * wanted + 0x1p-10 * problem.num_pixels;
}

}  // namespace emulator::defects

#include "pair_workloads.h"

#include <string>

namespace bench {
namespace {

struct Goal {
  const char* workload;
  arloss_penalty_t penalty;
  double pairs_per_second;
};
/// Of halves for HUBER, two-term products for CROSS_ENTROPY, one scale, loss and gradient.
constexpr Goal kGoals[] = {{"W1", ARLOSS_PENALTY_HUBER, 2.8e12},
                           {"W4", ARLOSS_PENALTY_HUBER, 2.0e12},
                           {"W5", ARLOSS_PENALTY_HUBER, 0.65e12},
                           {"W1", ARLOSS_PENALTY_CROSS_ENTROPY, 1.0e12},
                           {"W2", ARLOSS_PENALTY_CROSS_ENTROPY, 1.0e12}};

double goal_of(const Case& timed) {
  for (const Goal& goal : kGoals)
    if (timed.penalty == goal.penalty && std::string(timed.workload.name) == goal.workload)
      return goal.pairs_per_second;
  return 0;
}

bool is_of_grid(const ImageShape& image) {
  return image.label_height == image.height && image.label_width == image.width;
}

}  // namespace

bool PairCase::is_hard() const { return is_of_grid(timed.workload.image) && timed.scales.size() == 1; }

double PairCase::num_pairs() const {
  const auto rows = static_cast<double>(rows_of_a_group());
  return static_cast<double>(timed.workload.batch) * rows * rows;
}

bool has_pair_cases(const Workload& workload) { return std::string(workload.name) <= "W5"; }

Workload with_labels_of_grid(Workload workload) {
  workload.image.label_height = workload.image.height;
  workload.image.label_width = workload.image.width;
  return workload;
}

std::vector<PairCase> pair_cases_of(const Workload& workload) {
  const auto of = [&](arloss_penalty_t penalty, const std::vector<std::int32_t>& scales = {1}, bool is_exact = false) {
    return Case{workload, ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_UINT8, scales, penalty, is_exact};
  };
  if (!is_of_grid(workload.image)) return {{of(ARLOSS_PENALTY_ABSOLUTE), true, 0}};
  const Case huber = of(ARLOSS_PENALTY_HUBER), cross_entropy = of(ARLOSS_PENALTY_CROSS_ENTROPY);
  return {{huber, true, goal_of(huber)},
          {of(ARLOSS_PENALTY_HUBER, {1}, true), true, 0},
          {of(ARLOSS_PENALTY_HUBER, {1, 2, 4}), true, 0},
          {huber, false, 0},
          {cross_entropy, true, goal_of(cross_entropy)}};
}

}  // namespace bench

// Cases of the tests' list as adapters to engines are given them.
#pragma once
#include <arloss/arloss.hpp>

#include "support/case_lists.h"

namespace support {

inline arloss::LossOptions loss_options_of(const CaseSpec& spec) {
  const arloss_problem_t problem = api_problem(spec);
  arloss::LossOptions options;
  options.scales.assign(problem.scales, problem.scales + problem.num_scales);
  if (!spec.problem.scale_weights.empty())
    options.scale_weights.assign(problem.scale_weights, problem.scale_weights + problem.num_scales);
  options.scale_mode = problem.scale_mode;
  options.penalty = problem.penalty;
  options.penalty_param = problem.penalty_param;
  options.span = problem.span;
  options.loss_weight = problem.loss_weight;
  return options;
}

/// Two images with labels finer than the grid by no whole ratio, and ignored ones.
inline CaseSpec fine_spec() {
  CaseSpec spec = plain_spec(2, 5, 6, 7);
  set_label_grid(spec, 13, 15);
  spec.problem.scales = {1, 2};
  return spec;
}

}  // namespace support

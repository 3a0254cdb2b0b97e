#include "plan/plan.h"

namespace arloss {

std::unique_ptr<arloss_plan> make_plan(const arloss_problem_t& asked_problem, const arloss_options_t& asked_options) {
  auto plan = std::make_unique<arloss_plan>();
  plan->problem = check_problem(asked_problem);
  plan->options = check_options(asked_options);
  plan->choice = choose_route(plan->problem, plan->options);
  const auto make_backend = plan->options.device == ARLOSS_DEVICE_CUDA ? make_cuda_backend : make_cpu_backend;
  plan->backend = make_backend(plan->problem, plan->options, plan->choice.route);
  return plan;
}

}  // namespace arloss

#include "plan/plan.h"

#include "plan/refusal.h"

namespace arloss {

std::unique_ptr<arloss_plan> make_plan(const arloss_problem_t& asked_problem, const arloss_options_t& asked_options) {
  auto plan = std::make_unique<arloss_plan>();
  plan->problem = check_problem(asked_problem);
  plan->options = check_options(asked_options);
  if (plan->options.device == ARLOSS_DEVICE_CUDA)
    throw Refusal(ARLOSS_STATUS_UNSUPPORTED, Message()
                                                 << "options.device is CUDA (" << static_cast<int>(plan->options.device)
                                                 << "), but this library was built without CUDA");
  plan->choice = choose_route(plan->problem, plan->options);
  plan->backend = make_cpu_backend(plan->problem, plan->options, plan->choice.route);
  return plan;
}

}  // namespace arloss

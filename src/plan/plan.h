#ifndef ARLOSS_PLAN_PLAN_H
#define ARLOSS_PLAN_PLAN_H

#include <memory>
#include <string>

#include "plan/backend.h"
#include "plan/problem.h"
#include "plan/routes.h"

/// The opaque plan of the C API: the problem, the decision, and the backend that runs it. Immutable.
struct arloss_plan {
  arloss::Problem problem;
  arloss::Options options;
  arloss::Choice choice;
  std::unique_ptr<arloss::Backend> backend;
};

namespace arloss {

/// Check, choose, book. Throws Refusal, or std::bad_alloc.
std::unique_ptr<arloss_plan> make_plan(const arloss_problem_t& problem, const arloss_options_t& options);

/// The text of arloss_plan_describe.
std::string describe(const arloss_plan& plan);

}  // namespace arloss

#endif

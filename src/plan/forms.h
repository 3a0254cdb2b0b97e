#ifndef ARLOSS_PLAN_FORMS_H
#define ARLOSS_PLAN_FORMS_H

#include "math/factored_form.h"
#include "plan/problem.h"
#include "plan/routes.h"

namespace arloss {

/// The sums and matrices of a factored route.
math::FactoredForm factored_form(const Problem& problem, Route route);
math::Reduction reduction_of(const Problem& problem);

}  // namespace arloss

#endif

#include "support/sweep.h"

#include <gtest/gtest.h>

#include "support/simd_targets.h"

namespace support {

void for_each_plan(const CaseSpec& spec, const arloss_problem_t& problem, const std::function<void(const Plan&)>& body,
                   std::size_t case_index) {
  SCOPED_TRACE(describe(spec));
  for (const std::int64_t target : simd_targets_for(case_index)) {
    const ScopedSimdTarget scope(target);
    for (const arloss_algorithm_t algorithm : algorithms_of(spec)) {
      SCOPED_TRACE(std::string(simd_target_name(target)) + ", " + name_of(algorithm));
      const Plan plan(problem, make_options(algorithm, spec.num_threads));
      ASSERT_EQ(plan.status(), ARLOSS_STATUS_SUCCESS) << plan.message();
      expect_target(plan, target);
      body(plan);
    }
  }
}

}  // namespace support

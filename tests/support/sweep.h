#ifndef ARLOSS_TESTS_SWEEP_H
#define ARLOSS_TESTS_SWEEP_H

#include <cstddef>
#include <functional>

#include "support/runner.h"

namespace support {

/// Calls `body` with a plan of the problem for every SIMD target and, on each, every algorithm that is exact for it. In
/// a thinned build `case_index` picks one of the targets.
void for_each_plan(const CaseSpec& spec, const arloss_problem_t& problem, const std::function<void(const Plan&)>& body,
                   std::size_t case_index = 0);

}  // namespace support

#endif

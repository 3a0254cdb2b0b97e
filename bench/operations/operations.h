#ifndef ARLOSS_BENCH_OPERATIONS_H
#define ARLOSS_BENCH_OPERATIONS_H

#include <memory>

#include "prepared_case.h"

namespace bench {

std::unique_ptr<TimedCall> make_pool(const CaseSettings& settings);
std::unique_ptr<TimedCall> make_forward(const CaseSettings& settings);
std::unique_ptr<TimedCall> make_backward(const CaseSettings& settings);
std::unique_ptr<TimedCall> make_forward_backward(const CaseSettings& settings);
std::unique_ptr<TimedCall> make_pairwise(const CaseSettings& settings);
std::unique_ptr<TimedCall> make_affinity_rows(const CaseSettings& settings);
std::unique_ptr<TimedCall> make_check(const CaseSettings& settings);

/// The penalty that make_pairwise times, for its rival.
CaseSettings with_pair_penalty(CaseSettings settings);

}  // namespace bench

#endif

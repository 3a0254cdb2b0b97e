#ifndef ARLOSS_PLAN_PENALTIES_H
#define ARLOSS_PLAN_PENALTIES_H

#include <cstddef>
#include <iterator>
#include <limits>

#include "arloss/arloss.h"

namespace arloss {

/// What is known of a penalty beside its formula (src/math/penalty-inl.h).
struct PenaltyFacts {
  const char* name;
  double default_param;     // 0: it has no parameter
  double param_end;         // the parameter lies below
  const char* linear_form;  // when it has one; nullptr: never
  int class_flops;          // of a pair's residual, per class; 10 where it is formed of differences (math.md, eq. 23)
  int flops;                // about, of one value and slope
};

inline constexpr double kNoEnd = std::numeric_limits<double>::infinity();

/// One row for each value of arloss_penalty_t, in their order.
inline constexpr PenaltyFacts kPenalties[] = {
    {"SQUARED", 0, kNoEnd, "always", 2, 2},
    {"ABSOLUTE", 0, kNoEnd, "with hard labels: labels on the logits grid and scales {1}", 10, 3},
    {"HUBER", 0.1, kNoEnd, "with delta >= 1: half of SQUARED, linear in the cells", 2, 6},
    {"CROSS_ENTROPY", 1e-4, 0.5, nullptr, 10, 150},
    {"LOG_COSH", 0.1, kNoEnd, nullptr, 2, 65},
};
inline constexpr int kNumPenalties = static_cast<int>(std::size(kPenalties));

inline const PenaltyFacts& facts_of(arloss_penalty_t penalty) { return kPenalties[static_cast<std::size_t>(penalty)]; }

}  // namespace arloss

#endif

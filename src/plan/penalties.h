#ifndef ARLOSS_PLAN_PENALTIES_H
#define ARLOSS_PLAN_PENALTIES_H

#include <cstddef>
#include <iterator>
#include <limits>

#include "arloss/arloss.h"

namespace arloss {

inline constexpr double kNoEnd = std::numeric_limits<double>::infinity();

/// What is known of a penalty beside its formula (src/math/penalty-inl.h).
struct PenaltyFacts {
  const char* name;
  double default_param;     // 0: it has no parameter
  double param_end;         // the parameter lies below
  const char* linear_form;  // when it has one; nullptr: never
  bool takes_differences;   // A - B by differences of rows (math.md, eq. 23): kAffinities of its functor
  int flops;                // about, of one value and slope
  /// From where on single halves hold a device's default accuracy (docs/numerics.md); kNoEnd: nowhere.
  double least_half_param;
};

/// One row for each value of arloss_penalty_t, in their order.
inline constexpr PenaltyFacts kPenalties[] = {
    {"SQUARED", 0, kNoEnd, "always", false, 2, 0},
    {"ABSOLUTE", 0, kNoEnd, "with hard labels: labels on the logits grid and scales {1}", true, 3, kNoEnd},
    {"HUBER", 0.1, kNoEnd, "with delta >= 1: half of SQUARED, linear in the cells", false, 6, 0.05},
    {"CROSS_ENTROPY", 1e-4, 0.5, nullptr, true, 150, kNoEnd},
    {"LOG_COSH", 0.1, kNoEnd, nullptr, false, 65, 0.5},
};
inline constexpr int kNumPenalties = static_cast<int>(std::size(kPenalties));

inline const PenaltyFacts& facts_of(arloss_penalty_t penalty) { return kPenalties[static_cast<std::size_t>(penalty)]; }

}  // namespace arloss

#endif

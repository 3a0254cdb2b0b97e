// arloss_forward_backward over all pairs, under a penalty that has no linear form: HUBER of 0.1.
#include "operations.h"

namespace bench {

CaseSettings with_pair_penalty(CaseSettings settings) {
  settings.penalty = ARLOSS_PENALTY_HUBER;
  settings.penalty_param = 0.1F;
  return settings;
}

std::unique_ptr<TimedCall> make_pairwise(const CaseSettings& settings) {
  return make_forward_backward(with_pair_penalty(settings));
}

}  // namespace bench

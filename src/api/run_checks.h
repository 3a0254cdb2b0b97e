#ifndef ARLOSS_API_RUN_CHECKS_H
#define ARLOSS_API_RUN_CHECKS_H

#include <cstddef>

#include "plan/plan.h"

namespace arloss {

/// Which of the caller's tensors a run call needs.
enum Needs : unsigned {
  kNeedsLogits = 1,
  kNeedsLabels = 2,
  kNeedsLoss = 4,
  kNeedsGradient = 8,
};

/// A buffer as the caller named and sized it.
struct SizedBuffer {
  const void* data;
  std::size_t bytes;
};

/// SUCCESS, or a status with its message kept: NULL, misaligned, overlapping or too small. Looks at addresses only.
arloss_status_t check_argument(const char* name, const void* data, std::size_t element_bytes);
arloss_status_t check_tensors(const arloss_plan* plan, const arloss_tensors_t* io, unsigned needs);
arloss_status_t check_state(const arloss_plan& plan, const SizedBuffer& state);
arloss_status_t check_workspace(const arloss_plan& plan, const SizedBuffer& workspace);

/// SUCCESS, or the status and message of what the backend found.
arloss_status_t report_fault(const arloss_plan& plan, const RunFault& fault);

}  // namespace arloss

#endif

#include "support/simd_targets.h"

#include <gtest/gtest.h>

#include "hwy/targets.h"
#include "support/thinning.h"

namespace support {

const std::vector<std::int64_t>& simd_targets() {
  static const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
  return targets;
}

const char* simd_target_name(std::int64_t target) { return hwy::TargetName(target); }

std::vector<std::int64_t> simd_targets_for(std::size_t case_index) {
  if (!kIsThinned) return simd_targets();
  return {simd_targets()[case_index % simd_targets().size()]};
}

ScopedSimdTarget::ScopedSimdTarget(std::int64_t target) {
  simd_targets();  // read before any is hidden
  hwy::SetSupportedTargetsForTest(target);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

ScopedSimdTarget::~ScopedSimdTarget() {
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

void expect_target(const Plan& plan, std::int64_t target) {
  EXPECT_EQ(plan.described("simd"), simd_target_name(target)) << plan.description();
}

}  // namespace support

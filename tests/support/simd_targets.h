#ifndef ARLOSS_TESTS_SIMD_TARGETS_H
#define ARLOSS_TESTS_SIMD_TARGETS_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/runner.h"

namespace support {

/// Highway's targets that this build contains and this machine can run, best first, the portable one last.
const std::vector<std::int64_t>& simd_targets();
const char* simd_target_name(std::int64_t target);

/// The targets the case with this number runs on: all, or, in a thinned build, one after the other.
std::vector<std::int64_t> simd_targets_for(std::size_t case_index);

/// While it lives, plans are made for that target. The library and this program share Highway's choice, which is read
/// when a plan is made.
class ScopedSimdTarget {
 public:
  explicit ScopedSimdTarget(std::int64_t target);
  ~ScopedSimdTarget();
  ScopedSimdTarget(const ScopedSimdTarget&) = delete;
  ScopedSimdTarget& operator=(const ScopedSimdTarget&) = delete;
};

/// The plan says it runs on that target.
void expect_target(const Plan& plan, std::int64_t target);

}  // namespace support

#endif

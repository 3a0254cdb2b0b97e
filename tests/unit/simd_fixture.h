#ifndef ARLOSS_TESTS_SIMD_FIXTURE_H
#define ARLOSS_TESTS_SIMD_FIXTURE_H

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "cpu/simd/simd_kernels.h"
#include "hwy/targets.h"

namespace arloss::cpu {

/// Highway's targets that this build contains and this machine can run, best first, the portable one last.
inline const std::vector<std::int64_t>& simd_targets() {
  static const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
  return targets;
}

/// A kernel test: runs on each of simd_targets(), with kernels() those of that target.
class SimdTest : public ::testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override {
    choose(GetParam());
    ASSERT_STREQ(kernels().target_name, hwy::TargetName(GetParam()));
  }
  void TearDown() override { choose(0); }

  const SimdKernels& kernels() const { return simd_kernels(); }

 private:
  /// 0: whatever the machine supports.
  static void choose(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

inline std::string target_name_of(const ::testing::TestParamInfo<std::int64_t>& test) {
  return hwy::TargetName(test.param);
}

#define ARLOSS_ON_EVERY_TARGET(Suite) \
  INSTANTIATE_TEST_SUITE_P(Simd, Suite, ::testing::ValuesIn(simd_targets()), target_name_of)

/// The arithmetic of references.
using Real = long double;

inline ::testing::AssertionResult is_near(Real actual, Real expected, Real tolerance) {
  if (std::fabs(actual - expected) <= tolerance) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << actual << " is " << actual - expected << " from " << expected
                                       << ", more than " << tolerance << "; ";
}

/// A tile as the kernels take them: `rows` rows of `stride` floats, cells fastest.
struct Tile {
  Tile(std::int64_t num_rows, int row_stride, float fill = 0)
      : stride(row_stride), values(static_cast<std::size_t>(num_rows * row_stride), fill) {}

  float& at(std::int64_t row, std::int64_t i) { return values[static_cast<std::size_t>(row * stride + i)]; }
  float at(std::int64_t row, std::int64_t i) const { return values[static_cast<std::size_t>(row * stride + i)]; }
  float* data() { return values.data(); }
  const float* data() const { return values.data(); }

  std::int64_t stride;
  std::vector<float> values;
};

}  // namespace arloss::cpu

#endif

/// The penalty functors in plain floats, one pair at a time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "arloss/arloss.h"

namespace {

/// The verbs of penalty-inl.h for one float, each with the error a device's may have.
struct ScalarOps {
  using Number = float;
  static float set(float value) { return value; }
  static float add(float a, float b) { return a + b; }
  static float sub(float a, float b) { return a - b; }
  static float mul(float a, float b) { return a * b; }
  static float div(float a, float b) { return a / b; }
  static float mul_add(float a, float b, float c) { return std::fma(a, b, c); }
  static float inverse(float a) { return 1 / a * (1 + 0x1p-23f); }
  static float exp(float a) { return std::exp(a) * (1 - 0x1p-22f); }
  static float neg(float a) { return -a; }
  static float abs(float a) { return std::fabs(a); }
  static float min(float a, float b) { return std::fmin(a, b); }
  static float max(float a, float b) { return std::fmax(a, b); }
  static float select_less(float a, float b, float yes, float no) { return a < b ? yes : no; }
};

#define ARLOSS_FUNCTION
#include "math/penalty-inl.h"
#undef ARLOSS_FUNCTION

using Value = Penalty<ScalarOps>;

Value log_cosh(float d, float delta) { return LogCosh<ScalarOps>(delta)({d, {}, {}}); }

/// Calls body(d) for residuals from 1e-12 to 1, both signs.
template <class Body>
void for_each_residual(Body body) {
  for (float d = 1e-12f; d < 1; d *= 1.01f) body(d), body(-d);
  body(1.0f), body(-1.0f);
}

TEST(LogCosh, IsExactToFloat32ForEveryDelta) {
  for (const float delta : {1e-3f, 3e-3f, 0.01f, 0.1f, 0.5f, 1.0f, 1.7f, 30.0f, 1e3f})
    for_each_residual([delta](float d) {
      const double x = static_cast<double>(d) / delta, half = std::tanh(x / 2);
      // 1 - tanh^2 has no digits left where x - log 2 has them all.
      const double value = std::fabs(x) < 8 ? 2 * std::atanh(half * half)
                                            : std::fabs(x) + std::log1p(std::exp(-2 * std::fabs(x))) - std::log(2.0);
      const Value got = log_cosh(d, delta);
      ASSERT_NEAR(got.value, value, 1e-6 * value) << d << " of delta " << delta;
      ASSERT_NEAR(got.slope, std::tanh(x) / delta, 5e-7 * std::fabs(std::tanh(x) / delta))
          << d << " of delta " << delta;
    });
}

TEST(LogCosh, IsEvenWithAnOddSlope) {
  for_each_residual([](float d) {
    EXPECT_EQ(log_cosh(d, 0.1f).value, log_cosh(-d, 0.1f).value);
    EXPECT_EQ(log_cosh(d, 0.1f).slope, -log_cosh(-d, 0.1f).slope);
  });
}

TEST(LogCosh, NeitherOverflowsNorLosesANaN) {
  const float smallest = std::numeric_limits<float>::denorm_min(), largest = std::numeric_limits<float>::max();
  for (const float delta : {smallest, 1e-30f, 1e-3f, 1.0f, largest}) {
    EXPECT_EQ(log_cosh(0, delta).value, 0) << delta;
    EXPECT_EQ(log_cosh(0, delta).slope, 0) << delta;
    EXPECT_TRUE(std::isfinite(log_cosh(1, delta).value)) << delta;
    EXPECT_TRUE(std::isfinite(log_cosh(-1, delta).slope)) << delta;
    EXPECT_TRUE(std::isnan(log_cosh(std::nanf(""), delta).value)) << delta;
  }
}

/// Small |d| / delta: the square, large: the distance. HUBER's two branches, smoothed.
TEST(LogCosh, JoinsSquareAndDistance) {
  EXPECT_NEAR(1e6f * log_cosh(0.5f, 1e3f).value, 0.125, 1e-6);
  EXPECT_NEAR(1e-3f * log_cosh(0.5f, 1e-3f).value, 0.5 - 1e-3 * std::log(2.0), 1e-6);
}

/// One formula for both branches: a clamped slope g, and g (d - g / 2).
TEST(Huber, HasItsTwoBranches) {
  for_each_residual([](float d) {
    const double delta = 0.1f, size = std::fabs(d);
    const Value got = Huber<ScalarOps>(0.1f)({d, {}, {}});
    const double value = size <= delta ? size * size / 2 : delta * (size - delta / 2);
    ASSERT_NEAR(got.value, value, 2e-7 * value) << d;
    ASSERT_EQ(got.slope, std::copysign(std::min(size, delta), d)) << d;
  });
}

}  // namespace

#include <gtest/gtest.h>

#include <cmath>

#include "self_test/map_kernel.cuh"
#include "self_test/values.h"

/// The toolkit's mathematical functions, whole programs of integer and float instructions with tables in constant
/// memory and slow paths that are called. Twice the documented errors are allowed.
namespace emulator::self_test {
namespace {

constexpr int kFunctions = 10;

template <class T>
struct Functions {
  static __device__ T device(T a, u32 which) {
    switch (which) {
      case 0: return exp(a);
      case 1: return log(fabs(a));
      case 2: return sin(a);
      case 3: return cos(a);
      case 4: return tanh(a);
      case 5: return erf(a);
      case 6: return cbrt(a);
      case 7: return pow(fabs(a), T(1.7));
      case 8: return atan2(a, T(2.5));
      default: return log1p(fabs(a));
    }
  }
  static long double exact(T argument, u32 which) {
    const long double a = argument;
    switch (which) {
      case 0: return std::exp(a);
      case 1: return std::log(std::fabs(a));
      case 2: return std::sin(a);
      case 3: return std::cos(a);
      case 4: return std::tanh(a);
      case 5: return std::erf(a);
      case 6: return std::cbrt(a);
      case 7: return std::pow(std::fabs(a), static_cast<long double>(T(1.7)));
      case 8: return std::atan2(a, 2.5L);
      default: return std::log1p(std::fabs(a));
    }
  }
};

/// The largest documented error is 4 units in the last place (powf).
template <class T>
void check_functions(const char* name, const Format& format, const std::vector<T>& values) {
  Checks checks(name);
  for (u32 which = 0; which < kFunctions; ++which) {
    const std::vector<u32> selectors(values.size(), which);
    const std::vector<T> got = map_on_device<Functions<T>, T>(values, selectors);
    for (std::size_t i = 0; i < values.size(); ++i) {
      // Past the end of the format's range the result is infinite.
      const long double exact = round_to(Functions<T>::exact(values[i], which), format, Rounding::kNearestEven);
      const long double tolerance = std::fabs(exact) * 8 * std::numeric_limits<T>::epsilon();
      checks.close(got[i], exact, tolerance, [&] { return text_of_arguments(values[i], which); });
    }
  }
}

TEST(MathFunctions, Single) {
  std::vector<float> values = {1e-6f, 0.5f, -0.7f, 1.0f, 2.5f, -3.1f, 20.0f, -30.0f, 80.0f, 12345.678f, 1e10f, -3e12f};
  for (float value = -9.0f; value < 9.0f; value += 0.37f) values.push_back(value);
  check_functions("single-precision functions", kSingle, values);
}

TEST(MathFunctions, Double) {
  std::vector<double> values = {1e-9, 0.5, -0.7, 1.0, 2.5, -3.1, 20.0, -30.0, 300.0, 12345.678, 1e15, -3e22};
  for (double value = -9.0; value < 9.0; value += 0.37) values.push_back(value);
  check_functions("double-precision functions", kDouble, values);
}

}  // namespace
}  // namespace emulator::self_test

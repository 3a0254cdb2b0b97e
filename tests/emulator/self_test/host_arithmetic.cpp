#include "self_test/host_arithmetic.h"

#include <cfenv>
#include <cmath>

namespace emulator::self_test::host {
namespace {

int mode_of(Rounding rounding) {
  switch (rounding) {
    case Rounding::kZero: return FE_TOWARDZERO;
    case Rounding::kDown: return FE_DOWNWARD;
    case Rounding::kUp: return FE_UPWARD;
    default: return FE_TONEAREST;
  }
}

class RoundingScope {
 public:
  explicit RoundingScope(Rounding rounding) { std::fesetround(mode_of(rounding)); }
  RoundingScope(const RoundingScope&) = delete;
  RoundingScope& operator=(const RoundingScope&) = delete;
  ~RoundingScope() { std::fesetround(FE_TONEAREST); }
};

}  // namespace

// Operands and results are volatile so that the compiler neither computes them itself nor moves them out of the scope.

template <class T>
T add(T a, T b, Rounding rounding) {
  const RoundingScope scope(rounding);
  const volatile T x = a, y = b;
  const volatile T result = x + y;
  return result;
}

template <class T>
T multiply(T a, T b, Rounding rounding) {
  const RoundingScope scope(rounding);
  const volatile T x = a, y = b;
  const volatile T result = x * y;
  return result;
}

template <class T>
T divide(T a, T b, Rounding rounding) {
  const RoundingScope scope(rounding);
  const volatile T x = a, y = b;
  const volatile T result = x / y;
  return result;
}

template <class T>
T square_root(T a, Rounding rounding) {
  const RoundingScope scope(rounding);
  const volatile T x = a;
  const volatile T result = std::sqrt(x);
  return result;
}

template <class T>
T multiply_add(T a, T b, T c, Rounding rounding) {
  const RoundingScope scope(rounding);
  const volatile T x = a, y = b, z = c;
  const volatile T result = std::fma(static_cast<T>(x), static_cast<T>(y), static_cast<T>(z));
  return result;
}

template float add(float, float, Rounding);
template double add(double, double, Rounding);
template float multiply(float, float, Rounding);
template double multiply(double, double, Rounding);
template float divide(float, float, Rounding);
template double divide(double, double, Rounding);
template float square_root(float, Rounding);
template double square_root(double, Rounding);
template float multiply_add(float, float, float, Rounding);
template double multiply_add(double, double, double, Rounding);

}  // namespace emulator::self_test::host

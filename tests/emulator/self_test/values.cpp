#include "self_test/values.h"

#include <cmath>
#include <limits>

namespace emulator::self_test {
namespace {

template <class T>
void append(std::vector<T>& values, const std::vector<T>& more) {
  values.insert(values.end(), more.begin(), more.end());
}

/// Both signs of every value.
template <class T>
std::vector<T> signed_values(const std::vector<T>& magnitudes) {
  std::vector<T> result;
  for (const T magnitude : magnitudes) append(result, {magnitude, -magnitude});
  return result;
}

template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  return signed_values<T>({T{0}, Limits::denorm_min(), Limits::min() - Limits::denorm_min(), Limits::min(),
                           Limits::max(), Limits::infinity(), Limits::quiet_NaN()});
}

template <class T>
std::vector<T> ordinary_values() {
  const T epsilon = std::numeric_limits<T>::epsilon();
  return signed_values<T>({T{1}, 1 + epsilon, 1 - epsilon / 2, T(1.5), T{3}, T(0.1), T(1e-10), T(1e10), T(123456.789)});
}

}  // namespace

std::vector<u32> random_words(std::size_t count, u32 seed) {
  std::vector<u32> result(count);
  u64 state = seed;
  for (u32& word : result) {
    state = state * 6364136223846793005u + 1442695040888963407u;  // Knuth's MMIX generator; the upper half is good
    word = static_cast<u32>(state >> 32);
  }
  return result;
}

std::vector<u32> words() {
  std::vector<u32> result = {0,          1,          2,          3,          31,         32,
                             33,         0x7F,       0x80,       0xFF,       0x100,      0x7FFF,
                             0x8000,     0xFFFF,     0x10000,    0x7FFFFFFF, 0x80000000, 0x80000001,
                             0xFFFF8000, 0xFFFFFF80, 0xFFFFFFFE, 0xFFFFFFFF, 0x55555555, 0xAAAAAAAA};
  append(result, random_words(16, 1));
  return result;
}

std::vector<u32> few_words() {
  std::vector<u32> result = {0, 1, 0x7F, 0x80, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  append(result, random_words(5, 2));
  return result;
}

std::vector<u64> long_words() {
  std::vector<u64> result = {0,
                             1,
                             2,
                             63,
                             64,
                             0x7FFFFFFF,
                             0x80000000,
                             0xFFFFFFFF,
                             0x100000000,
                             0x7FFFFFFFFFFFFFFF,
                             0x8000000000000000,
                             0x8000000000000001,
                             0xFFFFFFFF00000000,
                             0xFFFFFFFF80000000,
                             0xFFFFFFFFFFFFFFFF};
  const std::vector<u32> halves = random_words(32, 3);
  for (std::size_t i = 0; i + 1 < halves.size(); i += 2) result.push_back(u64{halves[i]} << 32 | halves[i + 1]);
  return result;
}

std::vector<float> few_floats() {
  std::vector<float> result = special_values<float>();
  append(result, {1.0f, -1.0f, 1.00000012f, 3.0f, -0.1f, 1.7e38f});
  return result;
}

std::vector<double> few_doubles() {
  std::vector<double> result = special_values<double>();
  append(result, {1.0, -1.0, 1 + std::numeric_limits<double>::epsilon(), 3.0, -0.1, 9e307});
  return result;
}

std::vector<float> floats() {
  std::vector<float> result = special_values<float>();
  append(result, ordinary_values<float>());
  append(result, as<float>(random_words(30, 4)));
  return result;
}

std::vector<double> doubles() {
  std::vector<double> result = special_values<double>();
  append(result, ordinary_values<double>());
  for (const float value : as<float>(random_words(30, 5))) result.push_back(double{value} * 1.000000001);
  return result;
}

std::vector<float> floats_near(const Format& format) {
  std::vector<float> result = special_values<float>();
  const int subnormal = 1 - format.max_exponent - (format.precision - 1);  // exponent of the smallest subnormal value
  for (const int exponent : {subnormal - 2, subnormal - 1, subnormal, subnormal + 1, subnormal + 3,
                             -format.max_exponent, 1 - format.max_exponent, -1, 0, 1, 7, 15, format.max_exponent}) {
    for (int step = -6; step <= 6; ++step) {
      // Quarters of the last place around the power of two: ties, and both sides of ties.
      const double last_place = std::ldexp(1.0, exponent - (format.precision - 1));
      const auto value = static_cast<float>(std::ldexp(1.0, exponent) + step * last_place / 4);
      if (std::isfinite(value))
        append(result, {value, -value, std::nextafter(value, 0.0f), std::nextafter(value, 3e38f)});
    }
  }
  append(result, as<float>(random_words(200, 6)));
  return result;
}

std::vector<u16> half_patterns() {
  return {0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x8400, 0x3C00, 0xBC00, 0x3C01, 0x3BFF, 0x4200,
          0x2E66, 0xC248, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0xFE01, 0x5640, 0x1234, 0xD678, 0x68F1};
}

std::vector<u16> bfloat_patterns() {
  return {0x0000, 0x8000, 0x0001, 0x8001, 0x007F, 0x0080, 0x8080, 0x3F80, 0xBF80, 0x3F81, 0x3F7F, 0x4040,
          0x3DCC, 0xC049, 0x7F7F, 0xFF7F, 0x7F80, 0xFF80, 0x7FC0, 0xFFC1, 0x42C8, 0x1234, 0xD678, 0x68F1};
}

}  // namespace emulator::self_test

#include <gtest/gtest.h>

#include <cmath>

#include "self_test/map_kernel.cuh"
#include "self_test/values.h"

/// The .approx instructions, within the error bounds of the PTX ISA, and their special values.
namespace emulator::self_test {
namespace {

constexpr float kInfinity = INFINITY;

/// Half a last place of float32 beside the documented bound: the exact value itself need not be a float.
long double relative(long double exact, int log2_of_bound) {
  return std::fabs(exact) * (std::ldexp(1.0L, log2_of_bound) + std::ldexp(1.0L, -25)) + 0x1p-149L;
}

struct Exponential {
  static constexpr const char* kName = "ex2.approx.f32";
  static __device__ float device(float a) {
    float result;
    asm("ex2.approx.f32 %0, %1;" : "=f"(result) : "f"(a));
    return result;
  }
  static long double exact(float a) { return std::exp2(static_cast<long double>(a)); }
  static long double tolerance(long double exact, float) { return relative(exact, -22); }
};

struct FlushedExponential {
  static constexpr const char* kName = "ex2.approx.ftz.f32";
  static __device__ float device(float a) {
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(a));
    return result;
  }
  static long double exact(float a) { return Exponential::exact(a); }
  static long double tolerance(long double exact, float) { return relative(exact, -22); }
};

struct Logarithm {
  static constexpr const char* kName = "lg2.approx.f32";
  static __device__ float device(float a) {
    float result;
    asm("lg2.approx.f32 %0, %1;" : "=f"(result) : "f"(a));
    return result;
  }
  static long double exact(float a) { return std::log2(static_cast<long double>(a)); }
  /// Between 1/2 and 2, where the logarithm crosses zero, the bound is absolute.
  static long double tolerance(long double exact, float a) {
    return a > 0.5f && a < 2.0f ? 0x1p-22L + 0x1p-25L : relative(exact, -22);
  }
};

struct Reciprocal {
  static constexpr const char* kName = "rcp.approx.ftz.f32";
  static __device__ float device(float a) {
    float result;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(a));
    return result;
  }
  static long double exact(float a) { return 1 / static_cast<long double>(a); }
  static long double tolerance(long double exact, float) { return relative(exact, -23); }
};

struct ReciprocalRoot {
  static constexpr const char* kName = "rsqrt.approx.f32";
  static __device__ float device(float a) { return rsqrtf(a); }
  static long double exact(float a) { return 1 / std::sqrt(static_cast<long double>(a)); }
  static long double tolerance(long double exact, float) { return relative(exact, -22); }
};

struct Root {
  static constexpr const char* kName = "sqrt.approx.f32";
  static __device__ float device(float a) {
    float result;
    asm("sqrt.approx.f32 %0, %1;" : "=f"(result) : "f"(a));
    return result;
  }
  static long double exact(float a) { return std::sqrt(static_cast<long double>(a)); }
  static long double tolerance(long double exact, float) { return relative(exact, -22); }
};

struct Tangent {
  static constexpr const char* kName = "tanh.approx.f32";
  static __device__ float device(float a) {
    float result;
    asm("tanh.approx.f32 %0, %1;" : "=f"(result) : "f"(a));
    return result;
  }
  static long double exact(float a) { return std::tanh(static_cast<long double>(a)); }
  static long double tolerance(long double exact, float) { return relative(exact, -11); }
};

struct Sine {
  static constexpr const char* kName = "sin.approx.f32";
  static __device__ float device(float a) { return __sinf(a); }
  static long double exact(float a) { return std::sin(static_cast<long double>(a)); }
  static long double tolerance(long double, float) { return std::exp2(-20.5L); }
};

struct Cosine {
  static constexpr const char* kName = "cos.approx.f32";
  static __device__ float device(float a) { return __cosf(a); }
  static long double exact(float a) { return std::cos(static_cast<long double>(a)); }
  static long double tolerance(long double, float) { return std::exp2(-20.5L); }
};

/// Evenly spread, with the ends and 0 where it lies between.
std::vector<float> spread(float from, float to) {
  std::vector<float> result = {from, to};
  constexpr int kSteps = 500;
  for (int i = 1; i < kSteps; ++i) result.push_back(from + (to - from) * static_cast<float>(i) / kSteps);
  return result;
}

/// Positive normal floats of every size.
std::vector<float> positive_floats() {
  std::vector<float> result = spread(0.4f, 2.1f);
  for (const u32 word : random_words(300, 14))
    result.push_back(std::ldexp(1.0f + static_cast<float>(word >> 9) * 0x1p-23f, static_cast<int>(word % 250) - 125));
  return result;
}

TEST(Approximations, WithinTheirBounds) {
  check_bounded<Exponential>(spread(-130.0f, 127.9f));
  check_bounded<FlushedExponential>(spread(-125.9f, 127.9f));
  check_bounded<FlushedExponential>(spread(-1.0f, 1.0f));
  check_bounded<Logarithm>(positive_floats());
  check_bounded<Reciprocal>(positive_floats());
  check_bounded<Reciprocal>(spread(-3.0f, -0.3f));
  check_bounded<ReciprocalRoot>(positive_floats());
  check_bounded<Root>(positive_floats());
  check_bounded<Tangent>(spread(-10.0f, 10.0f));
  check_bounded<Sine>(spread(-3.14f, 3.14f));
  check_bounded<Cosine>(spread(-3.14f, 3.14f));
}

/// The same results for zeros, infinities, NaNs and what lies outside the domain as the ISA tabulates.
template <class Operation>
void check_special(const std::vector<float>& arguments, const std::vector<float>& wanted) {
  Checks(Operation::kName).same_elements(map_on_device<Operation, float>(arguments), wanted);
}

TEST(Approximations, SpecialValues) {
  const std::vector<float> arguments = {0.0f, -0.0f, kInfinity, -kInfinity, NAN};
  check_special<Exponential>(arguments, {1.0f, 1.0f, kInfinity, 0.0f, NAN});
  check_special<Logarithm>(arguments, {-kInfinity, -kInfinity, kInfinity, NAN, NAN});
  check_special<Reciprocal>(arguments, {kInfinity, -kInfinity, 0.0f, -0.0f, NAN});
  check_special<ReciprocalRoot>(arguments, {kInfinity, -kInfinity, 0.0f, NAN, NAN});
  check_special<Root>(arguments, {0.0f, -0.0f, kInfinity, NAN, NAN});
  check_special<Tangent>(arguments, {0.0f, -0.0f, 1.0f, -1.0f, NAN});
  check_special<Logarithm>({-1.0f}, {NAN});
  check_special<ReciprocalRoot>({-1.0f}, {NAN});
  check_special<Exponential>({-200.0f, 200.0f}, {0.0f, kInfinity});
  check_special<Sine>({kInfinity, NAN}, {NAN, NAN});
  check_special<Cosine>({kInfinity, NAN}, {NAN, NAN});
  // A subnormal argument of a .ftz instruction is a zero, a subnormal result too.
  check_special<FlushedExponential>({1e-40f, -1e-40f, -130.0f}, {1.0f, 1.0f, 0.0f});
  check_special<Reciprocal>({1e-40f, -1e-40f, 3e38f}, {kInfinity, -kInfinity, 0.0f});
}

/// Two units in the last place, for divisors between 2^-126 and 2^126.
template <bool kIsFull>
struct Quotient {
  static constexpr const char* kName = kIsFull ? "div.full.f32" : "div.approx.f32";
  static __device__ float device(float a, float b) {
    float result;
    if constexpr (kIsFull)
      asm("div.full.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
    else
      asm("div.approx.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
    return result;
  }
};

template <bool kIsFull>
void check_quotients() {
  const std::vector<float> dividends = spread(-5.0f, 7.0f), divisors = spread(0.01f, 900.0f);
  const auto got = map_on_device<Quotient<kIsFull>, float>(dividends, divisors);
  Checks checks(Quotient<kIsFull>::kName);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const long double exact = static_cast<long double>(dividends[i]) / divisors[i];
    checks.close(got[i], exact, relative(exact, -22), [&] { return text_of_arguments(dividends[i], divisors[i]); });
  }
}

TEST(Approximations, Quotients) {
  check_quotients<false>();
  check_quotients<true>();
}

}  // namespace
}  // namespace emulator::self_test

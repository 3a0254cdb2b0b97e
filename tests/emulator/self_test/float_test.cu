#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "self_test/map_kernel.cuh"
#include "self_test/values.h"

/// Minimum, maximum, comparison, signs, and the modifiers .ftz and .sat.
namespace emulator::self_test {
namespace {

/// min and max return the operand that is not a NaN, and take -0 for less than +0.
template <class T>
T smaller_of(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) ? b : a;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

template <class T>
T larger_of(T a, T b) {
  return -smaller_of(-a, -b);
}

struct MinMaxSingle {
  static constexpr const char* kName = "min.f32 and max.f32";
  static __device__ Two<float> device(float a, float b) { return {fminf(a, b), fmaxf(a, b)}; }
  static Two<float> host(float a, float b) { return {smaller_of(a, b), larger_of(a, b)}; }
};

struct MinMaxDouble {
  static constexpr const char* kName = "min.f64 and max.f64";
  /// Which zero min.f64 prefers is not written down: adding 0 makes both +0.
  static __device__ Two<double> device(double a, double b) { return {fmin(a, b) + 0.0, fmax(a, b) + 0.0}; }
  static Two<double> host(double a, double b) { return {smaller_of(a, b) + 0.0, larger_of(a, b) + 0.0}; }
};

struct MinMaxNan {
  static constexpr const char* kName = "min.NaN.f32 and max.NaN.f32";
  static __device__ Two<float> device(float a, float b) {
    Two<float> result;
    asm("min.NaN.f32 %0, %1, %2;" : "=f"(result.first) : "f"(a), "f"(b));
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(result.second) : "f"(a), "f"(b));
    return result;
  }
  static Two<float> host(float a, float b) {
    if (std::isnan(a) || std::isnan(b)) return {NAN, NAN};
    return MinMaxSingle::host(a, b);
  }
};

TEST(Floats, MinimumAndMaximum) {
  check_all<MinMaxSingle, MinMaxNan>(pairs_of(floats(), floats()));
  check_exact<MinMaxDouble>(pairs_of(doubles(), doubles()));
}

/// One bit for each ordered and unordered comparison.
u32 expected_comparisons(long double a, long double b) {
  const bool is_unordered = std::isnan(a) || std::isnan(b);
  const bool ordered[] = {a == b, !is_unordered && a != b, a<b, a <= b, a> b, a >= b};
  u32 result = (is_unordered ? 2u : 1u) << 12;
  for (int i = 0; i < 6; ++i) result |= (ordered[i] ? 1u : 0u) << i | (ordered[i] || is_unordered ? 1u : 0u) << (6 + i);
  return result;
}

template <class T>
__device__ u32 comparisons(T a, T b);

template <>
__device__ u32 comparisons(float a, float b) {
  u32 result;
  asm("{ .reg .pred p<14>;\n"
      "setp.eq.f32 p0, %1, %2;  setp.ne.f32 p1, %1, %2;  setp.lt.f32 p2, %1, %2;   setp.le.f32 p3, %1, %2;\n"
      "setp.gt.f32 p4, %1, %2;  setp.ge.f32 p5, %1, %2;  setp.equ.f32 p6, %1, %2;  setp.neu.f32 p7, %1, %2;\n"
      "setp.ltu.f32 p8, %1, %2; setp.leu.f32 p9, %1, %2; setp.gtu.f32 p10, %1, %2; setp.geu.f32 p11, %1, %2;\n"
      "setp.num.f32 p12, %1, %2; setp.nan.f32 p13, %1, %2;\n"
      "mov.u32 %0, 0;\n"
      "@p0 or.b32 %0, %0, 1;    @p1 or.b32 %0, %0, 2;    @p2 or.b32 %0, %0, 4;     @p3 or.b32 %0, %0, 8;\n"
      "@p4 or.b32 %0, %0, 16;   @p5 or.b32 %0, %0, 32;   @p6 or.b32 %0, %0, 64;    @p7 or.b32 %0, %0, 128;\n"
      "@p8 or.b32 %0, %0, 256;  @p9 or.b32 %0, %0, 512;  @p10 or.b32 %0, %0, 1024; @p11 or.b32 %0, %0, 2048;\n"
      "@p12 or.b32 %0, %0, 4096; @p13 or.b32 %0, %0, 8192; }"
      : "=&r"(result)
      : "f"(a), "f"(b));
  return result;
}

template <>
__device__ u32 comparisons(double a, double b) {
  u32 result;
  asm("{ .reg .pred p<14>;\n"
      "setp.eq.f64 p0, %1, %2;  setp.ne.f64 p1, %1, %2;  setp.lt.f64 p2, %1, %2;   setp.le.f64 p3, %1, %2;\n"
      "setp.gt.f64 p4, %1, %2;  setp.ge.f64 p5, %1, %2;  setp.equ.f64 p6, %1, %2;  setp.neu.f64 p7, %1, %2;\n"
      "setp.ltu.f64 p8, %1, %2; setp.leu.f64 p9, %1, %2; setp.gtu.f64 p10, %1, %2; setp.geu.f64 p11, %1, %2;\n"
      "setp.num.f64 p12, %1, %2; setp.nan.f64 p13, %1, %2;\n"
      "mov.u32 %0, 0;\n"
      "@p0 or.b32 %0, %0, 1;    @p1 or.b32 %0, %0, 2;    @p2 or.b32 %0, %0, 4;     @p3 or.b32 %0, %0, 8;\n"
      "@p4 or.b32 %0, %0, 16;   @p5 or.b32 %0, %0, 32;   @p6 or.b32 %0, %0, 64;    @p7 or.b32 %0, %0, 128;\n"
      "@p8 or.b32 %0, %0, 256;  @p9 or.b32 %0, %0, 512;  @p10 or.b32 %0, %0, 1024; @p11 or.b32 %0, %0, 2048;\n"
      "@p12 or.b32 %0, %0, 4096; @p13 or.b32 %0, %0, 8192; }"
      : "=&r"(result)
      : "d"(a), "d"(b));
  return result;
}

template <class T>
struct Comparisons {
  static constexpr const char* kName = sizeof(T) == 4 ? "setp.f32" : "setp.f64";
  static __device__ u32 device(T a, T b) { return comparisons(a, b); }
  static u32 host(T a, T b) { return expected_comparisons(a, b); }
};

/// A comparison joined with a predicate, into two predicates: c and its complement each join.
struct JoinedComparison {
  static constexpr const char* kName = "setp.lt.and.f32 p|q";
  static __device__ u32 device(float a, float b) {
    u32 result;
    asm("{ .reg .pred p, q, r, x, y;\n"
        "setp.gt.f32 r, %1, 0f00000000;\n"
        "setp.lt.and.f32 p|q, %1, %2, r;\n"
        "setp.lt.xor.f32 x|y, %1, %2, !r;\n"
        "mov.u32 %0, 0;\n"
        "@p or.b32 %0, %0, 1;\n"
        "@q or.b32 %0, %0, 2;\n"
        "@x or.b32 %0, %0, 4;\n"
        "@y or.b32 %0, %0, 8; }"
        : "=&r"(result)
        : "f"(a), "f"(b));
    return result;
  }
  static u32 host(float a, float b) {
    const bool is_less = a<b, is_positive = a> 0;
    return (is_less && is_positive ? 1u : 0u) | (!is_less && is_positive ? 2u : 0u) |
           (is_less != !is_positive ? 4u : 0u) | (!is_less != !is_positive ? 8u : 0u);
  }
};

TEST(Floats, Comparisons) {
  check_all<Comparisons<float>, JoinedComparison>(pairs_of(floats(), floats()));
  check_exact<Comparisons<double>>(pairs_of(doubles(), doubles()));
}

/// The sign of the first operand on the second.
struct CopySign {
  static constexpr const char* kName = "copysign.f32";
  static __device__ u32 device(float a, float b) {
    float result;
    asm("copysign.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
    return __float_as_uint(result) & (isnan(b) ? 0x80000000 : 0xFFFFFFFF);
  }
  static u32 host(float a, float b) {
    const float result = std::copysign(std::isnan(b) ? 0.0f : b, a);
    u32 bits;
    std::memcpy(&bits, &result, sizeof bits);
    return bits;
  }
};

struct Signs {
  static constexpr const char* kName = "neg.f32 and abs.f32";
  static __device__ Two<float> device(float a) { return {-a, fabsf(a)}; }
  static Two<float> host(float a) { return {-a, std::fabs(a)}; }
};

struct SignsDouble {
  static constexpr const char* kName = "neg.f64 and abs.f64";
  static __device__ Two<double> device(double a) { return {-a, fabs(a)}; }
  static Two<double> host(double a) { return {-a, std::fabs(a)}; }
};

/// Bit by bit: finite, infinite, number, notanumber, normal, subnormal.
struct Properties {
  static constexpr const char* kName = "testp.f32";
  static __device__ u32 device(float a) {
    u32 result;
    asm("{ .reg .pred p<6>;\n"
        "testp.finite.f32 p0, %1; testp.infinite.f32 p1, %1; testp.number.f32 p2, %1;\n"
        "testp.notanumber.f32 p3, %1; testp.normal.f32 p4, %1; testp.subnormal.f32 p5, %1;\n"
        "mov.u32 %0, 0;\n"
        "@p0 or.b32 %0, %0, 1; @p1 or.b32 %0, %0, 2; @p2 or.b32 %0, %0, 4;\n"
        "@p3 or.b32 %0, %0, 8; @p4 or.b32 %0, %0, 16; @p5 or.b32 %0, %0, 32; }"
        : "=&r"(result)
        : "f"(a));
    return result;
  }
  static u32 host(float a) {
    const bool is_nan = std::isnan(a);
    return (std::isfinite(a) ? 1u : 0u) | (std::isinf(a) ? 2u : 0u) | (is_nan ? 8u : 4u) |
           (std::isnormal(a) ? 16u : 0u) | (std::fpclassify(a) == FP_SUBNORMAL ? 32u : 0u);
  }
};

std::vector<float> floats_but_zero() {
  std::vector<float> result;
  for (const float value : floats())
    if (value != 0) result.push_back(value);  // whether 0 is normal to testp is not written down
  return result;
}

TEST(Floats, SignsAndProperties) {
  check_exact<CopySign>(pairs_of(floats(), floats()));
  check_exact<Signs>(table_of(floats()));
  check_exact<SignsDouble>(table_of(doubles()));
  check_exact<Properties>(table_of(floats_but_zero()));
}

// ---- .ftz: subnormal operands and results become zeros of their sign

float flush(float value) { return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0f, value) : value; }

struct FlushedAdd {
  static constexpr const char* kName = "add.ftz.f32 and mul.ftz.f32";
  static __device__ Two<float> device(float a, float b) {
    Two<float> result;
    asm("add.ftz.f32 %0, %1, %2;" : "=f"(result.first) : "f"(a), "f"(b));
    asm("mul.ftz.f32 %0, %1, %2;" : "=f"(result.second) : "f"(a), "f"(b));
    return result;
  }
  static Two<float> host(float a, float b) { return {flush(flush(a) + flush(b)), flush(flush(a) * flush(b))}; }
};

struct FlushedMultiplyAdd {
  static constexpr const char* kName = "fma.rn.ftz.f32";
  static __device__ float device(float a, float b, float c) {
    float result;
    asm("fma.rn.ftz.f32 %0, %1, %2, %3;" : "=f"(result) : "f"(a), "f"(b), "f"(c));
    return result;
  }
  static float host(float a, float b, float c) { return flush(std::fma(flush(a), flush(b), flush(c))); }
};

/// A subnormal value is not less than zero.
struct FlushedComparison {
  static constexpr const char* kName = "setp.lt.ftz.f32 and max.ftz.f32";
  static __device__ Two<u32, float> device(float a, float b) {
    Two<u32, float> result;
    asm("{ .reg .pred p; setp.lt.ftz.f32 p, %1, %2; selp.u32 %0, 1, 0, p; }" : "=r"(result.first) : "f"(a), "f"(b));
    asm("max.ftz.f32 %0, %1, %2;" : "=f"(result.second) : "f"(a), "f"(b));
    return result;
  }
  static Two<u32, float> host(float a, float b) {
    return {flush(a) < flush(b) ? 1u : 0u, larger_of(flush(a), flush(b))};
  }
};

TEST(Floats, FlushedToZero) {
  check_all<FlushedAdd, FlushedComparison>(pairs_of(few_floats(), few_floats()));
  check_exact<FlushedMultiplyAdd>(triples_of(few_floats(), few_floats(), few_floats()));
}

// ---- .sat: results clamped to [0, 1], a NaN becomes 0; adding 0 hides the sign of a zero, which is not written down

float saturate(float value) { return value > 0 ? std::min(value, 1.0f) : 0.0f; }

struct SaturatedArithmetic {
  static constexpr const char* kName = "add.sat.f32 and fma.rn.sat.f32";
  static __device__ Two<float> device(float a, float b) {
    Two<float> result;
    asm("add.sat.f32 %0, %1, %2;" : "=f"(result.first) : "f"(a), "f"(b));
    asm("fma.rn.sat.f32 %0, %1, %2, %2;" : "=f"(result.second) : "f"(a), "f"(b));
    return {result.first + 0.0f, result.second + 0.0f};
  }
  static Two<float> host(float a, float b) { return {saturate(a + b), saturate(std::fma(a, b, b))}; }
};

TEST(Floats, Saturated) { check_exact<SaturatedArithmetic>(pairs_of(floats(), floats())); }

}  // namespace
}  // namespace emulator::self_test

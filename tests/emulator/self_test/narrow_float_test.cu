#include <gtest/gtest.h>

#include <cmath>

#include "self_test/map_kernel.cuh"
#include "self_test/values.h"

/// cvt between floating-point formats.
namespace emulator::self_test {
namespace {

template <Rounding kRounding>
struct SingleToHalf {
  static constexpr const char* kName = "cvt.f16.f32";
  static __device__ Half device(float a) {
    Half result;
    if constexpr (kRounding == Rounding::kNearestEven)
      asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(a));
    else if constexpr (kRounding == Rounding::kZero)
      asm("cvt.rz.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(a));
    else if constexpr (kRounding == Rounding::kDown)
      asm("cvt.rm.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(a));
    else
      asm("cvt.rp.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(a));
    return result;
  }
  static Half host(float a) { return to_half(a, kRounding); }
};

template <Rounding kRounding>
struct SingleToBfloat {
  static constexpr const char* kName = "cvt.bf16.f32";
  static __device__ Bfloat device(float a) {
    Bfloat result;
    if constexpr (kRounding == Rounding::kNearestEven)
      asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(a));
    else
      asm("cvt.rz.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(a));
    return result;
  }
  static Bfloat host(float a) { return to_bfloat(a, kRounding); }
};

/// A tensor-core operand in 32 bits: its lower 13 bits are not part of it.
struct SingleToTf32 {
  static constexpr const char* kName = "cvt.rna.tf32.f32";
  static __device__ float device(float a) {
    u32 bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(a));
    return __uint_as_float(bits & 0xFFFFE000);
  }
  static float host(float a) { return static_cast<float>(round_to(a, kTf32, Rounding::kNearestAway)); }
};

TEST(NarrowFloats, FromSingle) {
  const auto near_half = table_of(floats_near(kHalf)), near_bfloat = table_of(floats_near(kBfloat));
  check_all<SingleToHalf<Rounding::kNearestEven>, SingleToHalf<Rounding::kZero>, SingleToHalf<Rounding::kDown>,
            SingleToHalf<Rounding::kUp>>(near_half);
  check_all<SingleToBfloat<Rounding::kNearestEven>, SingleToBfloat<Rounding::kZero>>(near_bfloat);
}

/// Finite values only: what becomes of infinities, NaNs and subnormal values is not written down.
TEST(NarrowFloats, TensorFloat) {
  std::vector<float> finite;
  for (const float value : floats_near(kTf32))
    if (std::isnormal(value) && std::fabs(value) < 3e38f) finite.push_back(value);
  check_exact<SingleToTf32>(table_of(finite));
}

/// The first operand becomes the upper half.
template <bool kIsBfloat, Rounding kRounding>
struct Pack {
  using Narrow = std::conditional_t<kIsBfloat, Bfloat, Half>;
  static constexpr const char* kName = kIsBfloat ? "cvt.bf16x2.f32" : "cvt.f16x2.f32";
  static __device__ Two<Narrow> device(float a, float b) {
    u32 bits;
    if constexpr (kIsBfloat && kRounding == Rounding::kNearestEven)
      asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(a), "f"(b));
    else if constexpr (kIsBfloat)
      asm("cvt.rz.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(a), "f"(b));
    else if constexpr (kRounding == Rounding::kNearestEven)
      asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(a), "f"(b));
    else
      asm("cvt.rz.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(a), "f"(b));
    return {{static_cast<u16>(bits)}, {static_cast<u16>(bits >> 16)}};
  }
  static Narrow narrow(float value) {
    if constexpr (kIsBfloat)
      return to_bfloat(value, kRounding);
    else
      return to_half(value, kRounding);
  }
  static Two<Narrow> host(float a, float b) { return {narrow(b), narrow(a)}; }
};

TEST(NarrowFloats, Packed) {
  check_all<Pack<false, Rounding::kNearestEven>, Pack<false, Rounding::kZero>, Pack<true, Rounding::kNearestEven>,
            Pack<true, Rounding::kZero>>(pairs_of(floats(), floats()));
}

struct HalfToSingle {
  static constexpr const char* kName = "cvt.f32.f16";
  static __device__ float device(u16 bits) {
    float result;
    asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(bits));
    return result;
  }
  static float host(u16 bits) { return static_cast<float>(decode(bits, kHalf)); }
};

struct HalfToDouble {
  static constexpr const char* kName = "cvt.f64.f16";
  static __device__ double device(u16 bits) {
    double result;
    asm("cvt.f64.f16 %0, %1;" : "=d"(result) : "h"(bits));
    return result;
  }
  static double host(u16 bits) { return static_cast<double>(decode(bits, kHalf)); }
};

TEST(NarrowFloats, EveryHalf) {
  std::vector<u16> patterns(1 << 16);
  for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<u16>(i);
  check_all<HalfToSingle, HalfToDouble>(table_of(patterns));
}

struct DoubleToHalf {
  static constexpr const char* kName = "cvt.rn.f16.f64";
  static __device__ Half device(double a) {
    Half result;
    asm("cvt.rn.f16.f64 %0, %1;" : "=h"(result.bits) : "d"(a));
    return result;
  }
  static Half host(double a) { return to_half(a); }
};

template <Rounding kRounding>
struct DoubleToSingle {
  static constexpr const char* kName = "cvt.f32.f64";
  static __device__ float device(double a) {
    switch (kRounding) {
      case Rounding::kZero: return __double2float_rz(a);
      case Rounding::kDown: return __double2float_rd(a);
      case Rounding::kUp: return __double2float_ru(a);
      default: return __double2float_rn(a);
    }
  }
  static float host(double a) { return static_cast<float>(round_to(a, kSingle, kRounding)); }
};

struct SingleToDouble {
  static constexpr const char* kName = "cvt.f64.f32";
  static __device__ double device(float a) { return a; }
  static double host(float a) { return a; }
};

/// Doubles on, and next to, the middle between two values of the narrower format.
std::vector<double> doubles_near(const Format& format) {
  std::vector<double> result = doubles();
  for (const float value : floats_near(format)) {
    const double middle = std::fabs(double{value}) * (1 + std::ldexp(1.0, -format.precision));
    if (!std::isfinite(middle)) continue;
    for (const double near : {middle, std::nextafter(middle, 0.0), std::nextafter(middle, 1e300)}) {
      result.push_back(near);
      result.push_back(-near);
    }
  }
  return result;
}

TEST(NarrowFloats, FromDouble) {
  check_exact<DoubleToHalf>(table_of(doubles_near(kHalf)));
  check_all<DoubleToSingle<Rounding::kNearestEven>, DoubleToSingle<Rounding::kZero>, DoubleToSingle<Rounding::kDown>,
            DoubleToSingle<Rounding::kUp>>(table_of(doubles_near(kSingle)));
  check_exact<SingleToDouble>(table_of(floats()));
}

/// cvt.sat clamps to [0, 1]; a NaN becomes 0. Adding 0 hides the sign of a zero, which is not written down.
struct Saturate {
  static constexpr const char* kName = "cvt.sat.f32.f32";
  static __device__ float device(float a) { return __saturatef(a) + 0.0f; }
  static float host(float a) { return a > 0 ? std::fmin(a, 1.0f) : 0.0f; }
};

template <Rounding kRounding>
struct RoundToInteger {
  static constexpr const char* kName = "cvt.f32.f32 to an integer";
  static __device__ float device(float a) {
    switch (kRounding) {
      case Rounding::kZero: return truncf(a);
      case Rounding::kDown: return floorf(a);
      case Rounding::kUp: return ceilf(a);
      default: return rintf(a);
    }
  }
  static float host(float a) { return static_cast<float>(round_to_integer(a, kRounding)); }
};

template <Rounding kRounding>
struct RoundDoubleToInteger {
  static constexpr const char* kName = "cvt.f64.f64 to an integer";
  static __device__ double device(double a) {
    switch (kRounding) {
      case Rounding::kZero: return trunc(a);
      case Rounding::kDown: return floor(a);
      case Rounding::kUp: return ceil(a);
      default: return rint(a);
    }
  }
  static double host(double a) { return static_cast<double>(round_to_integer(a, kRounding)); }
};

std::vector<float> floats_near_integers() {
  std::vector<float> result = floats();
  for (const float magnitude : {0.25f, 0.5f, 0.75f, 1.5f, 2.5f, 3.5f, 4194303.5f, 8388607.5f, 8388609.0f, 16777217.0f})
    for (const float value : {magnitude, -magnitude, std::nextafter(magnitude, 0.0f), -std::nextafter(magnitude, 1e9f)})
      result.push_back(value);
  return result;
}

TEST(NarrowFloats, ToIntegersAsFloats) {
  const std::vector<float> values = floats_near_integers();
  const std::vector<double> wide(values.begin(), values.end());
  check_all<Saturate, RoundToInteger<Rounding::kNearestEven>, RoundToInteger<Rounding::kZero>,
            RoundToInteger<Rounding::kDown>, RoundToInteger<Rounding::kUp>>(table_of(values));
  check_all<RoundDoubleToInteger<Rounding::kNearestEven>, RoundDoubleToInteger<Rounding::kZero>,
            RoundDoubleToInteger<Rounding::kDown>, RoundDoubleToInteger<Rounding::kUp>>(table_of(wide));
}

}  // namespace
}  // namespace emulator::self_test

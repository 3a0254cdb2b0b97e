#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "self_test/map_kernel.cuh"
#include "self_test/values.h"

/// cvt between integers and floats, and between integers of different sizes.
namespace emulator::self_test {
namespace {

// ---- integer to float: in the mode asked for

template <class Integer, Rounding kRounding>
struct ToSingle {
  static constexpr const char* kName = "cvt.f32 from an integer";
  static __device__ float device(Integer a) {
    if constexpr (std::is_same_v<Integer, s32>) {
      if constexpr (kRounding == Rounding::kZero) return __int2float_rz(a);
      if constexpr (kRounding == Rounding::kDown) return __int2float_rd(a);
      if constexpr (kRounding == Rounding::kUp) return __int2float_ru(a);
      if constexpr (kRounding == Rounding::kNearestEven) return __int2float_rn(a);
    } else if constexpr (std::is_same_v<Integer, u32>) {
      if constexpr (kRounding == Rounding::kZero) return __uint2float_rz(a);
      if constexpr (kRounding == Rounding::kDown) return __uint2float_rd(a);
      if constexpr (kRounding == Rounding::kUp) return __uint2float_ru(a);
      if constexpr (kRounding == Rounding::kNearestEven) return __uint2float_rn(a);
    } else if constexpr (std::is_same_v<Integer, s64>) {
      if constexpr (kRounding == Rounding::kZero) return __ll2float_rz(a);
      if constexpr (kRounding == Rounding::kDown) return __ll2float_rd(a);
      if constexpr (kRounding == Rounding::kUp) return __ll2float_ru(a);
      if constexpr (kRounding == Rounding::kNearestEven) return __ll2float_rn(a);
    } else {
      if constexpr (kRounding == Rounding::kZero) return __ull2float_rz(a);
      if constexpr (kRounding == Rounding::kDown) return __ull2float_rd(a);
      if constexpr (kRounding == Rounding::kUp) return __ull2float_ru(a);
      if constexpr (kRounding == Rounding::kNearestEven) return __ull2float_rn(a);
    }
  }
  static float host(Integer a) { return static_cast<float>(round_to(a, kSingle, kRounding)); }
};

template <class Integer>
void check_to_single(const std::vector<Integer>& values) {
  check_all<ToSingle<Integer, Rounding::kNearestEven>, ToSingle<Integer, Rounding::kZero>,
            ToSingle<Integer, Rounding::kDown>, ToSingle<Integer, Rounding::kUp>>(table_of(values));
}

/// On, and next to, the middle between two floats.
std::vector<u32> words_near_ties() {
  std::vector<u32> result = words();
  for (int shift = 24; shift < 32; ++shift)
    for (const u32 odd : {0u, 1u})
      for (const int step : {-1, 0, 1})
        result.push_back((1u << shift) + (2 * odd + 1) * (1u << (shift - 24)) + static_cast<u32>(step));
  return result;
}

std::vector<u64> long_words_near_ties() {
  std::vector<u64> result = long_words();
  for (const u32 word : words_near_ties()) result.push_back(u64{word} << 29);
  for (int shift = 53; shift < 64; ++shift)
    for (const int step : {-1, 0, 1})
      result.push_back((u64{1} << shift) + (u64{3} << (shift - 53)) + static_cast<u64>(step));
  return result;
}

TEST(IntegerConversions, ToSingle) {
  check_to_single(words_near_ties());
  check_to_single(as<s32>(words_near_ties()));
  check_to_single(long_words_near_ties());
  check_to_single(as<s64>(long_words_near_ties()));
}

template <class Integer, Rounding kRounding>
struct ToDouble {
  static constexpr const char* kName = "cvt.f64 from a 64-bit integer";
  static __device__ double device(Integer a) {
    if constexpr (std::is_signed_v<Integer>) {
      if constexpr (kRounding == Rounding::kZero) return __ll2double_rz(a);
      if constexpr (kRounding == Rounding::kDown) return __ll2double_rd(a);
      if constexpr (kRounding == Rounding::kUp) return __ll2double_ru(a);
      if constexpr (kRounding == Rounding::kNearestEven) return __ll2double_rn(a);
    } else {
      if constexpr (kRounding == Rounding::kZero) return __ull2double_rz(a);
      if constexpr (kRounding == Rounding::kDown) return __ull2double_rd(a);
      if constexpr (kRounding == Rounding::kUp) return __ull2double_ru(a);
      if constexpr (kRounding == Rounding::kNearestEven) return __ull2double_rn(a);
    }
  }
  static double host(Integer a) { return static_cast<double>(round_to(a, kDouble, kRounding)); }
};

template <class Integer>
void check_to_double(const std::vector<Integer>& values) {
  check_all<ToDouble<Integer, Rounding::kNearestEven>, ToDouble<Integer, Rounding::kZero>,
            ToDouble<Integer, Rounding::kDown>, ToDouble<Integer, Rounding::kUp>>(table_of(values));
}

struct WordToDouble {
  static constexpr const char* kName = "cvt.rn.f64.s32 and cvt.rn.f64.u32";
  static __device__ Two<double> device(u32 a) {
    return {static_cast<double>(static_cast<s32>(a)), static_cast<double>(a)};
  }
  static Two<double> host(u32 a) { return {static_cast<double>(static_cast<s32>(a)), static_cast<double>(a)}; }
};

struct WordToHalf {
  static constexpr const char* kName = "cvt.rn.f16.s32 and cvt.rn.f16.u32";
  static __device__ Two<Half> device(u32 a) {
    Two<Half> result;
    asm("cvt.rn.f16.s32 %0, %1;" : "=h"(result.first.bits) : "r"(a));
    asm("cvt.rn.f16.u32 %0, %1;" : "=h"(result.second.bits) : "r"(a));
    return result;
  }
  static Two<Half> host(u32 a) { return {to_half(static_cast<s32>(a)), to_half(a)}; }
};

TEST(IntegerConversions, ToDoubleAndHalf) {
  check_to_double(long_words_near_ties());
  check_to_double(as<s64>(long_words_near_ties()));
  check_exact<WordToDouble>(table_of(words_near_ties()));
  std::vector<u32> values = words_near_ties();
  for (u32 i = 2040; i < 2060; ++i) values.insert(values.end(), {i, 0 - i, 8 * i + 4, 65500 + i - 2040});
  check_exact<WordToHalf>(table_of(values));
}

// ---- float to integer: rounded, then clamped to the range of the integer

/// A NaN becomes 0 where the source is at most 32 bits wide and the integer, too; else only the highest bit is set.
template <class Integer, class Float>
Integer expected_integer(Float value, Rounding rounding) {
  using Limits = std::numeric_limits<Integer>;
  if (std::isnan(value))
    return sizeof(Float) == 8 || sizeof(Integer) == 8 ? static_cast<Integer>(u64{1} << (8 * sizeof(Integer) - 1)) : 0;
  const long double rounded = round_to_integer(value, rounding);
  return static_cast<Integer>(std::clamp<long double>(rounded, Limits::min(), Limits::max()));
}

template <Rounding kRounding>
struct SingleToWord {
  static constexpr const char* kName = "cvt.s32.f32 and cvt.u32.f32";
  static __device__ Two<s32, u32> device(float a) {
    switch (kRounding) {
      case Rounding::kZero: return {__float2int_rz(a), __float2uint_rz(a)};
      case Rounding::kDown: return {__float2int_rd(a), __float2uint_rd(a)};
      case Rounding::kUp: return {__float2int_ru(a), __float2uint_ru(a)};
      default: return {__float2int_rn(a), __float2uint_rn(a)};
    }
  }
  static Two<s32, u32> host(float a) {
    return {expected_integer<s32>(a, kRounding), expected_integer<u32>(a, kRounding)};
  }
};

template <Rounding kRounding>
struct SingleToLong {
  static constexpr const char* kName = "cvt.s64.f32 and cvt.u64.f32";
  static __device__ Two<s64, u64> device(float a) {
    switch (kRounding) {
      case Rounding::kZero: return {__float2ll_rz(a), __float2ull_rz(a)};
      case Rounding::kDown: return {__float2ll_rd(a), __float2ull_rd(a)};
      case Rounding::kUp: return {__float2ll_ru(a), __float2ull_ru(a)};
      default: return {__float2ll_rn(a), __float2ull_rn(a)};
    }
  }
  static Two<s64, u64> host(float a) {
    return {expected_integer<s64>(a, kRounding), expected_integer<u64>(a, kRounding)};
  }
};

template <Rounding kRounding>
struct DoubleToWord {
  static constexpr const char* kName = "cvt.s32.f64 and cvt.u32.f64";
  static __device__ Two<s32, u32> device(double a) {
    switch (kRounding) {
      case Rounding::kZero: return {__double2int_rz(a), __double2uint_rz(a)};
      case Rounding::kDown: return {__double2int_rd(a), __double2uint_rd(a)};
      case Rounding::kUp: return {__double2int_ru(a), __double2uint_ru(a)};
      default: return {__double2int_rn(a), __double2uint_rn(a)};
    }
  }
  static Two<s32, u32> host(double a) {
    return {expected_integer<s32>(a, kRounding), expected_integer<u32>(a, kRounding)};
  }
};

template <Rounding kRounding>
struct DoubleToLong {
  static constexpr const char* kName = "cvt.s64.f64 and cvt.u64.f64";
  static __device__ Two<s64, u64> device(double a) {
    switch (kRounding) {
      case Rounding::kZero: return {__double2ll_rz(a), __double2ull_rz(a)};
      case Rounding::kDown: return {__double2ll_rd(a), __double2ull_rd(a)};
      case Rounding::kUp: return {__double2ll_ru(a), __double2ull_ru(a)};
      default: return {__double2ll_rn(a), __double2ull_rn(a)};
    }
  }
  static Two<s64, u64> host(double a) {
    return {expected_integer<s64>(a, kRounding), expected_integer<u64>(a, kRounding)};
  }
};

/// Halves, and the ends of every integer's range.
template <class Float>
std::vector<Float> floats_near_integers(std::vector<Float> result) {
  for (const double magnitude :
       {0.25,   0.5,    0.75,         1.5,          2.5,    3.5,    126.5,  127.5, 255.5, 32767.5, 8388607.5,
        0x1p31, 0x1p32, 0x1p31 - 0.5, 0x1p32 - 0.5, 0x1p63, 0x1p64, 0x1p62, 1e9,   3e9,   5e18})
    for (const double sign : {1.0, -1.0})
      for (const double to : {0.0, magnitude, 1e300}) {
        const Float value = static_cast<Float>(sign * magnitude);
        result.push_back(
            std::nextafter(value, static_cast<Float>(sign * std::min<double>(to, std::numeric_limits<Float>::max()))));
      }
  return result;
}

TEST(IntegerConversions, FromSingle) {
  const auto values = table_of(floats_near_integers(floats()));
  check_all<SingleToWord<Rounding::kNearestEven>, SingleToWord<Rounding::kZero>, SingleToWord<Rounding::kDown>,
            SingleToWord<Rounding::kUp>>(values);
  check_all<SingleToLong<Rounding::kNearestEven>, SingleToLong<Rounding::kZero>, SingleToLong<Rounding::kDown>,
            SingleToLong<Rounding::kUp>>(values);
}

TEST(IntegerConversions, FromDouble) {
  const auto values = table_of(floats_near_integers(doubles()));
  check_all<DoubleToWord<Rounding::kNearestEven>, DoubleToWord<Rounding::kZero>, DoubleToWord<Rounding::kDown>,
            DoubleToWord<Rounding::kUp>>(values);
  check_all<DoubleToLong<Rounding::kNearestEven>, DoubleToLong<Rounding::kZero>, DoubleToLong<Rounding::kDown>,
            DoubleToLong<Rounding::kUp>>(values);
}

struct HalfToWord {
  static constexpr const char* kName = "cvt.rzi.s32.f16 and cvt.rni.u32.f16";
  static __device__ Two<s32, u32> device(u16 bits) {
    Two<s32, u32> result;
    asm("cvt.rzi.s32.f16 %0, %1;" : "=r"(result.first) : "h"(bits));
    asm("cvt.rni.u32.f16 %0, %1;" : "=r"(result.second) : "h"(bits));
    return result;
  }
  static Two<s32, u32> host(u16 bits) {
    const auto value = static_cast<float>(decode(bits, kHalf));
    return {expected_integer<s32>(value, Rounding::kZero), expected_integer<u32>(value, Rounding::kNearestEven)};
  }
};

struct HalfToShort {
  static constexpr const char* kName = "cvt.rni.s16.f16 and cvt.rmi.u16.f16";
  static __device__ Two<s16, u16> device(u16 bits) {
    Two<s16, u16> result;
    asm("cvt.rni.s16.f16 %0, %1;" : "=h"(result.first) : "h"(bits));
    asm("cvt.rmi.u16.f16 %0, %1;" : "=h"(result.second) : "h"(bits));
    return result;
  }
  static Two<s16, u16> host(u16 bits) {
    const auto value = static_cast<float>(decode(bits, kHalf));
    return {expected_integer<s16>(value, Rounding::kNearestEven), expected_integer<u16>(value, Rounding::kDown)};
  }
};

TEST(IntegerConversions, FromHalf) {
  std::vector<u16> patterns;
  for (u32 i = 0; i < 1u << 16; i += 7) patterns.push_back(static_cast<u16>(i));
  check_all<HalfToWord, HalfToShort>(table_of(patterns));
}

// ---- between integers

template <class To>
To clamp_to(s64 value) {
  return static_cast<To>(std::clamp<s64>(value, std::numeric_limits<To>::min(), std::numeric_limits<To>::max()));
}

struct Narrow {
  s32 to_s8;
  u32 to_u8;
  s32 to_s16;
  u32 to_u16, to_u32;
  s32 from_long;
};
bool is_same(const Narrow& a, const Narrow& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

struct SaturateInteger {
  static constexpr const char* kName = "cvt.sat of integers";
  static __device__ Narrow device(s32 a) {
    Narrow result;
    asm("cvt.sat.s8.s32 %0, %1;" : "=r"(result.to_s8) : "r"(a));
    asm("cvt.sat.u8.s32 %0, %1;" : "=r"(result.to_u8) : "r"(a));
    asm("{ .reg .s16 t; cvt.sat.s16.s32 t, %1; cvt.s32.s16 %0, t; }" : "=r"(result.to_s16) : "r"(a));
    asm("{ .reg .u16 t; cvt.sat.u16.s32 t, %1; cvt.u32.u16 %0, t; }" : "=r"(result.to_u16) : "r"(a));
    asm("cvt.sat.u32.s32 %0, %1;" : "=r"(result.to_u32) : "r"(a));
    asm("cvt.sat.s32.s64 %0, %1;" : "=r"(result.from_long) : "l"(s64{a} * 3));
    return result;
  }
  static Narrow host(s32 a) {
    return {clamp_to<s8>(a),  clamp_to<u8>(a),  clamp_to<s16>(a),
            clamp_to<u16>(a), clamp_to<u32>(a), clamp_to<s32>(s64{a} * 3)};
  }
};

struct ExtendInteger {
  static constexpr const char* kName = "cvt of integers, sign and zero extension";
  static __device__ Two<s64, u64> device(s32 a) {
    return {s64{static_cast<s8>(a)} + static_cast<s16>(a) * s64{1000000},
            u64{static_cast<u8>(a)} + static_cast<u16>(a) * u64{1000000} + static_cast<u64>(s64{a})};
  }
  static Two<s64, u64> host(s32 a) {
    return {s64{static_cast<s8>(a)} + static_cast<s16>(a) * s64{1000000},
            u64{static_cast<u8>(a)} + static_cast<u16>(a) * u64{1000000} + static_cast<u64>(s64{a})};
  }
};

TEST(IntegerConversions, BetweenIntegers) {
  std::vector<s32> values = as<s32>(words());
  for (const s32 edge : {127, 128, 255, 256, -128, -129, 32767, 32768, 65535, 65536, -32768, -32769})
    values.push_back(edge);
  check_all<SaturateInteger, ExtendInteger>(table_of(values));
}

}  // namespace
}  // namespace emulator::self_test

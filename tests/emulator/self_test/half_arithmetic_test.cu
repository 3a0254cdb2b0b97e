#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "self_test/map_kernel.cuh"
#include "self_test/values.h"

/// Arithmetic and comparison of half, half2, bfloat16 and bfloat162 by the toolkit's intrinsics.
namespace emulator::self_test {
namespace {

/// The toolkit's type of the same bits.
__device__ __half native(Half a) { return __ushort_as_half(a.bits); }
__device__ __nv_bfloat16 native(Bfloat a) { return __ushort_as_bfloat16(a.bits); }
__device__ Half bits_of(__half a) { return {__half_as_ushort(a)}; }
__device__ Bfloat bits_of(__nv_bfloat16 a) { return {__bfloat16_as_ushort(a)}; }
__device__ __half2 native_pair(Half low, Half high) { return __halves2half2(native(low), native(high)); }
__device__ __nv_bfloat162 native_pair(Bfloat low, Bfloat high) { return __halves2bfloat162(native(low), native(high)); }
__device__ Two<Half> bits_of(__half2 a) { return {bits_of(__low2half(a)), bits_of(__high2half(a))}; }
__device__ Two<Bfloat> bits_of(__nv_bfloat162 a) { return {bits_of(__low2bfloat16(a)), bits_of(__high2bfloat16(a))}; }

template <class Narrow>
Narrow rounded(long double value) {
  if constexpr (std::is_same_v<Narrow, Half>)
    return to_half(value);
  else
    return to_bfloat(value);
}

template <class Narrow>
struct Add {
  static constexpr const char* kName = "__hadd";
  static __device__ Narrow device(Narrow a, Narrow b) { return bits_of(__hadd(native(a), native(b))); }
  static Narrow host(Narrow a, Narrow b) { return rounded<Narrow>(add_to_odd(value_of(a), value_of(b))); }
};

template <class Narrow>
struct Subtract {
  static constexpr const char* kName = "__hsub";
  static __device__ Narrow device(Narrow a, Narrow b) { return bits_of(__hsub(native(a), native(b))); }
  static Narrow host(Narrow a, Narrow b) { return rounded<Narrow>(add_to_odd(value_of(a), -value_of(b))); }
};

template <class Narrow>
struct Multiply {
  static constexpr const char* kName = "__hmul";
  static __device__ Narrow device(Narrow a, Narrow b) { return bits_of(__hmul(native(a), native(b))); }
  static Narrow host(Narrow a, Narrow b) { return rounded<Narrow>(value_of(a) * value_of(b)); }
};

template <class Narrow>
struct MultiplyAdd {
  static constexpr const char* kName = "__hfma";
  static __device__ Narrow device(Narrow a, Narrow b, Narrow c) {
    return bits_of(__hfma(native(a), native(b), native(c)));
  }
  static Narrow host(Narrow a, Narrow b, Narrow c) {
    return rounded<Narrow>(add_to_odd(value_of(a) * value_of(b), value_of(c)));
  }
};

/// The sign of a zero that .relu or .sat makes is not written down.
template <class Narrow>
__host__ __device__ Narrow without_sign_of_zero(Narrow a) {
  return {static_cast<u16>(a.bits == 0x8000 ? 0 : a.bits)};
}

template <class Narrow>
struct MultiplyAddRelu {
  static constexpr const char* kName = "__hfma_relu";
  static __device__ Narrow device(Narrow a, Narrow b, Narrow c) {
    return without_sign_of_zero(bits_of(__hfma_relu(native(a), native(b), native(c))));
  }
  static Narrow host(Narrow a, Narrow b, Narrow c) {
    const long double value = add_to_odd(value_of(a) * value_of(b), value_of(c));
    return without_sign_of_zero(rounded<Narrow>(value < 0 ? 0 : value));
  }
};

struct AddSaturated {
  static constexpr const char* kName = "__hadd_sat";
  static __device__ Half device(Half a, Half b) {
    return without_sign_of_zero(bits_of(__hadd_sat(native(a), native(b))));
  }
  static Half host(Half a, Half b) {
    const long double value = value_of(a) + value_of(b);
    return to_half(value > 0 ? std::min(value, 1.0L) : 0);
  }
};

template <class Narrow>
struct Divide {
  static constexpr const char* kName = "__hdiv";
  static __device__ Narrow device(Narrow a, Narrow b) { return bits_of(__hdiv(native(a), native(b))); }
  static Narrow host(Narrow a, Narrow b) { return rounded<Narrow>(value_of(a) / value_of(b)); }
};

/// -0 is less than +0; the operand that is not a NaN wins, except in the _nan variants.
template <class Narrow>
struct MinMax {
  static constexpr const char* kName = "__hmin and __hmax";
  static __device__ Two<Narrow> device(Narrow a, Narrow b) {
    return {bits_of(__hmin(native(a), native(b))), bits_of(__hmax(native(a), native(b)))};
  }
  static bool is_less(Narrow a, Narrow b) {
    const long double x = value_of(a), y = value_of(b);
    return x < y || (x == y && std::signbit(x));
  }
  static Two<Narrow> host(Narrow a, Narrow b) {
    if (std::isnan(value_of(a))) return {b, b};
    if (std::isnan(value_of(b))) return {a, a};
    return is_less(a, b) ? Two<Narrow>{a, b} : Two<Narrow>{b, a};
  }
};

template <class Narrow>
struct MinMaxNan {
  static constexpr const char* kName = "__hmin_nan and __hmax_nan";
  static __device__ Two<Narrow> device(Narrow a, Narrow b) {
    return {bits_of(__hmin_nan(native(a), native(b))), bits_of(__hmax_nan(native(a), native(b)))};
  }
  static Two<Narrow> host(Narrow a, Narrow b) {
    const bool is_nan = std::isnan(value_of(a)) || std::isnan(value_of(b));
    return is_nan ? Two<Narrow>{{0x7FFF}, {0x7FFF}} : MinMax<Narrow>::host(a, b);
  }
};

template <class Narrow>
struct Compare {
  static constexpr const char* kName = "__heq to __hgtu";
  static __device__ u32 device(Narrow a, Narrow b) {
    const auto x = native(a), y = native(b);
    const bool results[] = {__heq(x, y),  __hne(x, y),  __hlt(x, y),  __hle(x, y),  __hgt(x, y),  __hge(x, y),
                            __hequ(x, y), __hneu(x, y), __hltu(x, y), __hleu(x, y), __hgtu(x, y), __hgeu(x, y)};
    u32 bits = __hisnan(x) ? 1u << 12 : 0;
    for (int i = 0; i < 12; ++i) bits |= (results[i] ? 1u : 0u) << i;
    return bits;
  }
  static u32 host(Narrow a, Narrow b) {
    const long double x = value_of(a), y = value_of(b);
    const bool is_unordered = std::isnan(x) || std::isnan(y);
    const bool ordered[] = {x == y, !is_unordered && x != y, x<y, x <= y, x> y, x >= y};
    u32 bits = std::isnan(x) ? 1u << 12 : 0;
    for (int i = 0; i < 6; ++i) bits |= (ordered[i] ? 1u : 0u) << i | (ordered[i] || is_unordered ? 1u : 0u) << (6 + i);
    return bits;
  }
};

template <class Narrow>
struct Signs {
  static constexpr const char* kName = "__hneg and __habs";
  static __device__ Two<Narrow> device(Narrow a) { return {bits_of(__hneg(native(a))), bits_of(__habs(native(a)))}; }
  static Two<Narrow> host(Narrow a) {
    return {{static_cast<u16>(a.bits ^ 0x8000)}, {static_cast<u16>(a.bits & 0x7FFF)}};
  }
};

template <class Narrow>
void check_scalars(const std::vector<Narrow>& values) {
  check_all<Add<Narrow>, Subtract<Narrow>, Multiply<Narrow>, Divide<Narrow>, MinMax<Narrow>, MinMaxNan<Narrow>,
            Compare<Narrow>>(pairs_of(values, values));
  check_all<MultiplyAdd<Narrow>, MultiplyAddRelu<Narrow>>(triples_of(values, values, values));
  check_exact<Signs<Narrow>>(table_of(values));
}

TEST(HalfArithmetic, Half) {
  check_scalars(as<Half>(half_patterns()));
  check_exact<AddSaturated>(pairs_of(as<Half>(half_patterns()), as<Half>(half_patterns())));
}

TEST(HalfArithmetic, Bfloat) { check_scalars(as<Bfloat>(bfloat_patterns())); }

// ---- two lanes at once: the lower lane works on (a, b), the upper on (b, a)

template <class Narrow>
struct PairArithmetic {
  static constexpr const char* kName = "__hadd2, __hmul2 and __hfma2";
  static __device__ Two<Two<Narrow>> device(Narrow a, Narrow b) {
    const auto x = native_pair(a, b), y = native_pair(b, a);
    return {bits_of(__hmul2(__hadd2(x, y), y)), bits_of(__hfma2(x, y, x))};
  }
  static Two<Two<Narrow>> host(Narrow a, Narrow b) {
    const Narrow sum = Add<Narrow>::host(a, b);
    return {{Multiply<Narrow>::host(sum, b), Multiply<Narrow>::host(sum, a)},
            {MultiplyAdd<Narrow>::host(a, b, a), MultiplyAdd<Narrow>::host(b, a, b)}};
  }
};

/// A lane that compares true becomes 1, else 0.
template <class Narrow>
struct PairComparison {
  static constexpr const char* kName = "__hlt2, __hmin2, __hmax2 and __hble2";
  static __device__ Two<Two<Two<Narrow>>, u32> device(Narrow a, Narrow b) {
    const auto x = native_pair(a, b), y = native_pair(b, a);
    const Two<Two<Narrow>> lanes = {bits_of(__hlt2(x, y)), bits_of(__hmin2(x, __hmax2(y, y)))};
    return {lanes, __hble2(x, y) ? 1u : 0u};
  }
  static Two<Two<Two<Narrow>>, u32> host(Narrow a, Narrow b) {
    const long double x = value_of(a), y = value_of(b);
    const Narrow smaller = MinMax<Narrow>::host(a, b).first;
    return {{{rounded<Narrow>(x < y), rounded<Narrow>(y < x)}, {smaller, smaller}}, x <= y && y <= x ? 1u : 0u};
  }
};

TEST(HalfArithmetic, Pairs) {
  const auto halves = as<Half>(half_patterns());
  const auto bfloats = as<Bfloat>(bfloat_patterns());
  check_all<PairArithmetic<Half>, PairComparison<Half>>(pairs_of(halves, halves));
  check_all<PairArithmetic<Bfloat>, PairComparison<Bfloat>>(pairs_of(bfloats, bfloats));
}

struct Shuffle {
  static constexpr const char* kName = "__lowhigh2highlow, __lows2half2 and __highs2half2";
  static __device__ Two<Two<Half>, Two<Two<Half>>> device(Half a, Half b) {
    const __half2 x = native_pair(a, b), swapped = __lowhigh2highlow(x);
    return {bits_of(swapped), {bits_of(__lows2half2(x, swapped)), bits_of(__highs2half2(x, swapped))}};
  }
  static Two<Two<Half>, Two<Two<Half>>> host(Half a, Half b) { return {{b, a}, {{a, b}, {b, a}}}; }
};

TEST(HalfArithmetic, Lanes) { check_exact<Shuffle>(pairs_of(as<Half>(half_patterns()), as<Half>(half_patterns()))); }

// ---- approximations: ex2 within 2^-9.9 of the value, tanh within 2^-10.987 absolutely

struct Approximations {
  static __device__ Two<Two<Half>> device(u16 bits) {
    const u32 pair = bits | static_cast<u32>(bits ^ 0x8000) << 16;
    u32 powers, tangents;
    asm("ex2.approx.f16x2 %0, %1;" : "=r"(powers) : "r"(pair));
    asm("tanh.approx.f16x2 %0, %1;" : "=r"(tangents) : "r"(pair));
    return {{{static_cast<u16>(powers)}, {static_cast<u16>(powers >> 16)}},
            {{static_cast<u16>(tangents)}, {static_cast<u16>(tangents >> 16)}}};
  }
};

void check_power(Checks& checks, Half got, long double argument) {
  const long double exact = std::exp2(argument);
  checks.close(value_of(got), exact, exact * std::exp2(-9.9L) + 0x1p-25L, [&] { return decimal(argument); });
}

void check_tangent(Checks& checks, Half got, long double argument) {
  checks.close(value_of(got), std::tanh(argument), std::exp2(-10.987L), [&] { return decimal(argument); });
}

TEST(HalfArithmetic, Approximations) {
  std::vector<u16> arguments;
  for (u32 bits = 0; bits < 0x4B00; bits += 37) arguments.push_back(static_cast<u16>(bits));  // 0 to 14
  const auto got = map_on_device<Approximations, Two<Two<Half>>>(arguments);
  Checks powers("ex2.approx.f16x2"), tangents("tanh.approx.f16x2");
  for (std::size_t i = 0; i < got.size(); ++i) {
    const long double argument = decode(arguments[i], kHalf);
    check_power(powers, got[i].first.first, argument);
    check_power(powers, got[i].first.second, -argument);
    check_tangent(tangents, got[i].second.first, argument);
    check_tangent(tangents, got[i].second.second, -argument);
  }
}

}  // namespace
}  // namespace emulator::self_test

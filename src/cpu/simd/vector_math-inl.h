// Vector verbs shared by the kernels: exp, logarithm of a ratio, half-precision loads and stores.
#if defined(ARLOSS_CPU_SIMD_VECTOR_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ARLOSS_CPU_SIMD_VECTOR_MATH_INL_H
#undef ARLOSS_CPU_SIMD_VECTOR_MATH_INL_H
#else
#define ARLOSS_CPU_SIMD_VECTOR_MATH_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <type_traits>

#include "cpu/simd/simd_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace arloss::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::RebindToSigned<FloatTag>;
using HalfBitsTag = hn::Rebind<std::uint16_t, FloatTag>;
using Float = hn::Vec<FloatTag>;
using Int = hn::Vec<IntTag>;

HWY_INLINE Float broadcast(float value) { return hn::Set(FloatTag(), value); }
HWY_INLINE Float load(const float* from) { return hn::LoadU(FloatTag(), from); }
HWY_INLINE void store(Float value, float* to) { hn::StoreU(value, FloatTag(), to); }
HWY_INLINE int lanes() { return static_cast<int>(hn::Lanes(FloatTag())); }

/// Sum of the lanes, by the instruction set's own fixed tree.
HWY_INLINE float sum_of_lanes(Float value) { return hn::GetLane(hn::SumOfLanes(FloatTag(), value)); }

/// Registers for sums: half of them are 16 where a target has 32, of 16 not more than 8.
inline constexpr bool kHasManyRegisters = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM;
/// Classes that two vectors of cells are summed for at once.
inline constexpr int kClassSums = kHasManyRegisters ? 8 : 6;

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void add_to_doubles(Float value, double* to) { *to += static_cast<double>(hn::GetLane(value)); }
HWY_INLINE void sum_lanes(const Float (&values)[4], float* to) {
  for (int r = 0; r < 4; ++r) to[r] = sum_of_lanes(values[r]);
}
#else
/// to[lane] += value[lane].
HWY_INLINE void add_to_doubles(Float value, double* to) {
  const hn::Half<FloatTag> half;
  const hn::RepartitionToWide<FloatTag> wide;
  double* const upper = to + hn::Lanes(wide);
  hn::StoreU(hn::Add(hn::LoadU(wide, to), hn::PromoteTo(wide, hn::LowerHalf(half, value))), wide, to);
  hn::StoreU(hn::Add(hn::LoadU(wide, upper), hn::PromoteTo(wide, hn::UpperHalf(half, value))), wide, upper);
}

/// Element by element, the sum of the vector's blocks of four.
template <class Tag, class Vector>
HWY_INLINE auto sum_of_blocks(Tag, Vector value) {
  if constexpr (hn::MaxLanes(Tag()) <= 4) {
    return value;
  } else {
    const hn::Half<Tag> half;
    return sum_of_blocks(half, hn::Add(hn::LowerHalf(half, value), hn::UpperHalf(half, value)));
  }
}

/// to[r] = the sum of the lanes of values[r], in a fixed tree. Four at once take a third of the instructions of four
/// sums on their own.
HWY_INLINE void sum_lanes(const Float (&values)[4], float* to) {
  const FloatTag d;
  const hn::RepartitionToWide<FloatTag> wide;
  const auto pair = [&](Float a, Float b) {
    return hn::BitCast(wide, hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b)));
  };
  const auto low = pair(values[0], values[1]), high = pair(values[2], values[3]);
  const Float sums = hn::Add(hn::BitCast(d, hn::InterleaveLower(wide, low, high)),
                             hn::BitCast(d, hn::InterleaveUpper(wide, low, high)));
  hn::StoreU(sum_of_blocks(d, sums), hn::CappedTag<float, 4>(), to);
}
#endif

/// The anchors of one vector of cells. On real label maps most vectors have one class, and no class of the others has
/// to ask.
struct Anchors {
  Int classes;
  std::int64_t first;  // of the first cell, -1 for none
  bool are_alike;

  HWY_INLINE auto are(std::int64_t c) const {
    return hn::RebindMask(FloatTag(), hn::Eq(classes, hn::Set(IntTag(), static_cast<std::int32_t>(c))));
  }
};
HWY_INLINE Anchors anchors_of(Int classes) {
  const std::int32_t first = hn::GetLane(classes);
  return {classes, first, hn::AllTrue(IntTag(), hn::Eq(classes, hn::Set(IntTag(), first)))};
}

/// body(integral_constant of count), for counts of 1 to kMost.
template <int kMost, class Body>
HWY_INLINE void with_count(int count, const Body& body) {
  if constexpr (kMost > 0) {
    if (count < kMost) return with_count<kMost - 1>(count, body);
    body(std::integral_constant<int, kMost>());
  }
}

/// Calls body(integral_constant of how many, the first) for all classes in equal parts of kMost at most: sums few at a
/// time would wait for one another.
template <int kMost, class Body>
HWY_INLINE void for_equal_parts(std::int64_t classes, const Body& body) {
  const std::int64_t parts = (classes + kMost - 1) / kMost;
  for (std::int64_t part = 0; part < parts; ++part) {
    const std::int64_t first = part * classes / parts, last = (part + 1) * classes / parts;
    with_count<kMost>(static_cast<int>(last - first), [&](auto count) HWY_ATTR { body(count, first); });
  }
}

/// exp(x) for x <= 0, relative error below 1.2e-7; -inf and all below -87 give 0, NaN stays NaN (a library's exp may
/// clamp it away). Degree-7 Taylor-like polynomial on |r| <= ln2 / 2 (coefficients of Cephes expf).
HWY_INLINE Float exp_nonpositive(Float x) {
  const FloatTag d;
  const Float lowest = broadcast(-87.0f);
  const auto underflows = hn::Lt(x, lowest);
  const Float inside = hn::IfThenElse(underflows, lowest, x);
  // Added to 1.5 x 2^23 a number is rounded to an integer, which its lowest bits then hold.
  const Float shifted = hn::MulAdd(inside, broadcast(1.44269504f), broadcast(12582912.0f));
  const Float n_float = hn::Sub(shifted, broadcast(12582912.0f));
  const Float r_high = hn::NegMulAdd(n_float, broadcast(0.693359375f), inside);
  const Float r = hn::NegMulAdd(n_float, broadcast(-2.12194440e-4f), r_high);
  Float poly = broadcast(1.9875691500e-4f);
  poly = hn::MulAdd(poly, r, broadcast(1.3981999507e-3f));
  poly = hn::MulAdd(poly, r, broadcast(8.3334519073e-3f));
  poly = hn::MulAdd(poly, r, broadcast(4.1665795894e-2f));
  poly = hn::MulAdd(poly, r, broadcast(1.6666665459e-1f));
  poly = hn::MulAdd(poly, r, broadcast(5.0000001201e-1f));
  const Float exp_r = hn::Add(hn::MulAdd(poly, hn::Mul(r, r), r), broadcast(1.0f));
  const Int n = hn::BitCast(IntTag(), shifted);
  const Float power = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n, hn::Set(IntTag(), 127))));
  return hn::IfThenElse(underflows, hn::Zero(d), hn::Mul(exp_r, power));
}

/// 2 atanh(w) - 2 w for |w| <= 1/3: odd series to w^15, truncated below 1e-8 of 2 w.
HWY_INLINE Float twice_atanh_excess(Float w) {
  const Float w2 = hn::Mul(w, w);
  Float series = broadcast(1.0f / 15);
  series = hn::MulAdd(series, w2, broadcast(1.0f / 13));
  series = hn::MulAdd(series, w2, broadcast(1.0f / 11));
  series = hn::MulAdd(series, w2, broadcast(1.0f / 9));
  series = hn::MulAdd(series, w2, broadcast(1.0f / 7));
  series = hn::MulAdd(series, w2, broadcast(1.0f / 5));
  series = hn::MulAdd(series, w2, broadcast(1.0f / 3));
  return hn::Mul(hn::Mul(series, w2), hn::Add(w, w));
}

/// log(x) for normal x > 0.
HWY_INLINE Float log_positive(Float x) {
  const FloatTag d;
  const IntTag di;
  // Exponent split at sqrt(1/2): m in [0.7071, 1.4142), log(m) = 2 atanh((m - 1) / (m + 1)).
  const Int shifted = hn::Sub(hn::BitCast(di, x), hn::Set(di, 0x3F3504F3));
  const Int exponent = hn::ShiftRight<23>(shifted);
  const Int mantissa = hn::Add(hn::And(shifted, hn::Set(di, 0x007FFFFF)), hn::Set(di, 0x3F3504F3));
  const Float m = hn::BitCast(d, mantissa);
  const Float one = broadcast(1.0f);
  const Float w = hn::Div(hn::Sub(m, one), hn::Add(m, one));
  const Float log_m = hn::Add(hn::Add(w, w), twice_atanh_excess(w));
  return hn::MulAdd(hn::ConvertTo(d, exponent), broadcast(0.69314718f), log_m);
}

/// IEEE half bits in 32-bit lanes to float, every value exact, subnormals and NaN included. Integer code of our own:
/// the portable targets' conversions differ between Highway versions.
HWY_INLINE Float float_from_half(Int bits) {
  const FloatTag d;
  const IntTag di;
  const Int sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(di, 0x8000)));
  const Int magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(di, 0x7FFF)));
  // Read as a float the magnitude is the value times 2^-112.
  const Float value = hn::Mul(hn::BitCast(d, magnitude), broadcast(5.192296858534828e33f));
  const auto is_special = hn::Ge(hn::BitCast(d, magnitude), hn::BitCast(d, hn::Set(di, 0x0F800000)));
  const Int special = hn::Or(magnitude, hn::Set(di, 0x7F800000));
  const Float unsigned_value = hn::IfThenElse(is_special, hn::BitCast(d, special), value);
  return hn::BitCast(d, hn::Or(hn::BitCast(di, unsigned_value), sign));
}

/// Float to IEEE half bits, rounded to nearest even, overflow to infinity, NaN to a quiet NaN.
HWY_INLINE Int half_from_float(Float value) {
  const FloatTag d;
  const IntTag di;
  const Int bits = hn::BitCast(di, value);
  const Int sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(di, 0x8000));
  const Int magnitude = hn::And(bits, hn::Set(di, 0x7FFFFFFF));
  const Float absolute = hn::BitCast(d, magnitude);
  // Normal results: rebias the exponent by -112 and round away 13 bits.
  const Int odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(di, 1));
  const Int rebias = hn::Set(di, static_cast<std::int32_t>(0xC8000FFFu));  // -(112 << 23) + 0xFFF
  const Int normal = hn::ShiftRight<13>(hn::Add(hn::Add(magnitude, rebias), odd));
  // Subnormal results: adding 0.5 lets the float adder round at 2^-24.
  const Int half_bits = hn::Set(di, 0x3F000000);
  const Int subnormal = hn::Sub(hn::BitCast(di, hn::Add(absolute, hn::BitCast(d, half_bits))), half_bits);
  const auto is_subnormal = hn::Lt(absolute, broadcast(6.103515625e-5f));
  Int result = hn::IfThenElse(hn::RebindMask(di, is_subnormal), subnormal, normal);
  const auto overflows = hn::Ge(absolute, broadcast(65520.0f));
  result = hn::IfThenElse(hn::RebindMask(di, overflows), hn::Set(di, 0x7C00), result);
  const auto is_nan = hn::IsNaN(value);
  result = hn::IfThenElse(hn::RebindMask(di, is_nan), hn::Set(di, 0x7E00), result);
  return hn::Or(result, sign);
}

HWY_INLINE Float float_from_bfloat16(Int bits) { return hn::BitCast(FloatTag(), hn::ShiftLeft<16>(bits)); }

/// Float to bfloat16 bits, rounded to nearest even (Highway 1.0's own conversion truncates), NaN to a quiet NaN.
HWY_INLINE Int bfloat16_from_float(Float value) {
  const IntTag di;
  const Int bits = hn::BitCast(di, value);
  const Int odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(di, 1));
  const Int rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(di, 0x7FFF)), odd));
  const Int quiet = hn::Or(hn::ShiftRight<16>(bits), hn::Set(di, 0x40));
  const auto is_nan = hn::RebindMask(di, hn::IsNaN(value));
  return hn::And(hn::IfThenElse(is_nan, quiet, rounded), hn::Set(di, 0xFFFF));
}

/// Element types of the caller's tensors: load and store one vector, cells consecutive.
struct Float32Element {
  using Stored = float;
  static HWY_INLINE Float load(const Stored* from) { return hn::LoadU(FloatTag(), from); }
  static HWY_INLINE void store(Float value, Stored* to) { hn::StoreU(value, FloatTag(), to); }
};

HWY_INLINE Int load_half_bits(const std::uint16_t* from) {
  return hn::PromoteTo(IntTag(), hn::LoadU(HalfBitsTag(), from));
}
HWY_INLINE void store_half_bits(Int bits, std::uint16_t* to) {
  hn::StoreU(hn::DemoteTo(HalfBitsTag(), bits), HalfBitsTag(), to);
}

struct Float16Element {
  using Stored = std::uint16_t;
  static HWY_INLINE Float load(const Stored* from) { return float_from_half(load_half_bits(from)); }
  static HWY_INLINE void store(Float value, Stored* to) { store_half_bits(half_from_float(value), to); }
};

struct Bfloat16Element {
  using Stored = std::uint16_t;
  static HWY_INLINE Float load(const Stored* from) { return float_from_bfloat16(load_half_bits(from)); }
  static HWY_INLINE void store(Float value, Stored* to) { store_half_bits(bfloat16_from_float(value), to); }
};

/// Calls body(element) with the element type of `dtype`.
template <class Body>
HWY_INLINE void with_element(arloss_dtype_t dtype, const Body& body) {
  if (dtype == ARLOSS_DTYPE_FLOAT32) {
    body(Float32Element());
  } else if (dtype == ARLOSS_DTYPE_FLOAT16) {
    body(Float16Element());
  } else {
    body(Bfloat16Element());
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace arloss::cpu
HWY_AFTER_NAMESPACE();

#endif

#ifndef ARLOSS_TESTS_EMULATOR_SEMANTICS_INTEGER_H
#define ARLOSS_TESTS_EMULATOR_SEMANTICS_INTEGER_H

#include <cstdint>
#include <limits>
#include <type_traits>

/// Integer arithmetic. Int is any of the 16-, 32- and 64-bit types; results wrap, as on the device.
namespace emulator::semantics {

namespace detail {

__extension__ using S128 = __int128;

/// A type in which sums and products of two Ints are exact.
template <class Int>
using Wide = std::conditional_t<(sizeof(Int) < 4), std::int64_t, S128>;

template <class Int>
inline Int clamp_to(Wide<Int> value) {
  using Limits = std::numeric_limits<Int>;
  if (value > Wide<Int>{Limits::max()}) return Limits::max();
  if (value < Wide<Int>{Limits::min()}) return Limits::min();
  return static_cast<Int>(value);
}

}  // namespace detail

template <class Int>
inline Int wrapping_add(Int a, Int b) {
  return static_cast<Int>(std::uint64_t(a) + std::uint64_t(b));
}
template <class Int>
inline Int wrapping_subtract(Int a, Int b) {
  return static_cast<Int>(std::uint64_t(a) - std::uint64_t(b));
}
/// mul.lo
template <class Int>
inline Int wrapping_multiply(Int a, Int b) {
  return static_cast<Int>(std::uint64_t(a) * std::uint64_t(b));
}
/// neg; the smallest value is its own negative.
template <class Int>
inline Int wrapping_negate(Int a) {
  return wrapping_subtract(Int{0}, a);
}
/// abs; the smallest value stays.
template <class Int>
inline Int wrapping_absolute(Int a) {
  return a < 0 ? wrapping_negate(a) : a;
}

/// add.sat and sub.sat
template <class Int>
inline Int saturating_add(Int a, Int b) {
  return detail::clamp_to<Int>(detail::Wide<Int>{a} + detail::Wide<Int>{b});
}
template <class Int>
inline Int saturating_subtract(Int a, Int b) {
  return detail::clamp_to<Int>(detail::Wide<Int>{a} - detail::Wide<Int>{b});
}

/// mul.hi: the upper half of the product.
template <class Int>
inline Int multiply_high(Int a, Int b) {
  using Product = std::conditional_t<std::is_signed_v<Int>, detail::S128, unsigned __int128>;
  return static_cast<Int>(Product(Product(a) * Product(b)) >> (8 * sizeof(Int)));
}

/// mad.hi
template <class Int>
inline Int multiply_high_add(Int a, Int b, Int c) {
  return wrapping_add(multiply_high(a, b), c);
}
/// mad.hi.sat
inline std::int32_t multiply_high_add_saturating(std::int32_t a, std::int32_t b, std::int32_t c) {
  return saturating_add(multiply_high(a, b), c);
}

/// Bits 0 to 23 of a value, by their sign where Int is signed: what mul24 and mad24 see.
template <class Int>
inline std::int64_t low24(Int value) {
  const std::int64_t bits = static_cast<std::int64_t>(value) & 0xFFFFFF;
  return std::is_signed_v<Int> && (bits & 0x800000) != 0 ? bits - 0x1000000 : bits;
}
/// mul24.lo: bits 0 to 31 of the 48-bit product.
template <class Int>
inline Int multiply24_low(Int a, Int b) {
  return static_cast<Int>(low24(a) * low24(b));
}
/// mul24.hi: bits 16 to 47.
template <class Int>
inline Int multiply24_high(Int a, Int b) {
  return static_cast<Int>((low24(a) * low24(b)) >> 16);
}

// ---- division as the device has it

/// div: by zero all bits are set; the smallest value by -1 is itself.
template <class Int>
inline Int divide_integer(Int a, Int b) {
  if (b == 0) return static_cast<Int>(~Int{0});
  if (std::is_signed_v<Int> && b == static_cast<Int>(-1)) return wrapping_negate(a);
  return static_cast<Int>(a / b);
}

/// rem: by zero the dividend; by -1 zero.
template <class Int>
inline Int remainder_integer(Int a, Int b) {
  if (b == 0) return a;
  if (std::is_signed_v<Int> && b == static_cast<Int>(-1)) return 0;
  return static_cast<Int>(a % b);
}

// ---- sums of differences and products

/// sad: c + |a - b|
template <class Int>
inline Int sum_absolute_difference(Int a, Int b, Int c) {
  return wrapping_add(c, a < b ? wrapping_subtract(b, a) : wrapping_subtract(a, b));
}

namespace detail {

/// Element `index` of the packed Elements in `bits`.
template <class Element>
inline std::int32_t element(std::uint32_t bits, int index) {
  return static_cast<Element>(bits >> (8 * static_cast<int>(sizeof(Element)) * index));
}

}  // namespace detail

/// dp4a: c and four products of bytes; A and B are int8_t or uint8_t.
template <class A, class B>
inline std::uint32_t dot_product4(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  static_assert(sizeof(A) == 1 && sizeof(B) == 1);
  for (int index = 0; index < 4; ++index)
    c += static_cast<std::uint32_t>(detail::element<A>(a, index) * detail::element<B>(b, index));
  return c;
}

/// dp2a: c and two products of halves of a (A: int16_t or uint16_t) with bytes of b (B: int8_t or uint8_t), the lower
/// two or the upper two.
template <class A, class B>
inline std::uint32_t dot_product2(std::uint32_t a, std::uint32_t b, std::uint32_t c, bool is_upper) {
  static_assert(sizeof(A) == 2 && sizeof(B) == 1);
  for (int index = 0; index < 2; ++index)
    c += static_cast<std::uint32_t>(detail::element<A>(a, index) * detail::element<B>(b, index + (is_upper ? 2 : 0)));
  return c;
}

/// min and max of integers with .relu: negative results become 0.
template <class Int>
inline Int relu(Int value) {
  return value < 0 ? Int{0} : value;
}

}  // namespace emulator::semantics

#endif

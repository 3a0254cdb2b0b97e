#ifndef ARLOSS_TESTS_EMULATOR_SEMANTICS_BITS_H
#define ARLOSS_TESTS_EMULATOR_SEMANTICS_BITS_H

#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>

/// Instructions on bits: shifts, fields, permutations, logic and counts. Bits is uint32_t or uint64_t (shifts: also
/// uint16_t); where a type's sign matters the template argument may be signed.
namespace emulator::semantics {

template <class Int>
constexpr int kWidth = static_cast<int>(sizeof(Int) * 8);

// ---- shifts

/// shl: amounts beyond the width clear everything.
template <class Bits>
inline Bits shift_left(Bits value, std::uint32_t amount) {
  static_assert(std::is_unsigned_v<Bits>);
  return amount < static_cast<std::uint32_t>(kWidth<Bits>) ? static_cast<Bits>(std::uint64_t{value} << amount)
                                                           : Bits{0};
}

/// shr: signed values are filled with their sign; amounts beyond the width count as the width.
template <class Int>
inline Int shift_right(Int value, std::uint32_t amount) {
  if (amount < static_cast<std::uint32_t>(kWidth<Int>)) return static_cast<Int>(value >> amount);
  return value < 0 ? static_cast<Int>(-1) : Int{0};
}

enum class ShiftMode : std::uint8_t { kClamp, kWrap };

inline std::uint32_t funnel_amount(std::uint32_t amount, ShiftMode mode) {
  if (mode == ShiftMode::kWrap) return amount & 31u;
  return amount < 32 ? amount : 32;
}

/// shf.l: the upper 32 bits of high:low shifted left.
inline std::uint32_t funnel_left(std::uint32_t low, std::uint32_t high, std::uint32_t amount, ShiftMode mode) {
  const std::uint64_t both = std::uint64_t{high} << 32 | low;
  return static_cast<std::uint32_t>(both >> (32 - funnel_amount(amount, mode)));
}

/// shf.r: the lower 32 bits of high:low shifted right.
inline std::uint32_t funnel_right(std::uint32_t low, std::uint32_t high, std::uint32_t amount, ShiftMode mode) {
  const std::uint64_t both = std::uint64_t{high} << 32 | low;
  return static_cast<std::uint32_t>(both >> funnel_amount(amount, mode));
}

// ---- fields

/// The lowest `count` bits set; all of them from the width on.
template <class Bits>
inline Bits low_mask(std::uint32_t count) {
  return static_cast<Bits>(shift_left(Bits{1}, count) - 1u);
}

/// bfe: `length` bits from `position` on, both taken modulo 256. A signed field is filled with its highest bit, or with
/// the value's where the field reaches beyond it.
template <class Int>
inline Int extract_field(Int value, std::uint32_t position, std::uint32_t length) {
  using Bits = std::make_unsigned_t<Int>;
  constexpr auto kBits = static_cast<std::uint32_t>(kWidth<Int>);
  position &= 0xFFu;
  length &= 0xFFu;
  if (length == 0) return 0;
  const Bits mask = low_mask<Bits>(length);
  const Bits field = static_cast<Bits>(shift_right(value, position)) & mask;
  const std::uint32_t last = position + length - 1;
  const bool is_negative =
      std::is_signed_v<Int> && (shift_right(static_cast<Bits>(value), last < kBits ? last : kBits - 1) & 1u) != 0;
  return static_cast<Int>(is_negative ? field | static_cast<Bits>(~mask) : field);
}

/// bfi: the lowest `length` bits of `field` put into `base` from `position` on, both taken modulo 256.
template <class Bits>
inline Bits insert_field(Bits field, Bits base, std::uint32_t position, std::uint32_t length) {
  const Bits mask = shift_left(low_mask<Bits>(length & 0xFFu), position & 0xFFu);
  return (base & static_cast<Bits>(~mask)) | (shift_left(field, position & 0xFFu) & mask);
}

/// bmsk: `length` bits set from `position` on.
inline std::uint32_t bit_mask(std::uint32_t position, std::uint32_t length, ShiftMode mode) {
  if (mode == ShiftMode::kWrap) {
    position &= 31u;
    length &= 31u;
  }
  return shift_left(low_mask<std::uint32_t>(length), position);
}

/// szext: the lowest `length` bits of the value, extended by their sign where Int is signed. Lengths from 32 on: all of
/// the value when clamped, else modulo 32. Length 0 gives 0.
template <class Int>
inline Int extend_field(Int value, std::uint32_t length, ShiftMode mode) {
  static_assert(sizeof(Int) == 4);
  if (mode == ShiftMode::kWrap) length &= 31u;
  return extract_field(value, 0, length < 32 ? length : 32);
}

// ---- permutations

enum class PermuteMode : std::uint8_t { kGeneric, kF4e, kB4e, kRc8, kEcl, kEcr, kRc16 };

/// The selector of the generic form that does what a special mode does for the low two bits of its operand.
inline std::uint32_t permute_selector(PermuteMode mode, std::uint32_t control) {
  static constexpr std::uint16_t kSelectors[6][4] = {
      {0x3210, 0x4321, 0x5432, 0x6543},  // f4e: four bytes from this one on
      {0x5670, 0x6701, 0x7012, 0x0123},  // b4e: backwards
      {0x0000, 0x1111, 0x2222, 0x3333},  // rc8: one byte four times
      {0x3210, 0x3211, 0x3222, 0x3333},  // ecl: bytes under this one become it
      {0x0000, 0x1110, 0x2210, 0x3210},  // ecr: bytes over this one become it
      {0x1010, 0x3232, 0x1010, 0x3232},  // rc16: one half twice
  };
  return mode == PermuteMode::kGeneric ? control : kSelectors[static_cast<int>(mode) - 1][control & 3u];
}

/// prmt: four bytes of high:low, each chosen by four bits of the selector, of which the highest asks for the byte's
/// sign in all its bits.
inline std::uint32_t permute_bytes(std::uint32_t low, std::uint32_t high, std::uint32_t control,
                                   PermuteMode mode = PermuteMode::kGeneric) {
  const std::uint64_t both = std::uint64_t{high} << 32 | low;
  const std::uint32_t selector = permute_selector(mode, control);
  std::uint32_t result = 0;
  for (std::uint32_t byte = 0; byte < 4; ++byte) {
    const std::uint32_t choice = selector >> (4 * byte) & 0xFu;
    const auto chosen = static_cast<std::uint32_t>(both >> (8 * (choice & 7u)) & 0xFFu);
    const std::uint32_t sign = (chosen & 0x80u) != 0 ? 0xFFu : 0u;
    result |= ((choice & 8u) != 0 ? sign : chosen) << (8 * byte);
  }
  return result;
}

/// brev
template <class Bits>
inline Bits reverse_bits(Bits value) {
  static_assert(std::is_unsigned_v<Bits> && sizeof(Bits) >= 4);
  std::uint64_t bits = value;
  bits = (bits >> 1 & 0x5555555555555555u) | (bits & 0x5555555555555555u) << 1;
  bits = (bits >> 2 & 0x3333333333333333u) | (bits & 0x3333333333333333u) << 2;
  bits = (bits >> 4 & 0x0F0F0F0F0F0F0F0Fu) | (bits & 0x0F0F0F0F0F0F0F0Fu) << 4;
  return static_cast<Bits>(__builtin_bswap64(bits) >> (64 - kWidth<Bits>));
}

// ---- logic and counts

/// lop3: bit (a, b, c) of the table, a the highest of the three, for every bit.
template <class Bits>
inline Bits logic3(Bits a, Bits b, Bits c, std::uint32_t table) {
  Bits result = 0;
  for (std::uint32_t row = 0; row < 8; ++row) {
    const Bits is_listed = static_cast<Bits>(Bits{0} - Bits{table >> row & 1u});
    result |= is_listed & (row & 4u ? a : ~a) & (row & 2u ? b : ~b) & (row & 1u ? c : ~c);
  }
  return result;
}

/// popc
template <class Bits>
inline std::uint32_t count_ones(Bits value) {
  static_assert(std::is_unsigned_v<Bits>);
  return static_cast<std::uint32_t>(__builtin_popcountll(value));
}

/// clz: the width for 0.
template <class Bits>
inline std::uint32_t leading_zeros(Bits value) {
  static_assert(std::is_unsigned_v<Bits>);
  return value != 0 ? static_cast<std::uint32_t>(__builtin_clzll(value) - (64 - kWidth<Bits>))
                    : static_cast<std::uint32_t>(kWidth<Bits>);
}

/// bfind: position of the highest bit that differs from the sign (unsigned: from 0); all ones where there is none.
/// `is_shift_amount`: how far to shift left until it is the highest.
template <class Int>
inline std::uint32_t find_highest(Int value, bool is_shift_amount = false) {
  using Bits = std::make_unsigned_t<Int>;
  const auto bits = static_cast<Bits>(value < 0 ? ~value : value);
  if (bits == 0) return ~0u;
  const std::uint32_t zeros = leading_zeros(bits);
  return is_shift_amount ? zeros : static_cast<std::uint32_t>(kWidth<Int>) - 1 - zeros;
}

/// fns: position of the |offset|-th set bit counted upwards (offset > 0) or downwards (offset < 0) from bit `base` on,
/// that one included; offset 0: `base` if it is set. All ones where there is none, and for a base beyond 31.
inline std::uint32_t find_nth_set(std::uint32_t mask, std::uint32_t base, std::int32_t offset) {
  if (base > 31) return ~0u;
  if (offset == 0) return (mask >> base & 1u) != 0 ? base : ~0u;
  std::uint32_t left = offset > 0 ? static_cast<std::uint32_t>(offset) : 0u - static_cast<std::uint32_t>(offset);
  const std::uint32_t step = offset > 0 ? 1u : ~0u;  // position wraps to a large number below 0
  for (std::uint32_t position = base; position < 32; position += step)
    if ((mask >> position & 1u) != 0 && --left == 0) return position;
  return ~0u;
}

}  // namespace emulator::semantics

#endif

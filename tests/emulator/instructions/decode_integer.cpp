// add, sub, mul, mad, div, rem, abs, neg, min, max, sad, mul24, mad24, dp4a, dp2a, and the carry chain. Families of the
// same names for floats and halves are passed on.
#include <cstdint>

#include "instructions/decoder.h"
#include "machine/handler.h"
#include "semantics/compare.h"
#include "semantics/integer.h"

namespace emulator {
namespace {

struct Add {
  template <class T>
  static T apply(T a, T b) {
    return semantics::wrapping_add(a, b);
  }
};
struct AddSaturating {
  template <class T>
  static T apply(T a, T b) {
    return semantics::saturating_add(a, b);
  }
};
struct Subtract {
  template <class T>
  static T apply(T a, T b) {
    return semantics::wrapping_subtract(a, b);
  }
};
struct SubtractSaturating {
  template <class T>
  static T apply(T a, T b) {
    return semantics::saturating_subtract(a, b);
  }
};
struct MultiplyLow {
  template <class T>
  static T apply(T a, T b) {
    return semantics::wrapping_multiply(a, b);
  }
};
struct MultiplyHigh {
  template <class T>
  static T apply(T a, T b) {
    return semantics::multiply_high(a, b);
  }
};
template <class Wide>
struct MultiplyWide {
  template <class T>
  static Wide apply(T a, T b) {
    return semantics::wrapping_multiply(static_cast<Wide>(a), static_cast<Wide>(b));
  }
};
template <class Int>
struct Multiply24Low {
  static Int apply(Int a, Int b) { return semantics::multiply24_low(a, b); }
};
template <class Int>
struct Multiply24High {
  static Int apply(Int a, Int b) { return semantics::multiply24_high(a, b); }
};
// mad in all its forms.
template <class Multiply>
struct AndAdd {
  template <class T, class Sum>
  static Sum apply(T a, T b, Sum c) {
    return semantics::wrapping_add(static_cast<Sum>(Multiply::apply(a, b)), c);
  }
};
struct Divide {
  template <class T>
  static T apply(T a, T b) {
    return semantics::divide_integer(a, b);
  }
};
struct Remainder {
  template <class T>
  static T apply(T a, T b) {
    return semantics::remainder_integer(a, b);
  }
};
struct Minimum {
  template <class T>
  static T apply(T a, T b) {
    return semantics::minimum(a, b);
  }
};
struct Maximum {
  template <class T>
  static T apply(T a, T b) {
    return semantics::maximum(a, b);
  }
};
struct Negate {
  template <class T>
  static T apply(T a) {
    return semantics::wrapping_negate(a);
  }
};
struct Absolute {
  template <class T>
  static T apply(T a) {
    return semantics::wrapping_absolute(a);
  }
};
struct SumOfDifferences {
  template <class T>
  static T apply(T a, T b, T c) {
    return semantics::sum_absolute_difference(a, b, c);
  }
};
template <class A, class B>
struct Dot4 {
  static std::uint32_t apply(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    return semantics::dot_product4<A, B>(a, b, c);
  }
};
template <class A, class B, bool is_upper>
struct Dot2 {
  static std::uint32_t apply(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    return semantics::dot_product2<A, B>(a, b, c, is_upper);
  }
};

template <class Operation, std::size_t num_sources>
void decode_operation(Decoder& decoder) {
  const bool is_known = with_integer(decoder.type(), [&](auto tag) {
    decoder.out.run = handler_of_type<Operation, typename decltype(tag)::Type, num_sources>();
  });
  if (!is_known) decoder.unknown();
  decoder.uniform_operands(num_sources, width_of(decoder.type()));
}

template <class Wide, class T>
void set_wide(Decoder& decoder, const char* wide_type) {
  const std::string& type = decoder.type();
  const bool adds = decoder.num_operands() == 4;
  decoder.out.run = adds ? EachLane<AndAdd<MultiplyWide<Wide>>, Wide, T, T, Wide>::run
                         : EachLane<MultiplyWide<Wide>, Wide, T, T>::run;
  decoder.result(decoder.operand(0), width_of(wide_type));
  for (std::size_t k = 1; k < 3; ++k) decoder.source(decoder.operand(k), width_of(type));
  if (adds) decoder.source(decoder.operand(3), width_of(wide_type));
}

void decode_wide(Decoder& decoder) {
  const std::string& type = decoder.type();
  if (type == "u16") return set_wide<std::uint32_t, std::uint16_t>(decoder, "u32");
  if (type == "s16") return set_wide<std::int32_t, std::int16_t>(decoder, "s32");
  if (type == "u32") return set_wide<std::uint64_t, std::uint32_t>(decoder, "u64");
  if (type == "s32") return set_wide<std::int64_t, std::int32_t>(decoder, "s64");
  decoder.unknown();
}

template <class Int>
void decode_24(Decoder& decoder) {
  const bool adds = decoder.num_operands() == 4, is_high = decoder.has("hi");
  if (adds) {
    decoder.out.run = is_high ? EachLane<AndAdd<Multiply24High<Int>>, Int, Int, Int, Int>::run
                              : EachLane<AndAdd<Multiply24Low<Int>>, Int, Int, Int, Int>::run;
  } else {
    decoder.out.run =
        is_high ? EachLane<Multiply24High<Int>, Int, Int, Int>::run : EachLane<Multiply24Low<Int>, Int, Int, Int>::run;
  }
  decoder.result(decoder.operand(0), Operand::Width::kWord);
  for (std::size_t k = 1; k < decoder.num_operands(); ++k) decoder.source(decoder.operand(k), Operand::Width::kWord);
}

// made(A{}, B{}) with the C++ types of the packed elements of both factors.
template <class SignedA, class UnsignedA, class Made>
Handler dot_handler(const Decoder& decoder, Made&& made) {
  const bool is_a_signed = decoder.type(0) == "s32", is_b_signed = decoder.type(1) == "s32";
  if (is_a_signed) return is_b_signed ? made(SignedA{}, std::int8_t{}) : made(SignedA{}, std::uint8_t{});
  return is_b_signed ? made(UnsignedA{}, std::int8_t{}) : made(UnsignedA{}, std::uint8_t{});
}

void decode_dot(Decoder& decoder) {
  using U = std::uint32_t;
  if (decoder.base() == "dp4a") {
    decoder.out.run = dot_handler<std::int8_t, std::uint8_t>(
        decoder, [](auto a, auto b) -> Handler { return EachLane<Dot4<decltype(a), decltype(b)>, U, U, U, U>::run; });
  } else {
    decoder.out.run = dot_handler<std::int16_t, std::uint16_t>(decoder, [&](auto a, auto b) -> Handler {
      using A = decltype(a);
      using B = decltype(b);
      return decoder.has("hi") ? EachLane<Dot2<A, B, true>, U, U, U, U>::run
                               : EachLane<Dot2<A, B, false>, U, U, U, U>::run;
    });
  }
  decoder.result(decoder.operand(0), Operand::Width::kWord);
  for (std::size_t k = 1; k < 4; ++k) decoder.source(decoder.operand(k), Operand::Width::kWord);
}

// add.cc, subc, mad.hi.cc and their kin: the carry is a predicate of the frame, the last operand of each.
constexpr unsigned kTakes = 1, kGives = 2, kSubtracts = 4, kMultipliesLow = 8, kMultipliesHigh = 16;

template <class T>
bool sum_with_carry(T a, T b, bool subtracts, T carry, T& sum) {
  T first;
  const bool carries = subtracts ? __builtin_sub_overflow(a, b, &first) : __builtin_add_overflow(a, b, &first);
  const bool carries_on =
      subtracts ? __builtin_sub_overflow(first, carry, &sum) : __builtin_add_overflow(first, carry, &sum);
  return carries || carries_on;
}

template <class T>
void run_carry(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const unsigned mode = instruction.mode;
  const auto source = [&](std::size_t k, int lane) { return warp.row<T>(instruction.operands[k])[lane]; };
  const Operand& carry = instruction.operands[instruction.num_operands - 1u];
  const LaneMask taken = (mode & kTakes) != 0 ? *warp.row<LaneMask>(carry) : 0;
  LaneMask given = 0;
  for_each_lane(lanes, [&](int lane) {
    T a = source(1, lane), b = source(2, lane), sum;
    if ((mode & (kMultipliesLow | kMultipliesHigh)) != 0) {
      a = (mode & kMultipliesHigh) != 0 ? semantics::multiply_high(a, b) : semantics::wrapping_multiply(a, b);
      b = source(3, lane);
    }
    const bool carries = sum_with_carry<T>(a, b, (mode & kSubtracts) != 0, taken >> lane & 1, sum);
    warp.row<T>(instruction.operands[0])[lane] = sum;
    given |= static_cast<LaneMask>(carries) << lane;
  });
  if ((mode & kGives) != 0) warp.set_predicate(carry, lanes, given);
}

void decode_carry(Decoder& decoder) {
  const std::string& base = decoder.base();
  const std::string& type = decoder.type();
  const bool multiplies = base[0] == 'm';
  if (type[0] == 's' && decoder.has("hi")) decoder.unknown();
  unsigned mode = multiplies ? (decoder.has("hi") ? kMultipliesHigh : kMultipliesLow) : 0u;
  mode |= (base.back() == 'c' ? kTakes : 0u) | (decoder.has("cc") ? kGives : 0u) | (base[0] == 's' ? kSubtracts : 0u);
  decoder.out.mode = static_cast<std::uint8_t>(mode);
  decoder.out.run = bytes_of(type) == 8 ? run_carry<std::uint64_t> : run_carry<std::uint32_t>;
  if (decoder.num_operands() != (multiplies ? 4u : 3u)) decoder.unknown();
  decoder.result(decoder.operand(0), width_of(type));
  for (std::size_t k = 1; k < decoder.num_operands(); ++k) decoder.source(decoder.operand(k), width_of(type));
  decoder.add(decoder.scope.carry());
}

void decode_multiply(Decoder& decoder) {
  if (decoder.has("wide")) return decode_wide(decoder);
  const bool adds = decoder.base() == "mad";
  if (decoder.has("sat")) decoder.unknown();
  if (decoder.has("hi"))
    return adds ? decode_operation<AndAdd<MultiplyHigh>, 3>(decoder) : decode_operation<MultiplyHigh, 2>(decoder);
  if (!decoder.has("lo")) decoder.unknown();
  return adds ? decode_operation<AndAdd<MultiplyLow>, 3>(decoder) : decode_operation<MultiplyLow, 2>(decoder);
}

bool is_half(const std::string& type) { return type == "f16" || type == "f16x2" || type == "bf16" || type == "bf16x2"; }

}  // namespace

void decode_integer(Decoder& decoder) {
  const std::string& base = decoder.base();
  const std::string type = decoder.type();
  if (is_half(type)) return decode_half(decoder);
  if (type[0] == 'f') return decode_floating(decoder);
  if (base == "addc" || base == "subc" || base == "madc" || decoder.has("cc")) return decode_carry(decoder);
  if (base == "dp4a" || base == "dp2a") return decode_dot(decoder);
  if (decoder.has("sat") && base == "add") return decode_operation<AddSaturating, 2>(decoder);
  if (decoder.has("sat") && base == "sub") return decode_operation<SubtractSaturating, 2>(decoder);
  if (decoder.has("cc") || decoder.has("sat") || decoder.has("relu")) decoder.unknown();
  if (base == "add") return decode_operation<Add, 2>(decoder);
  if (base == "sub") return decode_operation<Subtract, 2>(decoder);
  if (base == "mul" || base == "mad") return decode_multiply(decoder);
  if (base == "div") return decode_operation<Divide, 2>(decoder);
  if (base == "rem") return decode_operation<Remainder, 2>(decoder);
  if (base == "min") return decode_operation<Minimum, 2>(decoder);
  if (base == "max") return decode_operation<Maximum, 2>(decoder);
  if (base == "abs") return decode_operation<Absolute, 1>(decoder);
  if (base == "neg") return decode_operation<Negate, 1>(decoder);
  if (base == "sad") return decode_operation<SumOfDifferences, 3>(decoder);
  if (base == "mul24" || base == "mad24")
    return type == "s32" ? decode_24<std::int32_t>(decoder) : decode_24<std::uint32_t>(decoder);
  decoder.unknown();
}

}  // namespace emulator

// Arithmetic of f16, bf16 and their pairs: add, sub, mul, fma, neg, abs, min, max, ex2, tanh.
#include <cstdint>

#include "instructions/decoder.h"
#include "machine/handler.h"
#include "semantics/approx.h"
#include "semantics/half_formats.h"
#include "semantics/half_math.h"

namespace emulator {
namespace {

using semantics::HalfBf16;
using semantics::HalfF16;

template <class Half>
struct Add {
  static std::uint16_t apply(std::uint16_t a, std::uint16_t b) { return semantics::half_add<Half>(a, b); }
};
template <class Half>
struct Subtract {
  static std::uint16_t apply(std::uint16_t a, std::uint16_t b) { return semantics::half_subtract<Half>(a, b); }
};
template <class Half>
struct Multiply {
  static std::uint16_t apply(std::uint16_t a, std::uint16_t b) { return semantics::half_multiply<Half>(a, b); }
};
template <class Half>
struct MultiplyAdd {
  static std::uint16_t apply(std::uint16_t a, std::uint16_t b, std::uint16_t c) {
    return semantics::half_multiply_add<Half>(a, b, c);
  }
};
template <bool is_nan, bool is_xorsign>
struct Extremes {
  template <class Half>
  struct Minimum {
    static std::uint16_t apply(std::uint16_t a, std::uint16_t b) {
      return semantics::half_minimum<Half>(a, b, is_nan, is_xorsign);
    }
  };
  template <class Half>
  struct Maximum {
    static std::uint16_t apply(std::uint16_t a, std::uint16_t b) {
      return semantics::half_maximum<Half>(a, b, is_nan, is_xorsign);
    }
  };
};
// The approximations of floats, between conversions; those do without .ftz.
template <class Half>
struct Exponential {
  static std::uint16_t apply(std::uint16_t a) { return Half::narrow(semantics::ex2_approx(Half::widen(a), false)); }
};
template <class Half>
struct HyperbolicTangent {
  static std::uint16_t apply(std::uint16_t a) { return Half::narrow(semantics::tanh_approx(Half::widen(a))); }
};

enum Modifier : unsigned { kFlush = 1, kSaturate = 2, kRelu = 4 };

template <class Half, class Operation, unsigned modifiers>
struct Modified {
  static std::uint16_t in(std::uint16_t bits) { return (modifiers & kFlush) != 0 ? semantics::flush_f16(bits) : bits; }
  template <class... B>
  static std::uint16_t apply(B... sources) {
    std::uint16_t bits = Operation::apply(in(sources)...);
    if ((modifiers & kFlush) != 0) bits = semantics::flush_f16(bits);
    if ((modifiers & kSaturate) != 0) bits = semantics::half_saturate<Half>(bits);
    return (modifiers & kRelu) != 0 ? semantics::relu16(bits) : bits;
  }
};

// neg and abs move bits and nothing else, of a NaN too.
struct NegateBits {
  template <class Bits>
  static Bits apply(Bits bits) {
    return static_cast<Bits>(bits ^ 0x80008000u);
  }
};
struct AbsoluteBits {
  template <class Bits>
  static Bits apply(Bits bits) {
    return static_cast<Bits>(bits & 0x7FFF7FFFu);
  }
};

template <class Operation>
struct OnPair {
  template <class... B>
  static std::uint32_t apply(B... sources) {
    const std::uint32_t low = Operation::apply(static_cast<std::uint16_t>(sources)...);
    const std::uint32_t high = Operation::apply(static_cast<std::uint16_t>(sources >> 16)...);
    return high << 16 | low;
  }
};

template <class Half, class Operation, unsigned modifiers, std::size_t sources>
Handler handler_of(bool is_pair) {
  using Whole = Modified<Half, Operation, modifiers>;
  return is_pair ? handler_of_type<OnPair<Whole>, std::uint32_t, sources>()
                 : handler_of_type<Whole, std::uint16_t, sources>();
}

template <class Half, template <class> class Operation, std::size_t sources>
Handler modified_handler(const Decoder& decoder, bool is_pair) {
  const unsigned modifiers =
      (decoder.has("ftz") ? kFlush : 0u) | (decoder.has("sat") ? kSaturate : 0u) | (decoder.has("relu") ? kRelu : 0u);
  switch (modifiers) {
    case 0: return handler_of<Half, Operation<Half>, 0, sources>(is_pair);
    case kFlush: return handler_of<Half, Operation<Half>, kFlush, sources>(is_pair);
    case kSaturate: return handler_of<Half, Operation<Half>, kSaturate, sources>(is_pair);
    case kRelu: return handler_of<Half, Operation<Half>, kRelu, sources>(is_pair);
    default: decoder.unknown();
  }
}

template <template <class> class Operation, std::size_t sources>
void decode_operation(Decoder& decoder) {
  const std::string& type = decoder.type();
  const bool is_pair = type.back() == '2';
  decoder.out.run = type[0] == 'b' ? modified_handler<HalfBf16, Operation, sources>(decoder, is_pair)
                                   : modified_handler<HalfF16, Operation, sources>(decoder, is_pair);
  decoder.uniform_operands(sources, Operand::Width::kWord);
}

template <bool is_nan, bool is_xorsign>
void decode_extreme(Decoder& decoder) {
  using Both = Extremes<is_nan, is_xorsign>;
  return decoder.base() == "min" ? decode_operation<Both::template Minimum, 2>(decoder)
                                 : decode_operation<Both::template Maximum, 2>(decoder);
}

template <class Operation>
void decode_bits_only(Decoder& decoder) {
  const bool is_pair = decoder.type().back() == '2';
  if (decoder.has("ftz")) decoder.unknown();
  decoder.out.run = is_pair ? EachLane<Operation, std::uint32_t, std::uint32_t>::run
                            : EachLane<Operation, std::uint16_t, std::uint16_t>::run;
  decoder.result(decoder.operand(0), Operand::Width::kWord);
  decoder.source(decoder.operand(1), Operand::Width::kWord);
}

}  // namespace

void decode_half(Decoder& decoder) {
  const std::string& base = decoder.base();
  const std::string& type = decoder.type();
  if (type != "f16" && type != "f16x2" && type != "bf16" && type != "bf16x2") decoder.unknown();
  if (base == "add") return decode_operation<Add, 2>(decoder);
  if (base == "sub") return decode_operation<Subtract, 2>(decoder);
  if (base == "mul") return decode_operation<Multiply, 2>(decoder);
  if (base == "fma" && !decoder.has("oob")) return decode_operation<MultiplyAdd, 3>(decoder);
  if (base == "min" || base == "max") {
    if (decoder.has("xorsign"))
      return decoder.has("NaN") ? decode_extreme<true, true>(decoder) : decode_extreme<false, true>(decoder);
    return decoder.has("NaN") ? decode_extreme<true, false>(decoder) : decode_extreme<false, false>(decoder);
  }
  if (base == "neg") return decode_bits_only<NegateBits>(decoder);
  if (base == "abs") return decode_bits_only<AbsoluteBits>(decoder);
  if (base == "ex2") return decode_operation<Exponential, 1>(decoder);
  if (base == "tanh") return decode_operation<HyperbolicTangent, 1>(decoder);
  decoder.unknown();
}

}  // namespace emulator

// Logic and bit fields: and, or, xor, not, cnot, shl, shr, shf, popc, clz, bfind, brev, bfe, bfi, prmt, lop3, bmsk,
// szext, fns.
#include "semantics/bits.h"

#include <cstdint>
#include <type_traits>

#include "instructions/decoder.h"
#include "machine/handler.h"

namespace emulator {
namespace {

using U32 = std::uint32_t;
using semantics::PermuteMode;
using semantics::ShiftMode;

struct And {
  template <class T>
  static T apply(T a, T b) {
    return a & b;
  }
};
struct Or {
  template <class T>
  static T apply(T a, T b) {
    return a | b;
  }
};
struct Xor {
  template <class T>
  static T apply(T a, T b) {
    return a ^ b;
  }
};
struct Not {
  template <class T>
  static T apply(T a) {
    return static_cast<T>(~a);
  }
};
struct LogicalNot {
  template <class T>
  static T apply(T a) {
    return a == 0 ? 1 : 0;
  }
};
struct ShiftLeft {
  template <class T>
  static T apply(T value, U32 amount) {
    return semantics::shift_left(value, amount);
  }
};
struct ShiftRight {
  template <class T>
  static T apply(T value, U32 amount) {
    return semantics::shift_right(value, amount);
  }
};
template <ShiftMode mode>
struct FunnelLeft {
  static U32 apply(U32 low, U32 high, U32 amount) { return semantics::funnel_left(low, high, amount, mode); }
};
template <ShiftMode mode>
struct FunnelRight {
  static U32 apply(U32 low, U32 high, U32 amount) { return semantics::funnel_right(low, high, amount, mode); }
};
struct CountOnes {
  template <class T>
  static U32 apply(T value) {
    return semantics::count_ones(value);
  }
};
struct LeadingZeros {
  template <class T>
  static U32 apply(T value) {
    return semantics::leading_zeros(value);
  }
};
template <bool is_shift_amount>
struct FindHighest {
  template <class T>
  static U32 apply(T value) {
    return semantics::find_highest(value, is_shift_amount);
  }
};
struct ReverseBits {
  template <class T>
  static T apply(T value) {
    return semantics::reverse_bits(value);
  }
};
struct ExtractField {
  template <class T>
  static T apply(T value, U32 position, U32 length) {
    return semantics::extract_field(value, position, length);
  }
};
struct InsertField {
  template <class T>
  static T apply(T field, T base, U32 position, U32 length) {
    return semantics::insert_field(field, base, position, length);
  }
};
template <PermuteMode mode>
struct Permute {
  static U32 apply(U32 low, U32 high, U32 control) { return semantics::permute_bytes(low, high, control, mode); }
};
struct Logic3 {
  static U32 apply(U32 a, U32 b, U32 c, U32 table) { return semantics::logic3(a, b, c, table); }
};
template <ShiftMode mode>
struct BitMask {
  static U32 apply(U32 position, U32 length) { return semantics::bit_mask(position, length, mode); }
};
template <ShiftMode mode>
struct ExtendField {
  template <class T>
  static T apply(T value, U32 length) {
    return semantics::extend_field(value, length, mode);
  }
};
struct FindNthSet {
  static U32 apply(U32 mask, U32 base, std::int32_t offset) { return semantics::find_nth_set(mask, base, offset); }
};

constexpr auto kWord = Operand::Width::kWord;

void add_operands(Decoder& decoder, Operand::Width result, std::initializer_list<Operand::Width> sources) {
  if (decoder.num_operands() != sources.size() + 1) decoder.unknown();
  decoder.result(decoder.operand(0), result);
  std::size_t k = 0;
  for (const Operand::Width width : sources) decoder.source(decoder.operand(++k), width);
}

// On predicates a mask is 32 of them at once.
void run_predicate_logic(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const LaneMask a = warp.predicate(instruction.operands[1]);
  const LaneMask b = instruction.num_operands > 2 ? warp.predicate(instruction.operands[2]) : 0;
  const LaneMask results[] = {a & b, a | b, a ^ b, ~a};
  warp.set_predicate(instruction.operands[0], lanes, results[instruction.mode]);
}

template <class Operation>
void decode_logic(Decoder& decoder, std::uint8_t predicate_mode) {
  const std::string& type = decoder.type();
  const auto width = width_of(type);
  if (type == "pred") {
    decoder.out.mode = predicate_mode;
    decoder.out.run = run_predicate_logic;
  } else if (!with_integer(type, [&](auto tag) {
               using T = std::make_unsigned_t<typename decltype(tag)::Type>;
               if constexpr (std::is_same_v<Operation, Not> || std::is_same_v<Operation, LogicalNot>) {
                 decoder.out.run = EachLane<Operation, T, T>::run;
               } else {
                 decoder.out.run = EachLane<Operation, T, T, T>::run;
               }
             })) {
    decoder.unknown();
  }
  if (decoder.num_operands() == 2) {
    add_operands(decoder, width, {width});
  } else {
    add_operands(decoder, width, {width, width});
  }
}

void decode_shift(Decoder& decoder) {
  const std::string& type = decoder.type();
  const bool is_known = with_integer(type, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    decoder.out.run = decoder.base() == "shr"
                          ? EachLane<ShiftRight, T, T, U32>::run
                          : EachLane<ShiftLeft, std::make_unsigned_t<T>, std::make_unsigned_t<T>, U32>::run;
  });
  if (!is_known) decoder.unknown();
  add_operands(decoder, width_of(type), {width_of(type), kWord});
}

void decode_funnel(Decoder& decoder) {
  const bool wraps = decoder.has("wrap");
  if (decoder.has("l")) {
    decoder.out.run = wraps ? EachLane<FunnelLeft<ShiftMode::kWrap>, U32, U32, U32, U32>::run
                            : EachLane<FunnelLeft<ShiftMode::kClamp>, U32, U32, U32, U32>::run;
  } else {
    decoder.out.run = wraps ? EachLane<FunnelRight<ShiftMode::kWrap>, U32, U32, U32, U32>::run
                            : EachLane<FunnelRight<ShiftMode::kClamp>, U32, U32, U32, U32>::run;
  }
  add_operands(decoder, kWord, {kWord, kWord, kWord});
}

// Result of 32 bits, source of the instruction's type.
template <class Operation, bool keeps_sign>
void decode_count(Decoder& decoder) {
  const std::string& type = decoder.type();
  const bool is_known = with_integer(type, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    decoder.out.run = EachLane<Operation, U32, std::conditional_t<keeps_sign, T, std::make_unsigned_t<T>>>::run;
  });
  if (!is_known) decoder.unknown();
  add_operands(decoder, kWord, {width_of(type)});
}

void decode_field(Decoder& decoder) {
  const std::string& type = decoder.type();
  const auto width = width_of(type);
  const bool extracts = decoder.base() == "bfe";
  const bool is_known = with_integer(type, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    using Bits = std::make_unsigned_t<T>;
    decoder.out.run =
        extracts ? EachLane<ExtractField, T, T, U32, U32>::run : EachLane<InsertField, Bits, Bits, Bits, U32, U32>::run;
  });
  if (!is_known) decoder.unknown();
  if (extracts) {
    add_operands(decoder, width, {width, kWord, kWord});
  } else {
    add_operands(decoder, width, {width, width, kWord, kWord});
  }
}

void decode_reverse(Decoder& decoder) {
  const auto width = width_of(decoder.type());
  decoder.out.run =
      width == kWord ? EachLane<ReverseBits, U32, U32>::run : EachLane<ReverseBits, std::uint64_t, std::uint64_t>::run;
  add_operands(decoder, width, {width});
}

template <PermuteMode mode>
constexpr Handler permute_handler() {
  return EachLane<Permute<mode>, U32, U32, U32, U32>::run;
}

void decode_permute(Decoder& decoder) {
  static const std::pair<const char*, Handler> kModes[] = {
      {"f4e", permute_handler<PermuteMode::kF4e>()}, {"b4e", permute_handler<PermuteMode::kB4e>()},
      {"rc8", permute_handler<PermuteMode::kRc8>()}, {"ecl", permute_handler<PermuteMode::kEcl>()},
      {"ecr", permute_handler<PermuteMode::kEcr>()}, {"rc16", permute_handler<PermuteMode::kRc16>()}};
  decoder.out.run = permute_handler<PermuteMode::kGeneric>();
  for (const auto& [name, handler] : kModes) {
    if (decoder.has(name)) decoder.out.run = handler;
  }
  add_operands(decoder, kWord, {kWord, kWord, kWord});
}

void decode_extend(Decoder& decoder) {
  using S32 = std::int32_t;
  const bool wraps = decoder.has("wrap");
  if (decoder.type() == "s32") {
    decoder.out.run = wraps ? EachLane<ExtendField<ShiftMode::kWrap>, S32, S32, U32>::run
                            : EachLane<ExtendField<ShiftMode::kClamp>, S32, S32, U32>::run;
  } else {
    decoder.out.run = wraps ? EachLane<ExtendField<ShiftMode::kWrap>, U32, U32, U32>::run
                            : EachLane<ExtendField<ShiftMode::kClamp>, U32, U32, U32>::run;
  }
  add_operands(decoder, kWord, {kWord, kWord});
}

void decode_mask(Decoder& decoder) {
  decoder.out.run = decoder.has("wrap") ? EachLane<BitMask<ShiftMode::kWrap>, U32, U32, U32>::run
                                        : EachLane<BitMask<ShiftMode::kClamp>, U32, U32, U32>::run;
  add_operands(decoder, kWord, {kWord, kWord});
}

}  // namespace

void decode_bits(Decoder& decoder) {
  const std::string& base = decoder.base();
  if (base == "and") return decode_logic<And>(decoder, 0);
  if (base == "or") return decode_logic<Or>(decoder, 1);
  if (base == "xor") return decode_logic<Xor>(decoder, 2);
  if (base == "not") return decode_logic<Not>(decoder, 3);
  if (base == "cnot") return decode_logic<LogicalNot>(decoder, 3);
  if (base == "shl" || base == "shr") return decode_shift(decoder);
  if (base == "shf") return decode_funnel(decoder);
  if (base == "popc") return decode_count<CountOnes, false>(decoder);
  if (base == "clz") return decode_count<LeadingZeros, false>(decoder);
  if (base == "bfind")
    return decoder.has("shiftamt") ? decode_count<FindHighest<true>, true>(decoder)
                                   : decode_count<FindHighest<false>, true>(decoder);
  if (base == "brev") return decode_reverse(decoder);
  if (base == "bfe" || base == "bfi") return decode_field(decoder);
  if (base == "prmt") return decode_permute(decoder);
  if (base == "bmsk") return decode_mask(decoder);
  if (base == "szext") return decode_extend(decoder);
  if (base == "lop3" && !decoder.has("or") && !decoder.has("and")) {
    decoder.out.run = EachLane<Logic3, U32, U32, U32, U32, U32>::run;
    return add_operands(decoder, kWord, {kWord, kWord, kWord, kWord});
  }
  if (base == "fns") {
    decoder.out.run = EachLane<FindNthSet, U32, U32, U32, std::int32_t>::run;
    return add_operands(decoder, kWord, {kWord, kWord, kWord});
  }
  decoder.unknown();
}

}  // namespace emulator

// setp, set, selp, slct.
#include "semantics/compare.h"

#include <cstdint>
#include <map>

#include "instructions/decoder.h"
#include "machine/handler.h"
#include "semantics/types.h"

namespace emulator {
namespace {

using semantics::Comparison;

template <Comparison comparison>
struct Compare {
  template <class T>
  static bool apply(T a, T b) {
    return semantics::compare(comparison, a, b);
  }
};

// setp d|e, a, b, c: d = (a ? b) op c, e = !(a ? b) op c. operands: d, [e], a, b, [c]; mode: the boolean operation.
enum BooleanMode : std::uint8_t { kNone, kAnd, kOr, kXor };

LaneMask combine(std::uint8_t mode, LaneMask compared, LaneMask other) {
  switch (mode) {
    case kAnd: return compared & other;
    case kOr: return compared | other;
    case kXor: return compared ^ other;
    default: return compared;
  }
}

template <Comparison comparison, class T>
void run_setp(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const std::size_t first = instruction.num_results;
  const LaneMask compared =
      EachLaneTest<Compare<comparison>, T, T>::apply(warp, instruction, lanes, first, std::index_sequence<0, 1>{});
  const LaneMask other = instruction.mode != kNone ? warp.predicate(instruction.operands[first + 2]) : 0;
  warp.set_predicate(instruction.operands[0], lanes, combine(instruction.mode, compared, other));
  if (first == 2) warp.set_predicate(instruction.operands[1], lanes, combine(instruction.mode, ~compared, other));
}

/// The comparisons of every type; null for the others, which floats have.
template <class T>
Handler ordered_handler(Comparison comparison) {
  switch (comparison) {
    case Comparison::kEq: return run_setp<Comparison::kEq, T>;
    case Comparison::kNe: return run_setp<Comparison::kNe, T>;
    case Comparison::kLo:
    case Comparison::kLt: return run_setp<Comparison::kLt, T>;
    case Comparison::kLs:
    case Comparison::kLe: return run_setp<Comparison::kLe, T>;
    case Comparison::kHi:
    case Comparison::kGt: return run_setp<Comparison::kGt, T>;
    case Comparison::kHs:
    case Comparison::kGe: return run_setp<Comparison::kGe, T>;
    default: return nullptr;
  }
}

template <class T>
Handler unordered_handler(Comparison comparison) {
  switch (comparison) {
    case Comparison::kEqu: return run_setp<Comparison::kEqu, T>;
    case Comparison::kNeu: return run_setp<Comparison::kNeu, T>;
    case Comparison::kLtu: return run_setp<Comparison::kLtu, T>;
    case Comparison::kLeu: return run_setp<Comparison::kLeu, T>;
    case Comparison::kGtu: return run_setp<Comparison::kGtu, T>;
    case Comparison::kGeu: return run_setp<Comparison::kGeu, T>;
    case Comparison::kNum: return run_setp<Comparison::kNum, T>;
    case Comparison::kNan: return run_setp<Comparison::kNan, T>;
    default: return ordered_handler<T>(comparison);
  }
}

Comparison comparison_of(const Decoder& decoder) {
  static const std::map<std::string, Comparison> kNames = {
      {"eq", Comparison::kEq},   {"ne", Comparison::kNe},   {"lt", Comparison::kLt},   {"le", Comparison::kLe},
      {"gt", Comparison::kGt},   {"ge", Comparison::kGe},   {"lo", Comparison::kLo},   {"ls", Comparison::kLs},
      {"hi", Comparison::kHi},   {"hs", Comparison::kHs},   {"equ", Comparison::kEqu}, {"neu", Comparison::kNeu},
      {"ltu", Comparison::kLtu}, {"leu", Comparison::kLeu}, {"gtu", Comparison::kGtu}, {"geu", Comparison::kGeu},
      {"num", Comparison::kNum}, {"nan", Comparison::kNan}};
  const auto found = kNames.find(decoder.text.mnemonic.at(1));
  if (found == kNames.end()) decoder.unknown();
  return found->second;
}

/// setp as kernels are full of it; null for types and modifiers that go the slow way.
Handler fast_handler(const Decoder& decoder, const std::string& type) {
  const Comparison comparison = comparison_of(decoder);
  Handler handler = nullptr;
  with_integer(type, [&](auto tag) { handler = ordered_handler<typename decltype(tag)::Type>(comparison); });
  if (decoder.has("ftz")) return handler;
  with_float(type, [&](auto tag) { handler = unordered_handler<typename decltype(tag)::Type>(comparison); });
  return handler;
}

// The slow way: any type, a pair of halves half by half. bytes: the comparison; elements: how many halves, or 1; the
// type and .ftz in `displacement`.
constexpr std::int64_t kFlushes = 0x100;

LaneMask compared_elements(const Warp& warp, const Instruction& instruction, LaneMask lanes, std::size_t first,
                           int shift) {
  const auto type = static_cast<semantics::Type>(instruction.displacement & 0xFF);
  const auto comparison = static_cast<Comparison>(instruction.bytes);
  const bool flushes = (instruction.displacement & kFlushes) != 0;
  LaneMask yes = 0;
  for_each_lane(lanes, [&](int lane) {
    const std::uint64_t a = warp.lane_value(instruction.operands[first], lane) >> shift;
    const std::uint64_t b = warp.lane_value(instruction.operands[first + 1], lane) >> shift;
    yes |= static_cast<LaneMask>(semantics::compare_bits(comparison, type, a, b, flushes)) << lane;
  });
  return yes;
}

// setp p|q of a pair: p of the lower halves, q of the upper; else q is what p is not.
void run_setp_slowly(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const std::size_t first = instruction.num_results;
  const LaneMask other = instruction.mode != kNone ? warp.predicate(instruction.operands[first + 2]) : 0;
  const LaneMask low = compared_elements(warp, instruction, lanes, first, 0);
  const LaneMask high = instruction.elements == 2 ? compared_elements(warp, instruction, lanes, first, 16) : ~low;
  warp.set_predicate(instruction.operands[0], lanes, combine(instruction.mode, low, other));
  if (first == 2) warp.set_predicate(instruction.operands[1], lanes, combine(instruction.mode, high, other));
}

// set: `target` is what an element becomes where the comparison holds: all ones, or 1.0 of the result's type.
void run_set(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  std::uint32_t values[kWarpSize] = {};
  for (int k = 0; k < instruction.elements; ++k) {
    const LaneMask yes = compared_elements(warp, instruction, lanes, 1, 16 * k);
    for_each_lane(lanes & yes,
                  [&](int lane) { values[lane] |= static_cast<std::uint32_t>(instruction.target) << (16 * k); });
  }
  for_each_lane(lanes, [&](int lane) { warp.row<std::uint32_t>(instruction.operands[0])[lane] = values[lane]; });
}

void set_slow_comparison(Decoder& decoder, const std::string& type) {
  using semantics::Type;
  static const std::map<std::string, Type> kTypes = {
      {"b16", Type::kB16}, {"b32", Type::kB32}, {"b64", Type::kB64},   {"u16", Type::kU16},   {"u32", Type::kU32},
      {"u64", Type::kU64}, {"s16", Type::kS16}, {"s32", Type::kS32},   {"s64", Type::kS64},   {"f16", Type::kF16},
      {"f32", Type::kF32}, {"f64", Type::kF64}, {"bf16", Type::kBf16}, {"f16x2", Type::kF16}, {"bf16x2", Type::kBf16}};
  const auto found = kTypes.find(type);
  if (found == kTypes.end()) decoder.unknown();
  decoder.out.bytes = static_cast<std::uint8_t>(comparison_of(decoder));
  decoder.out.elements = type == "f16x2" || type == "bf16x2" ? 2 : 1;
  decoder.out.displacement = static_cast<std::int64_t>(found->second) | (decoder.has("ftz") ? kFlushes : 0);
}

void decode_setp(Decoder& decoder) {
  const std::string& type = decoder.type();
  decoder.out.run = fast_handler(decoder, type);
  if (decoder.out.run == nullptr) {
    set_slow_comparison(decoder, type);
    decoder.out.run = run_setp_slowly;
  }
  decoder.out.mode = decoder.has("and") ? kAnd : decoder.has("or") ? kOr : decoder.has("xor") ? kXor : kNone;
  const ptx::Operand& results = decoder.operand(0);
  if (results.form == ptx::Operand::Form::kPair) {
    for (const ptx::Operand& result : results.elements) decoder.result(result, Operand::Width::kPredicate);
  } else {
    decoder.result(results, Operand::Width::kPredicate);
  }
  if (decoder.num_operands() != (decoder.out.mode == kNone ? 3u : 4u)) decoder.unknown();
  for (std::size_t k = 1; k < 3; ++k) decoder.source(decoder.operand(k), width_of(type));
  if (decoder.out.mode != kNone) decoder.source(decoder.operand(3), Operand::Width::kPredicate);
}

std::uint32_t true_value(const std::string& to, bool is_pair) {
  if (to == "f32") return semantics::bit_cast<std::uint32_t>(1.0f);
  if (to.find('f') != std::string::npos) return to[0] == 'b' ? 0x3F80 : 0x3C00;
  return is_pair || bytes_of(to) == 2 ? 0xFFFF : ~0u;
}

void decode_set(Decoder& decoder) {
  const std::string &to = decoder.type(0), &type = decoder.type(1);
  if (decoder.num_operands() != 3 || decoder.has("and") || decoder.has("or") || decoder.has("xor")) decoder.unknown();
  set_slow_comparison(decoder, type);
  decoder.out.target = static_cast<std::int32_t>(true_value(to, decoder.out.elements == 2));
  decoder.out.run = run_set;
  decoder.result(decoder.operand(0), Operand::Width::kWord);
  for (std::size_t k = 1; k < 3; ++k) decoder.source(decoder.operand(k), width_of(type));
}

// selp: a where the predicate holds, else b.
template <class Bits>
void run_selp(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const LaneMask chosen = warp.predicate(instruction.operands[3]);
  Bits* const result = warp.row<Bits>(instruction.operands[0]);
  const Bits *const yes = warp.row<Bits>(instruction.operands[1]), *const no = warp.row<Bits>(instruction.operands[2]);
  for_each_lane(lanes, [&](int lane) { result[lane] = (chosen >> lane & 1) != 0 ? yes[lane] : no[lane]; });
}

void decode_selp(Decoder& decoder) {
  const auto width = width_of(decoder.type());
  decoder.out.run = width == Operand::Width::kWide ? run_selp<std::uint64_t> : run_selp<std::uint32_t>;
  decoder.result(decoder.operand(0), width);
  for (std::size_t k = 1; k < 3; ++k) decoder.source(decoder.operand(k), width);
  decoder.source(decoder.operand(3), Operand::Width::kPredicate);
}

// slct: a where c >= 0, else b.
template <class Bits, class Condition>
struct Select {
  static Bits apply(Bits a, Bits b, Condition c) { return c >= 0 ? a : b; }
};
template <class Bits>
Handler select_handler(bool is_float) {
  return is_float ? EachLane<Select<Bits, float>, Bits, Bits, Bits, float>::run
                  : EachLane<Select<Bits, std::int32_t>, Bits, Bits, Bits, std::int32_t>::run;
}

void decode_slct(Decoder& decoder) {
  const auto width = width_of(decoder.type(0));
  const bool is_float = decoder.type(1) == "f32";
  if (decoder.has("ftz")) decoder.unknown();
  decoder.out.run = width == Operand::Width::kWide ? select_handler<std::uint64_t>(is_float)
                                                   : select_handler<std::uint32_t>(is_float);
  decoder.result(decoder.operand(0), width);
  for (std::size_t k = 1; k < 3; ++k) decoder.source(decoder.operand(k), width);
  decoder.source(decoder.operand(3), Operand::Width::kWord);
}

}  // namespace

void decode_compare(Decoder& decoder) {
  const std::string& base = decoder.base();
  if (base == "setp") return decode_setp(decoder);
  if (base == "set") return decode_set(decoder);
  if (base == "selp") return decode_selp(decoder);
  return decode_slct(decoder);
}

}  // namespace emulator

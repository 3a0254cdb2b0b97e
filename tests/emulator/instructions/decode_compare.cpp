// setp, set, selp, slct.
#include "semantics/compare.h"

#include <cstdint>
#include <map>

#include "instructions/decoder.h"
#include "machine/handler.h"
#include "semantics/half_formats.h"
#include "semantics/rounding.h"

namespace emulator {
namespace {

using semantics::Comparison;

struct F16 {
  std::uint16_t bits;
  operator float() const { return semantics::f16_to_float(bits); }
};
struct Bf16 {
  std::uint16_t bits;
  operator float() const { return semantics::bf16_to_float(bits); }
};

template <Comparison comparison, bool flushes>
struct Compare {
  template <class T>
  static bool apply(T a, T b) {
    if constexpr (std::is_same_v<T, F16> || std::is_same_v<T, Bf16>) {
      return semantics::compare<float>(comparison, a, b);
    } else if constexpr (std::is_same_v<T, float> && flushes) {
      return semantics::compare(comparison, semantics::flush(a), semantics::flush(b));
    } else {
      return semantics::compare(comparison, a, b);
    }
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

template <Comparison comparison, bool flushes, class T>
void run_setp(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const std::size_t first = instruction.num_results;
  const LaneMask compared = EachLaneTest<Compare<comparison, flushes>, T, T>::apply(warp, instruction, lanes, first,
                                                                                    std::index_sequence<0, 1>{});
  const bool has_third = instruction.mode != kNone;
  const LaneMask other = has_third ? warp.predicate(instruction.operands[first + 2]) : 0;
  warp.set_predicate(instruction.operands[0], lanes, combine(instruction.mode, compared, other));
  if (first == 2) warp.set_predicate(instruction.operands[1], lanes, combine(instruction.mode, ~compared, other));
}

// set d, a, b: all ones (or 1.0, where is_flag is set) in the lanes where the comparison holds, 0 in the others.
template <Comparison comparison, bool flushes, class T>
void run_set(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const LaneMask yes =
      EachLaneTest<Compare<comparison, flushes>, T, T>::apply(warp, instruction, lanes, 1, std::index_sequence<0, 1>{});
  const std::uint32_t value = instruction.is_flag ? semantics::bit_cast<std::uint32_t>(1.0f) : ~0u;
  for_each_lane(lanes, [&](int lane) {
    warp.row<std::uint32_t>(instruction.operands[0])[lane] = (yes >> lane & 1) != 0 ? value : 0;
  });
}

template <Comparison comparison, bool flushes, class T>
Handler comparing(bool sets_predicate) {
  return sets_predicate ? run_setp<comparison, flushes, T> : run_set<comparison, flushes, T>;
}

template <bool flushes, class T>
Handler comparing(bool sets_predicate, Comparison comparison) {
  switch (comparison) {
    case Comparison::kEq: return comparing<Comparison::kEq, flushes, T>(sets_predicate);
    case Comparison::kNe: return comparing<Comparison::kNe, flushes, T>(sets_predicate);
    case Comparison::kLo:
    case Comparison::kLt: return comparing<Comparison::kLt, flushes, T>(sets_predicate);
    case Comparison::kLs:
    case Comparison::kLe: return comparing<Comparison::kLe, flushes, T>(sets_predicate);
    case Comparison::kHi:
    case Comparison::kGt: return comparing<Comparison::kGt, flushes, T>(sets_predicate);
    case Comparison::kHs:
    case Comparison::kGe: return comparing<Comparison::kGe, flushes, T>(sets_predicate);
    case Comparison::kEqu: return comparing<Comparison::kEqu, flushes, T>(sets_predicate);
    case Comparison::kNeu: return comparing<Comparison::kNeu, flushes, T>(sets_predicate);
    case Comparison::kLtu: return comparing<Comparison::kLtu, flushes, T>(sets_predicate);
    case Comparison::kLeu: return comparing<Comparison::kLeu, flushes, T>(sets_predicate);
    case Comparison::kGtu: return comparing<Comparison::kGtu, flushes, T>(sets_predicate);
    case Comparison::kGeu: return comparing<Comparison::kGeu, flushes, T>(sets_predicate);
    case Comparison::kNum: return comparing<Comparison::kNum, flushes, T>(sets_predicate);
    case Comparison::kNan: return comparing<Comparison::kNan, flushes, T>(sets_predicate);
  }
  return nullptr;
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

Handler handler_of(const Decoder& decoder, const std::string& type) {
  const bool sets_predicate = decoder.base() == "setp", flushes = decoder.has("ftz");
  const Comparison comparison = comparison_of(decoder);
  Handler handler = nullptr;
  with_integer(type,
               [&](auto tag) { handler = comparing<false, typename decltype(tag)::Type>(sets_predicate, comparison); });
  if (type == "f32")
    handler = flushes ? comparing<true, float>(sets_predicate, comparison)
                      : comparing<false, float>(sets_predicate, comparison);
  if (type == "f64") handler = comparing<false, double>(sets_predicate, comparison);
  if (type == "f16" && !flushes) handler = comparing<false, F16>(sets_predicate, comparison);
  if (type == "bf16") handler = comparing<false, Bf16>(sets_predicate, comparison);
  if (handler == nullptr) decoder.unknown();
  return handler;
}

// Pairs of halves compare half by half. setp p|q: p of the lower halves, q of the upper; set: each half is all ones, or
// 1.0 of the result's type. The comparison is in `bytes`, of f16 or (is_flag) of bf16.
LaneMask compared_halves(const Warp& warp, const Instruction& instruction, LaneMask lanes, std::size_t first,
                         int shift) {
  const auto type = instruction.is_flag ? semantics::Type::kBf16 : semantics::Type::kF16;
  const auto comparison = static_cast<Comparison>(instruction.bytes);
  const bool flushes = instruction.displacement != 0;
  LaneMask yes = 0;
  for_each_lane(lanes, [&](int lane) {
    const std::uint64_t a = warp.lane_value(instruction.operands[first], lane) >> shift;
    const std::uint64_t b = warp.lane_value(instruction.operands[first + 1], lane) >> shift;
    yes |= static_cast<LaneMask>(semantics::compare_bits(comparison, type, a, b, flushes)) << lane;
  });
  return yes;
}

void run_setp_pair(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const std::size_t first = instruction.num_results;
  const LaneMask other = instruction.mode != kNone ? warp.predicate(instruction.operands[first + 2]) : 0;
  LaneMask compared[2];
  for (std::size_t k = 0; k < 2; ++k)
    compared[k] = compared_halves(warp, instruction, lanes, first, static_cast<int>(16 * k));
  for (std::size_t k = 0; k < first; ++k)
    warp.set_predicate(instruction.operands[k], lanes, combine(instruction.mode, compared[k], other));
}

// `target`: what a half becomes where the comparison holds; elements: how many halves there are.
void run_set_halves(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  std::uint32_t values[kWarpSize] = {};
  for (int k = 0; k < instruction.elements; ++k) {
    const LaneMask yes = compared_halves(warp, instruction, lanes, 1, 16 * k);
    for_each_lane(lanes & yes,
                  [&](int lane) { values[lane] |= static_cast<std::uint32_t>(instruction.target) << (16 * k); });
  }
  for_each_lane(lanes, [&](int lane) { warp.row<std::uint32_t>(instruction.operands[0])[lane] = values[lane]; });
}

void set_half_comparison(Decoder& decoder, const std::string& type) {
  decoder.out.bytes = static_cast<std::uint8_t>(comparison_of(decoder));
  decoder.out.is_flag = type[0] == 'b';
  decoder.out.displacement = decoder.has("ftz") ? 1 : 0;
}

void decode_set_halves(Decoder& decoder) {
  const std::string &to = decoder.type(0), &type = decoder.type(1);
  const bool is_pair = type.back() == '2', to_float = to.find('f') != std::string::npos;
  if (decoder.num_operands() != 3) decoder.unknown();
  set_half_comparison(decoder, type);
  decoder.out.elements = is_pair ? 2 : 1;
  decoder.out.target = to_float ? (to[0] == 'b' ? 0x3F80 : 0x3C00) : (is_pair || bytes_of(to) == 2) ? 0xFFFF : -1;
  decoder.out.run = run_set_halves;
  decoder.result(decoder.operand(0), Operand::Width::kWord);
  for (std::size_t k = 1; k < 3; ++k) decoder.source(decoder.operand(k), Operand::Width::kWord);
}

void decode_setp(Decoder& decoder) {
  const std::string& type = decoder.type();
  const bool is_pair = type == "f16x2" || type == "bf16x2";
  if (is_pair) set_half_comparison(decoder, type);
  decoder.out.run = is_pair ? run_setp_pair : handler_of(decoder, type);
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

void decode_set(Decoder& decoder) {
  const std::string& to = decoder.type(0);
  const std::string& type = decoder.type(1);
  if (type.find("f16") != std::string::npos) return decode_set_halves(decoder);
  if (decoder.num_operands() != 3 || (to != "u32" && to != "s32" && to != "f32")) decoder.unknown();
  decoder.out.run = handler_of(decoder, type);
  decoder.out.is_flag = to == "f32";
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

// cvt.
#include "semantics/convert.h"

#include <cstdint>
#include <map>

#include "instructions/decoder.h"
#include "machine/handler.h"
#include "semantics/half_formats.h"

namespace emulator {
namespace {

using semantics::Rounding;
using semantics::Type;

// What the slow path needs to know, packed into Instruction::displacement.
struct Conversion {
  Type to, from;
  Rounding rounding;
  bool flushes, saturates, clips_negative;

  std::int64_t packed() const {
    return static_cast<std::int64_t>(to) | static_cast<std::int64_t>(from) << 8 |
           static_cast<std::int64_t>(rounding) << 16 | std::int64_t{flushes} << 24 | std::int64_t{saturates} << 25 |
           std::int64_t{clips_negative} << 26;
  }
  static Conversion unpack(std::int64_t bits) {
    return {static_cast<Type>(bits & 0xFF),
            static_cast<Type>(bits >> 8 & 0xFF),
            static_cast<Rounding>(bits >> 16 & 0xFF),
            (bits >> 24 & 1) != 0,
            (bits >> 25 & 1) != 0,
            (bits >> 26 & 1) != 0};
  }
};

std::uint64_t clip(const Conversion& conversion, std::uint64_t bits) {
  if (!conversion.clips_negative) return bits;
  return semantics::width(conversion.to) == 16 ? semantics::relu16(static_cast<std::uint16_t>(bits))
                                               : semantics::relu32(static_cast<std::uint32_t>(bits));
}

std::uint64_t converted(const Conversion& conversion, std::uint64_t bits) {
  return clip(conversion, semantics::convert(bits, conversion.to, conversion.from, conversion.rounding,
                                             conversion.flushes, conversion.saturates));
}

void run_any(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const Conversion conversion = Conversion::unpack(instruction.displacement);
  for_each_lane(lanes, [&](int lane) {
    warp.set_lane_value(instruction.operands[0], lane,
                        converted(conversion, warp.lane_value(instruction.operands[1], lane)));
  });
}

// cvt.f16x2.f32 d, a, b: a to the upper half, b to the lower.
void run_pack(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const Conversion conversion = Conversion::unpack(instruction.displacement);
  for_each_lane(lanes, [&](int lane) {
    const std::uint64_t high = converted(conversion, warp.lane_value(instruction.operands[1], lane));
    const std::uint64_t low = converted(conversion, warp.lane_value(instruction.operands[2], lane));
    warp.set_lane_value(instruction.operands[0], lane, high << 16 | low);
  });
}

template <class To, class From, Rounding rounding>
struct ConvertTo {
  static To apply(From value) { return semantics::convert_value<To>(value, rounding); }
};
struct F16ToFloat {
  static float apply(std::uint16_t bits) { return semantics::f16_to_float(bits); }
};
struct FloatToF16 {
  static std::uint16_t apply(float value) { return semantics::float_to_f16_rn(value); }
};

template <class To, class From, Rounding rounding = Rounding::kRzi>
constexpr Handler direct() {
  return EachLane<ConvertTo<To, From, rounding>, To, From>::run;
}

// The conversions kernels are full of, by the whole mnemonic.
const std::map<std::string, Handler>& direct_handlers() {
  using S8 = std::int8_t;
  using S16 = std::int16_t;
  using S32 = std::int32_t;
  using S64 = std::int64_t;
  using U8 = std::uint8_t;
  using U16 = std::uint16_t;
  using U32 = std::uint32_t;
  using U64 = std::uint64_t;
  static const std::map<std::string, Handler> handlers = {{"cvt.s64.s32", direct<S64, S32>()},
                                                          {"cvt.u64.u32", direct<U64, U32>()},
                                                          {"cvt.u32.u64", direct<U32, U64>()},
                                                          {"cvt.s32.s64", direct<S32, S64>()},
                                                          {"cvt.u32.u16", direct<U32, U16>()},
                                                          {"cvt.s32.s16", direct<S32, S16>()},
                                                          {"cvt.u16.u32", direct<U16, U32>()},
                                                          {"cvt.u32.u8", direct<U32, U8>()},
                                                          {"cvt.s32.s8", direct<S32, S8>()},
                                                          {"cvt.s16.s8", direct<S16, S8>()},
                                                          {"cvt.u16.u8", direct<U16, U8>()},
                                                          {"cvt.rn.f32.s32", direct<float, S32>()},
                                                          {"cvt.rn.f32.u32", direct<float, U32>()},
                                                          {"cvt.rn.f64.s32", direct<double, S32>()},
                                                          {"cvt.rn.f64.u32", direct<double, U32>()},
                                                          {"cvt.f64.f32", direct<double, float>()},
                                                          {"cvt.rn.f32.f64", direct<float, double>()},
                                                          {"cvt.rzi.s32.f32", direct<S32, float>()},
                                                          {"cvt.rzi.u32.f32", direct<U32, float>()},
                                                          {"cvt.rni.s32.f32", direct<S32, float, Rounding::kRni>()},
                                                          {"cvt.f32.f16", EachLane<F16ToFloat, float, U16>::run},
                                                          {"cvt.rn.f16.f32", EachLane<FloatToF16, U16, float>::run}};
  return handlers;
}

Type type_of(const Decoder& decoder, const std::string& name) {
  static const std::map<std::string, Type> kTypes = {
      {"u8", Type::kU8},   {"u16", Type::kU16}, {"u32", Type::kU32},   {"u64", Type::kU64},   {"s8", Type::kS8},
      {"s16", Type::kS16}, {"s32", Type::kS32}, {"s64", Type::kS64},   {"f16", Type::kF16},   {"bf16", Type::kBf16},
      {"f32", Type::kF32}, {"f64", Type::kF64}, {"tf32", Type::kTf32}, {"f16x2", Type::kF16}, {"bf16x2", Type::kBf16}};
  const auto found = kTypes.find(name);
  if (found == kTypes.end()) decoder.unknown();
  return found->second;
}

Rounding rounding_of(const Decoder& decoder) {
  static const std::pair<const char*, Rounding> kNames[] = {
      {"rn", Rounding::kRn},   {"rz", Rounding::kRz},   {"rm", Rounding::kRm},
      {"rp", Rounding::kRp},   {"rna", Rounding::kRna}, {"rni", Rounding::kRni},
      {"rzi", Rounding::kRzi}, {"rmi", Rounding::kRmi}, {"rpi", Rounding::kRpi}};
  for (const auto& [name, rounding] : kNames) {
    if (decoder.has(name)) return rounding;
  }
  return Rounding::kRn;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text = parts.front();
  for (std::size_t k = 1; k < parts.size(); ++k) text += "." + parts[k];
  return text;
}

}  // namespace

void decode_convert(Decoder& decoder) {
  const std::string &to = decoder.type(0), &from = decoder.type(1);
  if (decoder.has("satfinite")) decoder.unknown();
  const Conversion conversion{type_of(decoder, to), type_of(decoder, from), rounding_of(decoder),
                              decoder.has("ftz"),   decoder.has("sat"),     decoder.has("relu")};
  decoder.out.displacement = conversion.packed();
  const bool packs = to == "f16x2" || to == "bf16x2";
  if (packs && from != "f32") decoder.unknown();
  decoder.relaxed_result(decoder.operand(0));
  for (std::size_t k = 1; k < decoder.num_operands(); ++k) decoder.relaxed_source(decoder.operand(k), width_of(from));
  const auto found = direct_handlers().find(joined(decoder.text.mnemonic));
  const bool has_own_widths =
      decoder.out.operands[0].width == width_of(to) && decoder.out.operands[1].width == width_of(from);
  const bool is_direct = found != direct_handlers().end() && has_own_widths;
  decoder.out.run = packs ? run_pack : is_direct ? found->second : run_any;
  if (decoder.num_operands() != (packs ? 3u : 2u)) decoder.unknown();
}

}  // namespace emulator

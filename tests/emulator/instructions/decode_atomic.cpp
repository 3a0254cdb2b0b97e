// atom and red.
#include <cstdint>
#include <cstring>
#include <map>

#include "instructions/decoder.h"
#include "machine/addresses.h"
#include "machine/block.h"
#include "program/sites.h"
#include "report.h"
#include "semantics/compare.h"
#include "semantics/half_formats.h"
#include "semantics/integer.h"

namespace emulator {
namespace {

/// What an atomic makes of the old value and its operands, all as bits.
using Update = std::uint64_t (*)(std::uint64_t old, std::uint64_t b, std::uint64_t c);

template <class T>
T from_bits(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
template <class T>
std::uint64_t to_bits(T value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

template <class T>
std::uint64_t add(std::uint64_t old, std::uint64_t b, std::uint64_t) {
  if constexpr (std::is_integral_v<T>) {
    return to_bits(semantics::wrapping_add(from_bits<T>(old), from_bits<T>(b)));
  } else {
    return to_bits(from_bits<T>(old) + from_bits<T>(b));
  }
}
template <class T>
std::uint64_t minimum(std::uint64_t old, std::uint64_t b, std::uint64_t) {
  return to_bits(semantics::minimum(from_bits<T>(old), from_bits<T>(b)));
}
template <class T>
std::uint64_t maximum(std::uint64_t old, std::uint64_t b, std::uint64_t) {
  return to_bits(semantics::maximum(from_bits<T>(old), from_bits<T>(b)));
}
std::uint64_t bit_and(std::uint64_t old, std::uint64_t b, std::uint64_t) { return old & b; }
std::uint64_t bit_or(std::uint64_t old, std::uint64_t b, std::uint64_t) { return old | b; }
std::uint64_t bit_xor(std::uint64_t old, std::uint64_t b, std::uint64_t) { return old ^ b; }
std::uint64_t exchange(std::uint64_t, std::uint64_t b, std::uint64_t) { return b; }
std::uint64_t compare_and_swap(std::uint64_t old, std::uint64_t b, std::uint64_t c) { return old == b ? c : old; }
std::uint64_t increment(std::uint64_t old, std::uint64_t b, std::uint64_t) { return old >= b ? 0 : old + 1; }
std::uint64_t decrement(std::uint64_t old, std::uint64_t b, std::uint64_t) { return old == 0 || old > b ? b : old - 1; }

std::uint64_t add_halves(std::uint64_t old, std::uint64_t b, float (*widen)(std::uint16_t),
                         std::uint16_t (*narrow)(double, semantics::Rounding)) {
  std::uint64_t sum = 0;
  for (int shift = 0; shift < 32; shift += 16) {
    const double both = static_cast<double>(widen(static_cast<std::uint16_t>(old >> shift))) +
                        static_cast<double>(widen(static_cast<std::uint16_t>(b >> shift)));
    sum |= static_cast<std::uint64_t>(narrow(both, semantics::Rounding::kRn)) << shift;
  }
  return sum;
}
std::uint64_t add_f16(std::uint64_t old, std::uint64_t b, std::uint64_t) {
  return add_halves(old, b, semantics::f16_to_float, semantics::double_to_f16);
}
std::uint64_t add_bf16(std::uint64_t old, std::uint64_t b, std::uint64_t) {
  return add_halves(old, b, semantics::bf16_to_float, semantics::double_to_bf16);
}

using Table = std::map<std::pair<std::string, std::string>, Update>;

const Table& updates() {
  using S32 = std::int32_t;
  using S64 = std::int64_t;
  using U32 = std::uint32_t;
  using U64 = std::uint64_t;
  static const Table table = [] {
    Table made = {{{"add", "u32"}, add<U32>},     {{"add", "s32"}, add<U32>},     {{"add", "u64"}, add<U64>},
                  {{"add", "f32"}, add<float>},   {{"add", "f64"}, add<double>},  {{"add", "f16"}, add_f16},
                  {{"add", "f16x2"}, add_f16},    {{"add", "bf16"}, add_bf16},    {{"add", "bf16x2"}, add_bf16},
                  {{"min", "u32"}, minimum<U32>}, {{"min", "s32"}, minimum<S32>}, {{"min", "u64"}, minimum<U64>},
                  {{"min", "s64"}, minimum<S64>}, {{"max", "u32"}, maximum<U32>}, {{"max", "s32"}, maximum<S32>},
                  {{"max", "u64"}, maximum<U64>}, {{"max", "s64"}, maximum<S64>}, {{"inc", "u32"}, increment},
                  {{"dec", "u32"}, decrement}};
    for (const char* type : {"b32", "b64"}) {
      made[{"and", type}] = bit_and;
      made[{"or", type}] = bit_or;
      made[{"xor", type}] = bit_xor;
    }
    for (const char* type : {"b16", "b32", "b64"}) {
      made[{"exch", type}] = exchange;
      made[{"cas", type}] = compare_and_swap;
    }
    return made;
  }();
  return table;
}

// The order of float additions is the order in which threads happen to come.
void report_float_add(const Instruction& instruction) {
  Reports::get().add(Kind::kFloatAtomic, instruction.site, [&] {
    return std::string(instruction.name) + " at " + site_text(instruction.site) +
           ": the sum depends on the order in which threads come";
  });
}

// operands: [old value], address, operand, [second operand]. `target` is the index of the update, is_flag: releases,
// mode: adds floats.
void run_atomic(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (instruction.mode != 0) report_float_add(instruction);
  const std::size_t first = instruction.num_results;
  Address addresses[kWarpSize];
  std::byte* bytes[kWarpSize];
  lane_addresses(warp, instruction.operands[first], instruction.displacement, lanes, addresses);
  const auto update = reinterpret_cast<Update>(instruction.pointer);
  WarpAccess access{AccessKind::kAtomic, instruction.space, instruction.is_flag, warp.index, 0,
                    instruction.bytes,   instruction.site};
  // One lane after the other: each is an access of its own, and what it publishes is what it has seen until then.
  for_each_lane(lanes, [&](int lane) {
    access.lanes = LaneMask{1} << lane;
    warp.block.memory.access(access, addresses, bytes);
    std::uint64_t old = 0;
    std::memcpy(&old, bytes[lane], instruction.bytes);
    const std::uint64_t b = warp.lane_value(instruction.operands[first + 1], lane);
    const std::uint64_t c =
        instruction.num_operands > first + 2 ? warp.lane_value(instruction.operands[first + 2], lane) : 0;
    const std::uint64_t mask = ~std::uint64_t{0} >> (64 - 8 * instruction.bytes);
    const std::uint64_t changed = update(old, b & mask, c & mask);
    std::memcpy(bytes[lane], &changed, instruction.bytes);
    if (first != 0) warp.set_lane_value(instruction.operands[0], lane, old);
  });
}

Update update_of(const Decoder& decoder, const std::string& type) {
  for (const std::string& modifier : decoder.text.mnemonic) {
    const auto found = updates().find({modifier, type});
    if (found != updates().end()) return found->second;
  }
  decoder.unknown();
}

}  // namespace

void decode_atomic(Decoder& decoder) {
  const std::string& type = decoder.type();
  const bool returns = decoder.base() == "atom";
  Instruction& out = decoder.out;
  if (decoder.has("shared::cluster") || decoder.has("v2") || decoder.has("v4") || decoder.has("async"))
    decoder.unknown();
  out.pointer = reinterpret_cast<void (*)()>(update_of(decoder, type));
  out.run = run_atomic;
  out.bytes = static_cast<std::uint8_t>(bytes_of(type));
  out.space = decoder.has("shared") || decoder.has("shared::cta") ? Space::kShared
              : decoder.has("global")                             ? Space::kGlobal
                                                                  : Space::kGeneric;
  out.is_flag = decoder.has("release") || decoder.has("acq_rel");
  out.mode = decoder.has("add") && type.find('f') != std::string::npos ? 1 : 0;
  if (out.space != Space::kShared) decoder.scope.function.has_global_atomics = true;
  if (returns) decoder.result(decoder.operand(0), width_of(type));
  decoder.address(decoder.operand(returns ? 1 : 0), out.space);
  for (std::size_t k = returns ? 2 : 1; k < decoder.num_operands(); ++k)
    decoder.source(decoder.operand(k), width_of(type));
}

}  // namespace emulator

// mov, cvta, isspacep.
#include <cstdint>

#include "instructions/decoder.h"
#include "machine/block.h"
#include "machine/handler.h"

namespace emulator {
namespace {

using U32 = std::uint32_t;
using U64 = std::uint64_t;

struct Copy {
  template <class Bits>
  static Bits apply(Bits bits) {
    return bits;
  }
};
struct Sum {
  static U64 apply(U64 a, U64 b) { return a + b; }
};
struct Widen {
  static U64 apply(U32 bits) { return bits; }
};

void run_predicate_copy(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  warp.set_predicate(instruction.operands[0], lanes, warp.predicate(instruction.operands[1]));
}

// mov.b64 {%r1, %r2}, %rd1 and back: parts of `bytes` each, the lowest first.
void run_unpack(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const std::size_t parts = instruction.num_results;
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - 8 * instruction.bytes);
  for_each_lane(lanes, [&](int lane) {
    const std::uint64_t whole = warp.lane_value(instruction.operands[parts], lane);
    for (std::size_t k = 0; k < parts; ++k)
      warp.set_lane_value(instruction.operands[k], lane, whole >> (8 * instruction.bytes * k) & mask);
  });
}
void run_pack(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - 8 * instruction.bytes);
  for_each_lane(lanes, [&](int lane) {
    std::uint64_t whole = 0;
    for (std::size_t k = 1; k < instruction.num_operands; ++k)
      whole |= (warp.lane_value(instruction.operands[k], lane) & mask) << (8 * instruction.bytes * (k - 1));
    warp.set_lane_value(instruction.operands[0], lane, whole);
  });
}

void decode_vector(Decoder& decoder, bool unpacks) {
  const int whole = bytes_of(decoder.type());
  const ptx::Operand& vector = decoder.operand(unpacks ? 0 : 1);
  const auto parts = static_cast<int>(vector.elements.size());
  if (parts == 0 || whole % parts != 0) decoder.unknown();
  decoder.out.bytes = static_cast<std::uint8_t>(whole / parts);
  decoder.out.run = unpacks ? run_unpack : run_pack;
  if (unpacks) {
    for (const ptx::Operand& element : vector.elements) decoder.relaxed_result(element);
    decoder.source(decoder.operand(1), width_of(decoder.type()));
  } else {
    decoder.result(decoder.operand(0), width_of(decoder.type()));
    for (const ptx::Operand& element : vector.elements) decoder.relaxed_source(element, Operand::Width::kWord);
  }
}

// The address of a local variable is the frame's local memory, which every thread has elsewhere, plus an offset.
bool decode_local_address(Decoder& decoder) {
  const ptx::Operand& source = decoder.operand(1);
  const bool is_sum = source.form == ptx::Operand::Form::kSum;
  if (source.form != ptx::Operand::Form::kName && !is_sum) return false;
  const Symbol* const symbol = decoder.scope.find(is_sum ? source.elements.at(0).name : source.name);
  if (symbol == nullptr || symbol->kind != Symbol::Kind::kLocal) return false;
  decoder.out.run = EachLane<Sum, U64, U64, U64>::run;
  decoder.result(decoder.operand(0), Operand::Width::kWide);
  decoder.add(decoder.scope.local_base());
  decoder.add(decoder.scope.constant(symbol->value + (is_sum ? source.value : 0), Operand::Width::kWide));
  return true;
}

void decode_mov(Decoder& decoder) {
  if (decoder.num_operands() != 2) decoder.unknown();
  const bool unpacks = decoder.operand(0).form == ptx::Operand::Form::kVector;
  if (unpacks || decoder.operand(1).form == ptx::Operand::Form::kVector) return decode_vector(decoder, unpacks);
  if (decode_local_address(decoder)) return;
  const auto width = width_of(decoder.type());
  decoder.result(decoder.operand(0), width);
  const Operand source = decoder.resolve(decoder.operand(1), width);
  decoder.add(source);
  if (width == Operand::Width::kPredicate) {
    decoder.out.run = run_predicate_copy;
  } else if (source.width != width) {
    // Special registers are 32 bits wide here; some may be read as 64.
    if (source.base != Operand::Base::kSpecials || width != Operand::Width::kWide) decoder.unknown();
    decoder.out.run = EachLane<Widen, U64, U32>::run;
  } else {
    decoder.out.run = width == Operand::Width::kWide ? EachLane<Copy, U64, U64>::run : EachLane<Copy, U32, U32>::run;
  }
}

// Generic addresses of shared memory are offsets into the window of the block that runs; all others are what they are.
template <bool to_shared>
void run_shared_address(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const Address window = warp.block.memory.shared_window();
  for_each_lane(lanes, [&](int lane) {
    const std::uint64_t address = warp.lane_value(instruction.operands[1], lane);
    warp.set_lane_value(instruction.operands[0], lane, to_shared ? address - window : address + window);
  });
}

void decode_cvta(Decoder& decoder) {
  const auto width = width_of(decoder.type());
  if (decoder.has("shared")) {
    decoder.out.run = decoder.has("to") ? run_shared_address<true> : run_shared_address<false>;
  } else {
    decoder.out.run = width == Operand::Width::kWide ? EachLane<Copy, U64, U64>::run : EachLane<Copy, U32, U32>::run;
  }
  if (decoder.has("to") || decoder.has("global") || decoder.has("const") || decoder.has("shared") ||
      decoder.has("local")) {
    if (!decoder.has("to") && decode_local_address(decoder)) return;
    decoder.result(decoder.operand(0), width);
    decoder.source(decoder.operand(1), width);
    return;
  }
  decoder.unknown();
}

void run_isspacep(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  LaneMask yes = 0;
  for_each_lane(lanes, [&](int lane) {
    const bool is_in = warp.block.memory.space_of(warp.row<U64>(instruction.operands[1])[lane]) == instruction.space;
    yes |= static_cast<LaneMask>(is_in) << lane;
  });
  warp.set_predicate(instruction.operands[0], lanes, yes);
}

void decode_isspacep(Decoder& decoder) {
  if (decoder.has("global")) {
    decoder.out.space = Space::kGlobal;
  } else if (decoder.has("shared")) {
    decoder.out.space = Space::kShared;
  } else if (decoder.has("local")) {
    decoder.out.space = Space::kLocal;
  } else {
    decoder.unknown();
  }
  decoder.out.run = run_isspacep;
  decoder.result(decoder.operand(0), Operand::Width::kPredicate);
  decoder.source(decoder.operand(1), Operand::Width::kWide);
}

}  // namespace

void decode_move(Decoder& decoder) {
  if (decoder.base() == "mov") return decode_mov(decoder);
  if (decoder.base() == "cvta") return decode_cvta(decoder);
  decode_isspacep(decoder);
}

}  // namespace emulator

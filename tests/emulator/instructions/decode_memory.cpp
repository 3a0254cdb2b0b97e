// ld, st, prefetch, discard, membar, fence.
#include <cstdint>
#include <cstring>

#include "instructions/decoder.h"
#include "machine/addresses.h"
#include "machine/block.h"

namespace emulator {
namespace {

/// A loaded element as 64 bits, extended by its sign where the type has one.
std::uint64_t loaded(const std::byte* from, std::size_t bytes, bool is_signed) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, bytes);
  if (is_signed && bytes < 8) {
    const std::uint64_t sign = std::uint64_t{1} << (8 * bytes - 1);
    value = (value ^ sign) - sign;
  }
  return value;
}

WarpAccess whole_access(const Warp& warp, const Instruction& instruction, LaneMask lanes, AccessKind kind) {
  WarpAccess access{};
  access.kind = kind;
  access.space = instruction.space;
  access.warp = warp.index;
  access.lanes = lanes;
  access.bytes = static_cast<std::uint32_t>(instruction.bytes) * instruction.elements;
  access.site = instruction.site;
  return access;
}

// operands: one per element, then the address.
void run_load(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  Address addresses[kWarpSize];
  std::byte* bytes[kWarpSize];
  const Operand& base = instruction.operands[instruction.num_results];
  lane_addresses(warp, base, instruction.displacement, lanes, addresses);
  warp.block.memory.access(whole_access(warp, instruction, lanes, AccessKind::kRead), addresses, bytes);
  for (std::size_t k = 0; k < instruction.num_results; ++k) {
    const Operand& result = instruction.operands[k];
    const std::size_t offset = k * instruction.bytes;
    if (result.width == Operand::Width::kWord && instruction.bytes == 4) {
      std::uint32_t* const row = warp.row<std::uint32_t>(result);
      for_each_lane(lanes, [&](int lane) { std::memcpy(&row[lane], bytes[lane] + offset, 4); });
    } else {
      for_each_lane(lanes, [&](int lane) {
        warp.set_lane_value(result, lane, loaded(bytes[lane] + offset, instruction.bytes, instruction.is_flag));
      });
    }
  }
}

// operands: the address, then one per element.
void run_store(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  Address addresses[kWarpSize];
  std::byte* bytes[kWarpSize];
  lane_addresses(warp, instruction.operands[0], instruction.displacement, lanes, addresses);
  warp.block.memory.access(whole_access(warp, instruction, lanes, AccessKind::kWrite), addresses, bytes);
  for (std::size_t k = 1; k < instruction.num_operands; ++k) {
    const std::size_t offset = (k - 1) * instruction.bytes;
    for_each_lane(lanes, [&](int lane) {
      const std::uint64_t value = warp.lane_value(instruction.operands[k], lane);
      std::memcpy(bytes[lane] + offset, &value, instruction.bytes);
    });
  }
}

// Parameters of the kernel: the same for all lanes, and checked by the compiler. operands: results, then the offset.
void run_load_kernel_parameter(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const std::byte* const parameters = warp.block.parameters();
  const Operand& base = instruction.operands[instruction.num_results];
  for (std::size_t k = 0; k < instruction.num_results; ++k) {
    for_each_lane(lanes, [&](int lane) {
      const std::size_t offset =
          warp.lane_value(base, lane) + static_cast<std::uint64_t>(instruction.displacement) + k * instruction.bytes;
      warp.set_lane_value(instruction.operands[k], lane,
                          loaded(parameters + offset, instruction.bytes, instruction.is_flag));
    });
  }
}

// Parameters and results of device functions; displacement is the offset in the frame's parameter memory.
std::byte* parameter_bytes(Warp& warp, const Instruction& instruction, int lane) {
  Frame& frame = warp.frame();
  return frame.parameters + static_cast<std::size_t>(lane) * frame.function->parameter_bytes + instruction.displacement;
}
void run_load_frame_parameter(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  for (std::size_t k = 0; k < instruction.num_results; ++k) {
    for_each_lane(lanes, [&](int lane) {
      const std::byte* const from = parameter_bytes(warp, instruction, lane) + k * instruction.bytes;
      warp.set_lane_value(instruction.operands[k], lane, loaded(from, instruction.bytes, instruction.is_flag));
    });
  }
}
void run_store_frame_parameter(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  for (std::size_t k = 0; k < instruction.num_operands; ++k) {
    for_each_lane(lanes, [&](int lane) {
      const std::uint64_t value = warp.lane_value(instruction.operands[k], lane);
      std::memcpy(parameter_bytes(warp, instruction, lane) + k * instruction.bytes, &value, instruction.bytes);
    });
  }
}

void run_nothing(Warp&, const Instruction&, LaneMask) {}

void run_fence(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (instruction.is_flag) warp.block.memory.fence(warp.index, lanes);
}

Space space_of(const Decoder& decoder) {
  if (decoder.has("shared") || decoder.has("shared::cta")) return Space::kShared;
  if (decoder.has("global")) return Space::kGlobal;
  if (decoder.has("const")) return Space::kConst;
  if (decoder.has("local")) return Space::kLocal;
  if (decoder.has("param") || decoder.has("param::entry") || decoder.has("param::func")) return Space::kParam;
  if (decoder.has("shared::cluster")) decoder.unknown();
  return Space::kGeneric;
}

std::vector<ptx::Operand> elements_of(const ptx::Operand& operand) {
  return operand.form == ptx::Operand::Form::kVector ? operand.elements : std::vector<ptx::Operand>{operand};
}

const Symbol* parameter_symbol(const Decoder& decoder, const ptx::Operand& address) {
  if (address.form != ptx::Operand::Form::kAddress || address.elements.at(0).form != ptx::Operand::Form::kName)
    decoder.unknown();
  return decoder.scope.find(address.elements.at(0).name);
}

void set_element(Decoder& decoder, const std::vector<ptx::Operand>& elements) {
  const std::string& type = decoder.type();
  decoder.out.bytes = static_cast<std::uint8_t>(bytes_of(type));
  decoder.out.is_flag = type[0] == 's';
  decoder.out.elements = static_cast<std::uint8_t>(elements.size());
  decoder.out.space = space_of(decoder);
}

// A frame parameter has an offset in displacement and no address operand; a kernel's has one, to be indexed by.
bool decode_frame_parameter(Decoder& decoder, const ptx::Operand& address) {
  const Symbol* const symbol = parameter_symbol(decoder, address);
  if (symbol == nullptr || symbol->kind != Symbol::Kind::kFrameParameter) return false;
  decoder.out.displacement = static_cast<std::int64_t>(symbol->value + address.value);
  return true;
}

void decode_load(Decoder& decoder) {
  const std::vector<ptx::Operand> elements = elements_of(decoder.operand(0));
  set_element(decoder, elements);
  for (const ptx::Operand& element : elements) decoder.relaxed_result(element);
  if (decoder.out.space != Space::kParam) {
    decoder.out.run = run_load;
    return decoder.address(decoder.operand(1), decoder.out.space);
  }
  if (decode_frame_parameter(decoder, decoder.operand(1))) {
    decoder.out.run = run_load_frame_parameter;
    return;
  }
  decoder.out.run = run_load_kernel_parameter;
  decoder.address(decoder.operand(1), Space::kParam);
}

void decode_store(Decoder& decoder) {
  const std::vector<ptx::Operand> elements = elements_of(decoder.operand(1));
  set_element(decoder, elements);
  if (decoder.out.space == Space::kConst) decoder.unknown();
  if (decoder.out.space == Space::kParam) {
    if (!decode_frame_parameter(decoder, decoder.operand(0))) decoder.unknown();
    decoder.out.run = run_store_frame_parameter;
  } else {
    decoder.address(decoder.operand(0), decoder.out.space);
    decoder.out.run = run_store;
  }
  for (const ptx::Operand& element : elements) decoder.relaxed_source(element, width_of(decoder.type()));
}

}  // namespace

void decode_memory(Decoder& decoder) {
  const std::string& base = decoder.base();
  if (base == "ld" || base == "ldu") return decode_load(decoder);
  if (base == "st" && !decoder.has("async")) return decode_store(decoder);
  if (base == "membar" || base == "fence") {
    if (decoder.has("proxy") || decoder.has("mbarrier_init")) decoder.unknown();
    // Fences of block scope order nothing between blocks, which is all that fences are looked at for.
    decoder.out.is_flag = !decoder.has("cta");
    decoder.out.run = run_fence;
    return;
  }
  if (base == "prefetch" || base == "prefetchu") {
    decoder.out.run = run_nothing;
    return;
  }
  decoder.unknown();
}

}  // namespace emulator

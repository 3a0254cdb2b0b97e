// cp.async and its groups.
#include "instructions/decoder.h"
#include "machine/addresses.h"
#include "machine/block.h"

namespace emulator {
namespace {

// operands: shared destination, global source, [bytes of the source]; displacements in `displacement` and `target`.
void run_copy(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  Address destinations[kWarpSize], sources[kWarpSize];
  lane_addresses(warp, instruction.operands[0], instruction.displacement, lanes, destinations);
  lane_addresses(warp, instruction.operands[1], instruction.target, lanes, sources);
  for_each_lane(lanes, [&](int lane) {
    BlockMemory::AsyncCopy copy{};
    copy.destination = destinations[lane];
    copy.source = sources[lane];
    copy.bytes = instruction.bytes;
    copy.source_bytes = instruction.bytes;
    if (instruction.num_operands > 2)
      copy.source_bytes = static_cast<std::uint32_t>(warp.lane_value(instruction.operands[2], lane));
    warp.block.memory.issue_async_copy(warp.index, lane, copy, instruction.site);
  });
}

void run_commit(Warp& warp, const Instruction&, LaneMask lanes) {
  warp.block.memory.commit_async_copies(warp.index, lanes);
}
void run_wait(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  warp.block.memory.wait_async_copies(warp.index, lanes, static_cast<int>(instruction.displacement));
}
void run_wait_all(Warp& warp, const Instruction&, LaneMask lanes) {
  warp.block.memory.wait_all_async_copies(warp.index, lanes);
}

void decode_copy(Decoder& decoder) {
  const bool is_known = (decoder.has("ca") || decoder.has("cg")) &&
                        (decoder.has("shared") || decoder.has("shared::cta")) && !decoder.has("bulk");
  if (!is_known) decoder.unknown();
  decoder.out.run = run_copy;
  decoder.out.bytes = static_cast<std::uint8_t>(decoder.immediate(decoder.operand(2)));
  decoder.address(decoder.operand(0), Space::kShared);
  const std::int64_t displacement = decoder.out.displacement;
  decoder.address(decoder.operand(1), Space::kGlobal);
  decoder.out.target = static_cast<std::int32_t>(decoder.out.displacement);
  decoder.out.displacement = displacement;
  if (decoder.num_operands() <= 3) return;
  if (decoder.has("L2::cache_hint") || decoder.num_operands() > 4) decoder.unknown();
  const Operand fourth = decoder.resolve(decoder.operand(3), Operand::Width::kWord);
  if (fourth.width != Operand::Width::kWord) decoder.unknown();  // the form with an ignore-source predicate
  decoder.add(fourth);
}

}  // namespace

void decode_async_copy(Decoder& decoder) {
  if (!decoder.has("async")) decoder.unknown();
  if (decoder.has("commit_group") && !decoder.has("bulk")) {
    decoder.out.run = run_commit;
  } else if (decoder.has("wait_all")) {
    decoder.out.run = run_wait_all;
  } else if (decoder.has("wait_group") && !decoder.has("bulk")) {
    decoder.out.run = run_wait;
    decoder.out.displacement = decoder.immediate(decoder.operand(0));
  } else {
    decode_copy(decoder);
  }
}

}  // namespace emulator

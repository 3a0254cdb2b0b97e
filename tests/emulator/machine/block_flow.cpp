#include <cstring>

#include "machine/block.h"
#include "program/sites.h"
#include "report.h"

namespace emulator {
namespace {

/// Arguments from a caller's frame to the callee's, or results back.
void copy_parameters(LaneMask lanes, const Frame& caller_frame, const std::vector<std::size_t>& offsets,
                     const Frame& callee_frame, const std::vector<Parameter>& parameters, bool is_return) {
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    for_each_lane(lanes, [&](int lane) {
      const auto l = static_cast<std::size_t>(lane);
      std::byte* const caller = caller_frame.parameters + l * caller_frame.function->parameter_bytes + offsets[k];
      std::byte* const callee =
          callee_frame.parameters + l * callee_frame.function->parameter_bytes + parameters[k].offset;
      std::memcpy(is_return ? caller : callee, is_return ? callee : caller, parameters[k].bytes);
    });
  }
}

}  // namespace

bool Block::step(Warp& warp, std::size_t index, const Instruction& instruction, LaneMask lanes) {
  if (instruction.flow == Flow::kBranch) return branch(warp, index, instruction.target, lanes);
  if (lanes == 0) {
    ++warp.groups[index].position;
    return true;
  }
  // Lanes whose guard is false pass by.
  if (lanes != warp.groups[index].lanes) ++warp.groups[warp.split(index, warp.groups[index].lanes & ~lanes)].position;
  switch (instruction.flow) {
    case Flow::kBranchTable: return branch_table(warp, index, instruction, lanes);
    case Flow::kCall: return call(warp, index, instruction);
    case Flow::kReturn: return return_lanes(warp, index, instruction);
    case Flow::kExit: return exit_lanes(warp, index, instruction);
    case Flow::kCollective: return meet(warp, index, instruction);
    case Flow::kBarrier: return wait_at_barrier(warp, index, instruction);
    default: break;
  }
  fail_launch(Kind::kUnsupported, std::string(instruction.name) + " at " + site_text(instruction.site) +
                                      ", executed by " + place(warp, __builtin_ctz(lanes)));
}

bool Block::branch(Warp& warp, std::size_t index, std::int32_t target, LaneMask lanes) {
  Group& group = warp.groups[index];
  if (lanes == group.lanes) {
    group.position = static_cast<std::uint32_t>(target);
    return true;
  }
  ++group.position;
  if (lanes == 0) return true;
  warp.groups[warp.split(index, lanes)].position = static_cast<std::uint32_t>(target);
  return false;
}

bool Block::branch_table(Warp& warp, std::size_t index, const Instruction& instruction, LaneMask lanes) {
  const auto& targets = warp.frame().function->branch_tables[static_cast<std::size_t>(instruction.target)];
  const std::uint32_t* const row = warp.row<std::uint32_t>(instruction.operands[0]);
  for (LaneMask rest = lanes; rest != 0;) {
    const std::uint32_t entry = row[__builtin_ctz(rest)];
    if (entry >= targets.size())
      fail_launch(Kind::kOutOfBounds, "brx.idx at " + site_text(instruction.site) + " with index " +
                                          std::to_string(entry) + " of " + std::to_string(targets.size()));
    LaneMask same = 0;
    for_each_lane(rest, [&](int lane) { same |= static_cast<LaneMask>(row[lane] == entry) << lane; });
    rest &= ~same;
    const std::size_t moved = rest == 0 ? index : warp.split(index, same);
    warp.groups[moved].position = static_cast<std::uint32_t>(targets[entry]);
  }
  return warp.groups.size() == 1;
}

// The lanes that call one function by its address; the others come to the call again.
const Function& Block::called_function(Warp& warp, std::size_t index, const Instruction& instruction) {
  const LaneMask lanes = warp.groups[index].lanes;
  const std::uint64_t* const addresses = warp.row<std::uint64_t>(instruction.operands[0]);
  const Address address = addresses[__builtin_ctz(lanes)];
  LaneMask same = 0;
  for_each_lane(lanes, [&](int lane) { same |= static_cast<LaneMask>(addresses[lane] == address) << lane; });
  const auto& known = warp.frame().function->program->function_at;
  const auto found = known.find(address);
  if (found == known.end())
    fail_launch(Kind::kOutOfBounds, "call at " + site_text(instruction.site) +
                                        " of an address that is no function's, by " +
                                        place(warp, __builtin_ctz(lanes)));
  if (same != lanes) warp.split(index, lanes & ~same);
  return *found->second;
}

bool Block::call(Warp& warp, std::size_t index, const Instruction& instruction) {
  Frame& caller = *warp.groups[index].frame;
  const Call& call = caller.function->calls[static_cast<std::size_t>(instruction.target)];
  const Function& callee = call.callee != nullptr ? *call.callee : called_function(warp, index, instruction);
  if (callee.parameters.size() != call.arguments.size() || callee.results.size() != call.results.size())
    fail_launch(Kind::kOutOfBounds,
                "call at " + site_text(instruction.site) + " of " + callee.name + " with another number of parameters");
  Group& group = warp.groups[index];
  Frame& frame = warp.open_frame(callee, &caller, group.position + 1, group.lanes);
  set_local_base(warp, frame);
  copy_parameters(group.lanes, caller, call.arguments, frame, callee.parameters, false);
  if (frame.local_offset + callee.local_bytes > local_bytes_)
    fail_launch(Kind::kOutOfBounds, "calls at " + site_text(instruction.site) + " nest " + std::to_string(frame.depth) +
                                        " deep and use more than " + std::to_string(local_bytes_) +
                                        " bytes of local memory a thread");
  group.frame = &frame;
  group.position = 0;
  return false;
}

bool Block::return_lanes(Warp& warp, std::size_t index, const Instruction& instruction) {
  Group& group = warp.groups[index];
  Frame& frame = *group.frame;
  if (frame.caller == nullptr) return exit_lanes(warp, index, instruction);
  Frame& caller = *frame.caller;
  const Instruction& called = caller.function->code[frame.return_position - 1];
  const Call& call = caller.function->calls[static_cast<std::size_t>(called.target)];
  copy_parameters(group.lanes, caller, call.results, frame, frame.function->results, true);
  group.frame = &caller;
  group.position = frame.return_position;
  warp.leave_frame(frame, group.lanes);
  return false;
}

bool Block::exit_lanes(Warp& warp, std::size_t index, const Instruction& instruction) {
  const LaneMask lanes = warp.groups[index].lanes;
  memory.exit_threads(warp.index, lanes, instruction.site);
  warp.groups[index].lanes = 0;
  warp.alive &= ~lanes;
  exited_threads_ += static_cast<std::uint32_t>(__builtin_popcount(lanes));
  for (const Barrier& barrier : barriers_) {
    if (barrier.arrived == 0 || barrier.has_count) continue;
    fail_launch(Kind::kExitedAtBarrier, "threads exit at " + site_text(instruction.site) + " (" +
                                            place(warp, __builtin_ctz(lanes)) + ") while " +
                                            std::to_string(barrier.arrived) + " threads wait in " +
                                            barrier.first->name + " at " + site_text(barrier.first->site));
  }
  complete_without_exited(warp);
  return false;
}

}  // namespace emulator

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>

#include "machine/block.h"
#include "program/sites.h"
#include "report.h"

namespace emulator {
namespace {

std::string hexadecimal(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

void gather(const Warp& warp, const Operand& operand, LaneMask lanes, CollectiveRow& row) {
  switch (operand.width) {
    case Operand::Width::kWord:
      if (lanes == kAllLanes) {
        std::memcpy(row.low, warp.row<std::uint32_t>(operand), sizeof row.low);
        return;
      }
      for_each_lane(lanes, [&](int lane) { row.low[lane] = warp.row<std::uint32_t>(operand)[lane]; });
      return;
    case Operand::Width::kWide:
      for_each_lane(lanes, [&](int lane) {
        const std::uint64_t value = warp.row<std::uint64_t>(operand)[lane];
        row.low[lane] = static_cast<std::uint32_t>(value);
        row.high[lane] = static_cast<std::uint32_t>(value >> 32);
      });
      return;
    case Operand::Width::kPredicate: {
      const LaneMask value = warp.predicate(operand);
      for_each_lane(lanes, [&](int lane) { row.low[lane] = value >> lane & 1; });
      return;
    }
    case Operand::Width::kNone: return;
  }
}

void gather_sources(const Warp& warp, const Instruction& instruction, LaneMask lanes, CollectiveRow* rows) {
  for (int k = instruction.num_results; k < instruction.num_operands; ++k)
    gather(warp, instruction.operands[static_cast<std::size_t>(k)], lanes, rows[k - instruction.num_results]);
}

void scatter_results(Warp& warp, const Instruction& instruction, LaneMask lanes, const CollectiveRow* rows) {
  for (std::size_t k = 0; k < instruction.num_results; ++k) {
    const Operand& operand = instruction.operands[k];
    if (operand.width == Operand::Width::kWord && lanes == kAllLanes) {
      std::memcpy(warp.row<std::uint32_t>(operand), rows[k].low, sizeof rows[k].low);
      continue;
    }
    for_each_lane(lanes, [&](int lane) {
      const std::uint64_t high = operand.width == Operand::Width::kWide ? rows[k].high[lane] : 0;
      warp.set_lane_value(operand, lane, high << 32 | rows[k].low[lane]);
    });
  }
}

LaneMask members_of(const Warp& warp, const Instruction& instruction, int lane) {
  if (instruction.member_mask < 0) return kAllLanes;
  return static_cast<LaneMask>(
      warp.lane_value(instruction.operands[static_cast<std::size_t>(instruction.member_mask)], lane));
}

LaneMask lanes_with_members(const Warp& warp, const Instruction& instruction, LaneMask lanes, LaneMask members) {
  if (instruction.member_mask < 0) return lanes;
  LaneMask same = 0;
  for_each_lane(
      lanes, [&](int lane) { same |= static_cast<LaneMask>(members_of(warp, instruction, lane) == members) << lane; });
  return same;
}

bool is_same_meeting(const Instruction& a, const Instruction& b) {
  return a.collective == b.collective && a.site == b.site;
}

}  // namespace

bool Block::meet(Warp& warp, std::size_t index, const Instruction& instruction) {
  const LaneMask lanes = warp.groups[index].lanes;
  const LaneMask members = members_of(warp, instruction, __builtin_ctz(lanes));
  const bool is_whole = warp.pending.empty() && (members & warp.alive) == lanes &&
                        lanes_with_members(warp, instruction, lanes, members) == lanes;
  if (is_whole) {
    CollectiveRow sources[12], results[4];
    gather_sources(warp, instruction, lanes, sources);
    instruction.collective(warp, instruction, lanes, sources, results);
    scatter_results(warp, instruction, lanes, results);
    ++collectives_met;
    ++warp.groups[index].position;
    const LaneMask apart = schedule_->split(lanes);
    if (apart != 0) warp.split(index, apart);
    return warp.groups.size() == 1;
  }
  for (LaneMask rest = lanes; rest != 0;) {
    const LaneMask wanted = members_of(warp, instruction, __builtin_ctz(rest));
    const LaneMask same = lanes_with_members(warp, instruction, rest, wanted);
    if ((wanted & lanes) != same) report_other_masks(warp, instruction, lanes, wanted, same);
    rest &= ~same;
    arrive(warp, rest == 0 ? index : warp.split(index, same), instruction, wanted);
  }
  return false;
}

// Lanes that come together must agree on who takes part.
void Block::report_other_masks(const Warp& warp, const Instruction& instruction, LaneMask lanes, LaneMask members,
                               LaneMask same) const {
  const LaneMask others = (members & lanes) ^ same;
  const int lane = __builtin_ctz(others);
  const bool is_outside = (same >> lane & 1) != 0;
  const std::string what = is_outside ? " is not in its own mask "
                                      : ", with mask " + hexadecimal(members_of(warp, instruction, lane)) +
                                            ", is named in the mask of lanes " + hexadecimal(same) + ", ";
  fail_launch(Kind::kWarpMismatch, std::string(instruction.name) + " at " + site_text(instruction.site) + ": " +
                                       place(warp, lane) + what + hexadecimal(members));
}

void Block::arrive(Warp& warp, std::size_t index, const Instruction& instruction, LaneMask members) {
  const LaneMask lanes = warp.groups[index].lanes;
  const auto meets = [&](const PendingCollective& other) { return (other.members & members) != 0; };
  auto found = std::find_if(warp.pending.begin(), warp.pending.end(), meets);
  if (found == warp.pending.end()) {
    found = warp.pending.insert(found, {&instruction, members, 0, std::vector<CollectiveRow>(12)});
  } else if (found->members != members || !is_same_meeting(*found->instruction, instruction)) {
    fail_launch(Kind::kWarpMismatch, place(warp, __builtin_ctz(lanes)) + " calls " + instruction.name + " with mask " +
                                         hexadecimal(members) + " at " + site_text(instruction.site) + " while lanes " +
                                         hexadecimal(found->arrived) + " of its warp wait in " +
                                         found->instruction->name + " with mask " + hexadecimal(found->members) +
                                         " at " + site_text(found->instruction->site));
  }
  gather_sources(warp, instruction, lanes, found->sources.data());
  found->arrived |= lanes;
  warp.groups[index].state = Group::State::kAtCollective;
  if (found->arrived == (members & warp.alive)) complete(warp, static_cast<std::size_t>(found - warp.pending.begin()));
}

void Block::complete(Warp& warp, std::size_t pending_index) {
  const PendingCollective met = std::move(warp.pending[pending_index]);
  warp.pending.erase(warp.pending.begin() + static_cast<std::ptrdiff_t>(pending_index));
  CollectiveRow results[4];
  Frame& before = warp.frame();
  met.instruction->collective(warp, *met.instruction, met.arrived, met.sources.data(), results);
  ++collectives_met;
  for (Group& group : warp.groups) {
    if ((group.lanes & met.arrived) == 0 || group.state != Group::State::kAtCollective) continue;
    warp.select(*group.frame);
    scatter_results(warp, group.frame->function->code[group.position], group.lanes, results);
    group.state = Group::State::kReady;
    ++group.position;
  }
  warp.select(before);
}

void Block::complete_without_exited(Warp& warp) {
  for (std::size_t k = 0; k < warp.pending.size();) {
    if (warp.pending[k].arrived == (warp.pending[k].members & warp.alive)) {
      complete(warp, k);
    } else {
      ++k;
    }
  }
}

bool Block::wait_at_barrier(Warp& warp, std::size_t index, const Instruction& instruction) {
  const Group& group = warp.groups[index];
  const LaneMask lanes = group.lanes;
  const std::uint64_t number = warp.lane_value(instruction.operands[instruction.num_results], __builtin_ctz(lanes));
  if (number >= barriers_.size())
    fail_launch(Kind::kApi, std::string(instruction.name) + " at " + site_text(instruction.site) + ": barrier " +
                                std::to_string(number) + " of 16");
  Barrier& barrier = barriers_[number];
  join_barrier(barrier, warp, instruction, lanes);
  if (instruction.barrier == BarrierKind::kArrive) {
    ++warp.groups[index].position;
  } else {
    barrier.waiting_warps |= 1u << warp.index;
    warp.groups[index].state = Group::State::kAtBarrier;
    warp.groups[index].barrier = static_cast<int>(number);
  }
  if (barrier.arrived == barrier.expected) release(static_cast<int>(number));
  return false;
}

// Operands after the results: the barrier's number, then the count of threads where it has one, then the predicate of a
// vote.
void Block::join_barrier(Barrier& barrier, const Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const bool votes = instruction.barrier != BarrierKind::kSync && instruction.barrier != BarrierKind::kArrive;
  const bool has_count = instruction.num_operands - instruction.num_results == (votes ? 3 : 2);
  const auto count_operand = static_cast<std::size_t>(instruction.num_results + 1);
  const std::uint32_t expected =
      has_count ? static_cast<std::uint32_t>(warp.lane_value(instruction.operands[count_operand], __builtin_ctz(lanes)))
                : num_threads_;
  const std::string here = std::string(instruction.name) + " at " + site_text(instruction.site);
  if (!has_count && exited_threads_ != 0)
    fail_launch(Kind::kExitedAtBarrier, here + ": " + std::to_string(exited_threads_) + " of " +
                                            std::to_string(num_threads_) + " threads have exited");
  if (barrier.arrived == 0) {
    barrier = {};
    barrier.first = &instruction;
    barrier.expected = expected;
    barrier.has_count = has_count;
  } else if (barrier.expected != expected || (!has_count && barrier.first->site != instruction.site)) {
    fail_launch(Kind::kDivergentBarrier,
                place(warp, __builtin_ctz(lanes)) + " is at " + here + " for " + std::to_string(expected) +
                    " threads while " + std::to_string(barrier.arrived) + " threads wait in " + barrier.first->name +
                    " at " + site_text(barrier.first->site) + " for " + std::to_string(barrier.expected));
  }
  barrier.arrived += static_cast<std::uint32_t>(__builtin_popcount(lanes));
  barrier.arrived_warps |= 1u << warp.index;
  if (votes) {
    const LaneMask yes = warp.predicate(instruction.operands[static_cast<std::size_t>(instruction.num_operands - 1)]);
    barrier.votes += static_cast<std::uint32_t>(__builtin_popcount(yes & lanes));
  }
  if (barrier.arrived > barrier.expected)
    fail_launch(Kind::kDivergentBarrier, here + ": " + std::to_string(barrier.arrived) +
                                             " threads arrived at a barrier for " + std::to_string(barrier.expected));
}

void Block::release(int number) {
  const Barrier met = barriers_[static_cast<std::size_t>(number)];
  barriers_[static_cast<std::size_t>(number)] = {};
  ++barriers_met;
  if (met.arrived == live_threads() && met.arrived_warps == met.waiting_warps) {
    memory.block_barrier();
  } else {
    memory.named_barrier(met.arrived_warps, met.waiting_warps);
  }
  for (std::size_t w = 0; w < num_warps_; ++w) {
    Warp& warp = *warps_[w];
    if ((met.waiting_warps >> w & 1) == 0) continue;
    for (std::size_t k = 0; k < warp.groups.size(); ++k) {
      if (warp.groups[k].state != Group::State::kAtBarrier || warp.groups[k].barrier != number) continue;
      release_group(warp, warp.groups[k], met);
      const LaneMask apart = schedule_->split(warp.groups[k].lanes);
      if (apart != 0) warp.split(k, apart);
    }
    update_ready(warp);
  }
}

void Block::release_group(Warp& warp, Group& group, const Barrier& barrier) {
  Frame& before = warp.frame();
  warp.select(*group.frame);
  const Instruction& instruction = group.frame->function->code[group.position];
  std::uint32_t result = barrier.votes;
  if (instruction.barrier == BarrierKind::kAnd) result = barrier.votes == barrier.arrived ? 1 : 0;
  if (instruction.barrier == BarrierKind::kOr) result = barrier.votes != 0 ? 1 : 0;
  if (instruction.num_results != 0)
    for_each_lane(group.lanes, [&](int lane) { warp.set_lane_value(instruction.operands[0], lane, result); });
  group.state = Group::State::kReady;
  ++group.position;
  warp.select(before);
}

void Block::report_deadlock() {
  std::map<std::string, int> waiting;
  for (std::size_t w = 0; w < num_warps_; ++w) {
    for (const Group& group : warps_[w]->groups) {
      const Instruction& instruction = group.frame->function->code[group.position];
      waiting[std::string(instruction.name) + " at " + site_text(instruction.site)] += __builtin_popcount(group.lanes);
    }
  }
  std::string text = "no thread of block " + std::to_string(block_index_) + " can run:";
  for (const auto& [where, count] : waiting) text += " " + std::to_string(count) + " wait in " + where + ";";
  text += " " + std::to_string(exited_threads_) + " have exited";
  fail_launch(Kind::kDeadlock, text);
}

}  // namespace emulator

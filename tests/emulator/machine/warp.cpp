#include "machine/warp.h"

#include <algorithm>
#include <limits>

namespace emulator {

std::uint64_t Warp::lane_value(const Operand& operand, int lane) const {
  switch (operand.width) {
    case Operand::Width::kPredicate: return predicate(operand) >> lane & 1;
    case Operand::Width::kWide: return row<std::uint64_t>(operand)[lane];
    case Operand::Width::kWord: return row<std::uint32_t>(operand)[lane];
    case Operand::Width::kNone: break;
  }
  return 0;
}

void Warp::set_lane_value(const Operand& operand, int lane, std::uint64_t value) {
  switch (operand.width) {
    case Operand::Width::kPredicate:
      set_predicate(operand, LaneMask{1} << lane, static_cast<LaneMask>(value != 0) << lane);
      break;
    case Operand::Width::kWide: row<std::uint64_t>(operand)[lane] = value; break;
    case Operand::Width::kWord: row<std::uint32_t>(operand)[lane] = static_cast<std::uint32_t>(value); break;
    case Operand::Width::kNone: break;
  }
}

Frame& Warp::open_frame(const Function& function, Frame* caller, std::uint32_t return_position, LaneMask lanes) {
  constexpr std::size_t kAlignment = 64;
  const auto is_free = [&](const auto& frame) { return frame->serial == function.serial && frame->lanes_inside == 0; };
  auto found = std::find_if(frames_.begin(), frames_.end(), is_free);
  const std::size_t register_bytes = (function.register_bytes + kAlignment - 1) / kAlignment * kAlignment;
  const std::size_t parameter_bytes = function.parameter_bytes * kWarpSize;
  if (found == frames_.end()) {
    auto made = std::make_unique<Frame>();
    made->function = &function;
    made->serial = function.serial;
    made->storage = std::make_unique<std::byte[]>(register_bytes + parameter_bytes + kAlignment);
    const auto start = reinterpret_cast<std::uintptr_t>(made->storage.get());
    made->registers = made->storage.get() + (kAlignment - start % kAlignment) % kAlignment;
    made->parameters = made->registers + register_bytes;
    found = frames_.insert(frames_.end(), std::move(made));
  }
  Frame& frame = **found;
  std::memset(frame.registers, 0xFF, register_bytes + parameter_bytes);
  frame.caller = caller;
  frame.return_position = return_position;
  frame.depth = caller ? caller->depth + 1 : 0;
  frame.local_offset = caller ? caller->local_offset + caller->function->local_bytes : 0;
  frame.lanes_inside = __builtin_popcount(lanes);
  return frame;
}

void Warp::leave_frame(Frame& frame, LaneMask lanes) { frame.lanes_inside -= __builtin_popcount(lanes); }

void Warp::start(const Function& kernel, LaneMask lanes) {
  // Frames of another kernel's functions would never be found again.
  if (!frames_.empty() && frames_.front()->serial != kernel.serial) frames_.clear();
  for (const auto& frame : frames_) frame->lanes_inside = 0;
  groups.clear();
  pending.clear();
  alive = lanes;
  Group first;
  first.lanes = lanes;
  first.frame = &open_frame(kernel, nullptr, 0, lanes);
  groups.push_back(first);
}

std::size_t Warp::split(std::size_t group, LaneMask lanes) {
  Group apart = groups[group];
  apart.lanes = lanes;
  groups[group].lanes &= ~lanes;
  groups.push_back(apart);
  return groups.size() - 1;
}

void Warp::merge_ready() {
  for (std::size_t a = 0; a < groups.size(); ++a) {
    if (groups[a].state != Group::State::kReady || groups[a].lanes == 0) continue;
    for (std::size_t b = a + 1; b < groups.size(); ++b) {
      const bool meets = groups[b].state == Group::State::kReady && groups[b].position == groups[a].position &&
                         groups[b].frame == groups[a].frame;
      if (!meets) continue;
      groups[a].lanes |= groups[b].lanes;
      groups[b].lanes = 0;
    }
  }
  drop_empty();
}

void Warp::drop_empty() {
  groups.erase(std::remove_if(groups.begin(), groups.end(), [](const Group& group) { return group.lanes == 0; }),
               groups.end());
}

std::uint32_t Warp::merge_limit(std::size_t running) const {
  std::uint32_t limit = std::numeric_limits<std::uint32_t>::max();
  for (std::size_t k = 0; k < groups.size(); ++k) {
    const bool counts = k != running && groups[k].state == Group::State::kReady &&
                        groups[k].frame == groups[running].frame && groups[k].position > groups[running].position;
    if (counts) limit = std::min(limit, groups[k].position);
  }
  return limit;
}

}  // namespace emulator

#include "machine/block.h"

#include <algorithm>

#include "program/sites.h"
#include "report.h"
#include "settings.h"

namespace emulator {
namespace {

void fill(std::uint32_t* row, std::uint32_t value) { std::fill(row, row + kWarpSize, value); }

}  // namespace

void Block::begin_launch(const Launch& launch, const LaunchMemory& launch_memory, const std::byte* parameters) {
  launch_ = &launch;
  parameters_ = parameters;
  num_threads_ = launch.block.x * launch.block.y * launch.block.z;
  num_warps_ = (num_threads_ + kWarpSize - 1) / kWarpSize;
  while (warps_.size() < num_warps_) warps_.push_back(std::make_unique<Warp>(*this, static_cast<int>(warps_.size())));
  local_bytes_ = launch_memory.local_bytes;
  memory.begin_launch(launch_memory);
}

void Block::end_launch() { memory.end_launch(); }

std::uint64_t Block::executed() const {
  std::uint64_t sum = 0;
  for (const auto& warp : warps_) sum += warp->executed;
  return sum;
}

std::string Block::place(const Warp& warp, int lane) const {
  return "block " + std::to_string(block_index_) + ", warp " + std::to_string(warp.index) + " lane " +
         std::to_string(lane) + " (thread " + std::to_string(warp.index * kWarpSize + lane) + ")";
}

void Block::run(std::uint32_t block_index) {
  begin_block(block_index);
  while (live_threads() != 0) {
    if (ready_warps_ == 0) report_deadlock();
    run_warp(*warps_[static_cast<std::size_t>(schedule_->pick_warp(ready_warps_))]);
  }
  ++blocks_run;
}

void Block::begin_block(std::uint32_t block_index) {
  block_index_ = block_index;
  exited_threads_ = 0;
  ready_warps_ = 0;
  barriers_ = {};
  schedule_ = std::make_unique<Schedule>(settings().seed, block_index);
  memory.begin_block(block_index, static_cast<int>(num_threads_));
  for (std::size_t w = 0; w < num_warps_; ++w) {
    Warp& warp = *warps_[w];
    const std::uint32_t threads =
        std::min<std::uint32_t>(kWarpSize, num_threads_ - static_cast<std::uint32_t>(w) * kWarpSize);
    warp.start(*launch_->kernel, kAllLanes >> (kWarpSize - threads));
    set_specials(warp);
    set_local_base(warp, *warp.groups.front().frame);
    warp.steps = 0;
    ready_warps_ |= 1u << w;
  }
}

void Block::set_specials(Warp& warp) {
  const Dim3 grid = launch_->grid, block = launch_->block;
  const auto first = static_cast<std::uint32_t>(warp.index * kWarpSize);
  for (std::uint32_t lane = 0; lane < kWarpSize; ++lane) {
    const std::uint32_t thread = first + lane;
    warp.special(Special::kTidX)[lane] = thread % block.x;
    warp.special(Special::kTidY)[lane] = thread / block.x % block.y;
    warp.special(Special::kTidZ)[lane] = thread / block.x / block.y;
    warp.special(Special::kLaneId)[lane] = lane;
    warp.special(Special::kLanemaskEq)[lane] = 1u << lane;
    warp.special(Special::kLanemaskLt)[lane] = (1u << lane) - 1;
    warp.special(Special::kLanemaskLe)[lane] = (2u << lane) - 1;
    warp.special(Special::kLanemaskGt)[lane] = ~((2u << lane) - 1);
    warp.special(Special::kLanemaskGe)[lane] = ~((1u << lane) - 1);
  }
  fill(warp.special(Special::kNtidX), block.x);
  fill(warp.special(Special::kNtidY), block.y);
  fill(warp.special(Special::kNtidZ), block.z);
  fill(warp.special(Special::kCtaidX), block_index_ % grid.x);
  fill(warp.special(Special::kCtaidY), block_index_ / grid.x % grid.y);
  fill(warp.special(Special::kCtaidZ), block_index_ / grid.x / grid.y);
  fill(warp.special(Special::kNctaidX), grid.x);
  fill(warp.special(Special::kNctaidY), grid.y);
  fill(warp.special(Special::kNctaidZ), grid.z);
  fill(warp.special(Special::kWarpId), static_cast<std::uint32_t>(warp.index));
  fill(warp.special(Special::kNwarpId), static_cast<std::uint32_t>(num_warps_));
  const auto dynamic = static_cast<std::uint32_t>(launch_->dynamic_shared_bytes);
  fill(warp.special(Special::kDynamicSharedSize), dynamic);
  fill(warp.special(Special::kTotalSharedSize),
       dynamic + static_cast<std::uint32_t>(launch_->kernel->facts.static_shared_bytes));
}

void Block::set_local_base(const Warp& warp, Frame& frame) const {
  const std::int32_t offset = frame.function->local_base;
  if (offset < 0) return;
  auto* const row = reinterpret_cast<std::uint64_t*>(frame.registers + offset);
  for (int lane = 0; lane < kWarpSize; ++lane)
    row[lane] = memory.local_window(warp.index * kWarpSize + lane) + frame.local_offset;
}

void Block::update_ready(const Warp& warp) {
  const bool is_ready = std::any_of(warp.groups.begin(), warp.groups.end(), [](const Group& group) {
    return group.lanes != 0 && group.state == Group::State::kReady;
  });
  const std::uint32_t bit = 1u << warp.index;
  ready_warps_ = is_ready ? ready_warps_ | bit : ready_warps_ & ~bit;
}

void Block::run_warp(Warp& warp) {
  if (warp.groups.size() > 1) {
    if (schedule_->merges()) {
      warp.merge_ready();
    } else {
      warp.drop_empty();
    }
  }
  run_group(warp, pick_group(warp));
  if (warp.groups.size() > 1 || warp.groups.front().lanes == 0) warp.drop_empty();
  check_budget(warp);
  update_ready(warp);
}

// The lanes that are behind run first: they may catch up with the others and run with them. Inside a function before
// outside of it, for the same reason.
std::size_t Block::pick_group(Warp& warp) {
  std::size_t picked = warp.groups.size();
  std::size_t num_ready = 0;
  for (std::size_t k = 0; k < warp.groups.size(); ++k) {
    if (warp.groups[k].state != Group::State::kReady) continue;
    ++num_ready;
    if (picked == warp.groups.size()) {
      picked = k;
      continue;
    }
    const Group &group = warp.groups[k], &best = warp.groups[picked];
    const bool is_behind = group.frame->depth != best.frame->depth ? group.frame->depth > best.frame->depth
                                                                   : group.position < best.position;
    const bool is_drawn = !schedule_->merges() && schedule_->one_in(num_ready);
    if (schedule_->merges() ? is_behind : is_drawn) picked = k;
  }
  return picked;
}

void Block::run_group(Warp& warp, std::size_t index) {
  warp.select(*warp.groups[index].frame);
  const Instruction* code = warp.frame().function->code.data();
  std::uint32_t position = warp.groups[index].position;
  LaneMask all = warp.groups[index].lanes;
  const std::uint32_t limit =
      schedule_->merges() && warp.groups.size() > 1 ? warp.merge_limit(index) : ~std::uint32_t{0};
  std::uint32_t quantum = schedule_->quantum();
  warp.steps += quantum;
  for (; quantum != 0; --quantum) {
    const Instruction& instruction = code[position];
    LaneMask lanes = all;
    if (instruction.has_guard) {
      const LaneMask value = *warp.row<LaneMask>(instruction.guard);
      lanes &= instruction.is_guard_negated ? ~value : value;
    }
    warp.executed += static_cast<std::uint64_t>(__builtin_popcount(lanes));
    if (instruction.flow == Flow::kNext) {
      if (lanes != 0) instruction.run(warp, instruction, lanes);
      ++position;
    } else {
      warp.groups[index].position = position;
      if (!step(warp, index, instruction, lanes)) {
        warp.steps -= quantum;
        return;
      }
      position = warp.groups[index].position;
    }
    if (position >= limit) break;
  }
  warp.steps -= quantum;
  warp.groups[index].position = position;
}

void Block::check_budget(const Warp& warp) const {
  if (warp.steps <= settings().instruction_budget || warp.groups.empty()) return;
  const Group& group = warp.groups.front();
  const Instruction& instruction = group.frame->function->code[group.position];
  fail_launch(Kind::kDeadlock, "block " + std::to_string(block_index_) + " warp " + std::to_string(warp.index) +
                                   " is still running after " + std::to_string(settings().instruction_budget) +
                                   " instructions, at " + site_text(instruction.site));
}

}  // namespace emulator

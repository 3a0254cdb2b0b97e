#include "memory/block_order.h"

#include <algorithm>

namespace emulator {

void BlockOrder::begin_launch(const OperationOrder& order, const std::optional<OperationOrder>& before_wait) {
  order_ = order;
  before_wait_ = before_wait;
  settled_ = epochs_.settle(order);
  settled_before_wait_ = before_wait ? epochs_.settle_start(*before_wait) : settled_;
  waits_.begin_launch(before_wait.has_value());
  releases_.begin_launch();
}

void BlockOrder::begin_block(std::uint32_t block, int num_threads) {
  // The first epoch is that of the block's beginning, so that nothing the block does is in it.
  begin_ = epochs_.take_first(order_.operation, order_.stream, block);
  owner_ = epochs_.owner(begin_);
  own_begin_ = begin_;
  own_end_ = begin_ + Epochs::kChunk;
  enter(begin_ + 1);
  clocks_.start(num_threads);
  waits_.begin_block();
  releases_.begin_block(owner_.block_run, num_threads);
}

void BlockOrder::enter(Epoch epoch) {
  now_ = epoch;
  shared_ = {begin_, begin_, begin_, now_, true};
  device_ = {kOldestEpoch, settled_, own_begin_, now_, own_begin_ == begin_};
  device_before_wait_ = device_;
  device_before_wait_.settled = settled_before_wait_;
}

void BlockOrder::block_barrier() {
  if (now_ + 1 == own_end_) {
    const Epoch next = epochs_.take(owner_);
    if (next != own_end_) own_begin_ = next;  // another host thread's block came between
    own_end_ = next + Epochs::kChunk;
    enter(next);
  } else {
    enter(now_ + 1);
  }
  clocks_.restart();
  waits_.block_barrier();
  releases_.block_barrier();
}

void BlockOrder::warp_barrier(int warp, LaneMask lanes) {
  clocks_.warp(warp).barrier(lanes);
  releases_.warp_barrier(warp, lanes);
}

void BlockOrder::named_barrier(std::uint32_t arrived_warps, std::uint32_t waiting_warps) {
  clocks_.named_barrier(arrived_warps, waiting_warps);
  releases_.named_barrier(arrived_warps, waiting_warps);
}

void BlockOrder::fence(int warp, LaneMask lanes) {
  releases_.fence(clocks_, now_, warp, lanes);
  clocks_.warp(warp).advance(lanes);
}

bool BlockOrder::is_before(const Recorded& recorded, int warp, int lane) const {
  if (recorded.epoch < settled_before_wait_) return true;
  const EpochOwner& owner = epochs_.owner(recorded.epoch);
  if (owner.block_run == owner_.block_run) {
    if (recorded.epoch != now_) return true;
    if (recorded.clock <= clocks_.known(warp, lane, recorded.warp, recorded.lane)) return true;
  } else if (owner.operation != owner_.operation) {
    return is_operation_before(owner, warp, lane);
  }
  return releases_.covers(owner.block_run, recorded, warp, lane);
}

bool BlockOrder::is_operation_before(const EpochOwner& earlier, int warp, int lane) const {
  if (!order_.is_after(earlier.operation, earlier.stream)) return false;
  return !before_wait_ || before_wait_->is_after(earlier.operation, earlier.stream) || has_waited(warp, lane);
}

bool BlockOrder::has_waited(int warp, int lane) const {
  if (waits_.have_waited(warp, LaneMask{1} << lane)) return true;
  const auto& all = waits_.all();
  return std::any_of(all.begin(), all.end(), [&](const Recorded& wait) { return is_before(wait, warp, lane); });
}

bool BlockOrder::is_waited_for(Epoch epoch) const {
  const EpochOwner& owner = epochs_.owner(epoch);
  return before_wait_ && owner.operation != owner_.operation && order_.is_after(owner.operation, owner.stream);
}

}  // namespace emulator

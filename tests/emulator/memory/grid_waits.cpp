#include "memory/grid_waits.h"

namespace emulator {

void GridWaits::begin_launch(bool may_overlap) {
  may_overlap_ = may_overlap;
  waited_.fill(kAllLanes);
  all_.clear();
}

void GridWaits::begin_block() {
  if (!may_overlap_) return;
  has_any_in_block_ = false;
  waited_.fill(0);
}

void GridWaits::block_barrier() {
  if (has_any_in_block_) waited_.fill(kAllLanes);
}

void GridWaits::wait(const BlockClocks& clocks, Epoch now, int warp, LaneMask lanes) {
  LaneMask& waited = waited_[static_cast<std::size_t>(warp)];
  for_each_lane(lanes & ~waited, [&](int lane) { all_.push_back({now, warp, lane, clocks.warp(warp).clock(lane)}); });
  waited |= lanes;
  has_any_in_block_ = true;
}

}  // namespace emulator

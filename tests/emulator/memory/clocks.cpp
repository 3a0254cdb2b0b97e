#include "memory/clocks.h"

#include <algorithm>
#include <string>

#include "report.h"

namespace emulator {
namespace {

Clock after(Clock clock) {
  if (clock < kMaxClock) return clock + 1;
  fail_launch(Kind::kUnsupported,
              "more than " + std::to_string(kMaxClock) + " warp barriers and fences between two barriers of a block");
}

}  // namespace

void WarpClocks::start(LaneMask lanes) {
  lanes_ = lanes;
  is_uniform_ = true;
  clock_ = 1;
  known_ = 0;
}

void WarpClocks::barrier(LaneMask lanes) {
  lanes &= lanes_;
  if (is_uniform_ && lanes == lanes_) {
    known_ = clock_;
    clock_ = after(clock_);
  } else if (lanes == lanes_) {
    gather(true);
  } else {
    leave_uniform();
    join(lanes);
    advance(lanes);
  }
}

void WarpClocks::advance(LaneMask lanes) {
  lanes &= lanes_;
  if (is_uniform_ && lanes == lanes_) {
    clock_ = after(clock_);
    return;
  }
  leave_uniform();
  for_each_lane(lanes, [&](int lane) {
    Clock& clock = clocks_[kPadding + static_cast<std::size_t>(lane)];
    clock = after(clock);
  });
}

Clock WarpClocks::gather(bool learn_each_other) {
  const Clock common = latest();
  if (learn_each_other) {
    is_uniform_ = true;
    known_ = common;
  }
  if (is_uniform_) {
    clock_ = after(common);
  } else {
    clocks_.fill(after(common));
  }
  return common;
}

void WarpClocks::leave_uniform() {
  if (!is_uniform_) return;
  is_uniform_ = false;
  clocks_.fill(clock_);
  for (auto& row : rows_) row.fill(known_);
}

void WarpClocks::join(LaneMask lanes) {
  std::array<Clock, kWarpSize> all{};
  for_each_lane(lanes, [&](int lane) {
    const auto& row = rows_[static_cast<std::size_t>(lane)];
    for (std::size_t other = 0; other < row.size(); ++other) all[other] = std::max(all[other], row[other]);
  });
  for_each_lane(lanes, [&](int lane) { all[static_cast<std::size_t>(lane)] = clock(lane); });
  for_each_lane(lanes, [&](int lane) { rows_[static_cast<std::size_t>(lane)] = all; });
}

Clock WarpClocks::latest() const {
  if (is_uniform_) return clock_;
  Clock latest = 0;
  for_each_lane(lanes_, [&](int lane) { latest = std::max(latest, clock(lane)); });
  return latest;
}

void BlockClocks::start(int num_threads) {
  num_warps_ = (num_threads + kWarpSize - 1) / kWarpSize;
  for (int warp = 0; warp < num_warps_; ++warp) {
    const int lanes = std::min(num_threads - warp * kWarpSize, kWarpSize);
    this->warp(warp).start(kAllLanes >> (kWarpSize - lanes));
  }
  has_named_ = false;
}

void BlockClocks::restart() {
  for (int warp = 0; warp < num_warps_; ++warp) this->warp(warp).start(this->warp(warp).lanes());
  has_named_ = false;
}

void BlockClocks::named_barrier(std::uint32_t arrived_warps, std::uint32_t waiting_warps) {
  if (!has_named_) {
    for (WarpRow& row : known_) row.fill(0);
    has_named_ = true;
  }
  WarpRow all{};
  for_each_lane(arrived_warps, [&](int arrived) {
    const WarpRow& row = known_[static_cast<std::size_t>(arrived)];
    for (std::size_t other = 0; other < row.size(); ++other) all[other] = std::max(all[other], row[other]);
  });
  for_each_lane(arrived_warps, [&](int arrived) {
    const bool waits = (waiting_warps >> arrived & 1) != 0;
    Clock& own = all[static_cast<std::size_t>(arrived)];
    own = std::max(own, warp(arrived).gather(waits));
  });
  for_each_lane(waiting_warps, [&](int waiting) { known_[static_cast<std::size_t>(waiting)] = all; });
}

}  // namespace emulator

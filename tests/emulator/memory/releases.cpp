#include "memory/releases.h"

#include <algorithm>
#include <utility>

namespace emulator {

void Releases::begin_launch() {
  places_.clear();
  begin_block(0, 0);
}

void Releases::begin_block(std::uint32_t block_run, int num_threads) {
  for_each_lane(taking_warps_,
                [&](int warp) { for_each_lane(kAllLanes, [&](int lane) { takings(warp, lane).clear(); }); });
  taking_warps_ = 0;
  taken_by_block_.clear();
  fenced_.fill(0);
  visible_epoch_ = 0;
  block_run_ = block_run;
  num_threads_ = num_threads;
}

void Releases::block_barrier() {
  for_each_lane(taking_warps_, [&](int warp) {
    for_each_lane(kAllLanes, [&](int lane) {
      add_all(taken_by_block_, takings(warp, lane));
      takings(warp, lane).clear();
    });
  });
  taking_warps_ = 0;
}

void Releases::warp_barrier(int warp, LaneMask lanes) {
  if ((taking_warps_ >> warp & 1) == 0) return;
  Takings all;
  for_each_lane(lanes, [&](int lane) { add_all(all, takings(warp, lane)); });
  for_each_lane(lanes, [&](int lane) { takings(warp, lane) = all; });
}

void Releases::named_barrier(std::uint32_t arrived_warps, std::uint32_t waiting_warps) {
  if ((arrived_warps & taking_warps_) == 0) return;
  Takings all;
  for_each_lane(arrived_warps & taking_warps_,
                [&](int warp) { for_each_lane(kAllLanes, [&](int lane) { add_all(all, takings(warp, lane)); }); });
  for_each_lane(waiting_warps,
                [&](int warp) { for_each_lane(kAllLanes, [&](int lane) { takings(warp, lane) = all; }); });
  taking_warps_ |= waiting_warps;
}

void Releases::fence(const BlockClocks& clocks, Epoch now, int warp, LaneMask lanes) {
  if (visible_epoch_ != now) {
    visible_epoch_ = now;
    std::fill_n(visible_.begin(), num_threads_, 0);
  }
  const auto show = [&](int other_warp, int lane, Clock clock) {
    Clock& visible = visible_[static_cast<std::size_t>(other_warp * kWarpSize + lane)];
    visible = std::max(visible, clock);
  };
  const WarpClocks& own = clocks.warp(warp);
  if (own.is_uniform()) {
    for_each_lane(own.lanes(), [&](int lane) {
      show(warp, lane, (lanes >> lane & 1) != 0 ? own.uniform_clock() : own.uniform_known());
    });
  } else {
    for_each_lane(lanes, [&](int lane) {
      for_each_lane(own.lanes(), [&](int other) { show(warp, other, own.known(lane, other)); });
    });
  }
  for (int other = 0; clocks.has_named() && other < clocks.num_warps(); ++other) {
    if (other == warp) continue;
    for_each_lane(clocks.warp(other).lanes(), [&](int lane) { show(other, lane, clocks.known_warp(warp, other)); });
  }
  fenced_[static_cast<std::size_t>(warp)] |= lanes;
}

void Releases::atomic(const BlockClocks& clocks, Epoch now, Address address, int warp, int lane) {
  const bool releases = (fenced_[static_cast<std::size_t>(warp)] >> lane & 1) != 0;
  if (!releases && places_.empty()) return;
  auto found = places_.find(address);
  if (found != places_.end() && add(takings(warp, lane), {&found->second, found->second.releases.size()}))
    taking_warps_ |= std::uint32_t{1} << warp;
  if (!releases) return;
  if (found == places_.end()) found = places_.try_emplace(address).first;
  Place& place = found->second;
  const std::size_t number = place.releases.size();
  const auto hand_on = [&](const Takings& takings) {
    for (const Taken& taken : takings) {
      if (taken.place != &place) place.handed.push_back({number, taken});
    }
  };
  hand_on(taken_by_block_);
  hand_on(takings(warp, lane));
  place.by_block_run[block_run_].push_back(number);
  place.releases.push_back(release_of(clocks, now, warp, lane));
}

Releases::Release Releases::release_of(const BlockClocks& clocks, Epoch now, int warp, int lane) const {
  Release release{block_run_, visible_epoch_, {}};
  for (int thread = 0; thread < num_threads_; ++thread) {
    const int other_warp = thread / kWarpSize, other_lane = thread % kWarpSize;
    Clock clock = visible_[static_cast<std::size_t>(thread)];
    if (visible_epoch_ == now) clock = std::min(clock, clocks.known(warp, lane, other_warp, other_lane));
    if (clock > 0) release.threads.push_back({other_warp, other_lane, clock});
  }
  return release;
}

bool Releases::Release::covers(const Recorded& recorded) const {
  if (recorded.epoch != epoch) return recorded.epoch < epoch;
  return std::any_of(threads.begin(), threads.end(), [&](const ThreadClock& thread) {
    return (recorded.warp == Recorded::kUnknown || recorded.warp == thread.warp) &&
           (recorded.lane == Recorded::kUnknown || recorded.lane == thread.lane) && recorded.clock <= thread.clock;
  });
}

bool Releases::covers(std::uint32_t block_run, const Recorded& recorded, int warp, int lane) const {
  if (places_.empty()) return false;
  bool are_handed = false;
  for (const Takings* const takings : {&taken_by_block_, &this->takings(warp, lane)}) {
    for (const Taken& taken : *takings) {
      if (covers(taken, block_run, recorded)) return true;
      are_handed |= !taken.place->handed.empty();
    }
  }
  if (!are_handed) return false;
  Takings all = taken_by_block_;
  add_all(all, takings(warp, lane));
  return covers_handed(std::move(all), block_run, recorded);
}

bool Releases::covers(const Taken& taken, std::uint32_t block_run, const Recorded& recorded) {
  const auto found = taken.place->by_block_run.find(block_run);
  if (found == taken.place->by_block_run.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](std::size_t number) {
    return number < taken.count && taken.place->releases[number].covers(recorded);
  });
}

bool Releases::covers_handed(Takings open, std::uint32_t block_run, const Recorded& recorded) {
  Takings seen;
  while (!open.empty()) {
    const Taken taken = open.back();
    open.pop_back();
    if (!add(seen, taken)) continue;
    if (covers(taken, block_run, recorded)) return true;
    for (const Handed& handed : taken.place->handed) {
      if (handed.release < taken.count) open.push_back(handed.taken);
    }
  }
  return false;
}

bool Releases::add(Takings& takings, const Taken& taken) {
  for (Taken& known : takings) {
    if (known.place != taken.place) continue;
    if (known.count >= taken.count) return false;
    known.count = taken.count;
    return true;
  }
  takings.push_back(taken);
  return true;
}

void Releases::add_all(Takings& takings, const Takings& more) {
  for (const Taken& taken : more) add(takings, taken);
}

}  // namespace emulator

#ifndef ARLOSS_TESTS_EMULATOR_UNIT_RACE_MODEL_H
#define ARLOSS_TESTS_EMULATOR_UNIT_RACE_MODEL_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "memory/block_memory.h"

namespace emulator {

/// What races mean, without a thought for speed: every access of every byte is kept, and every thread has a vector of
/// how much of every other thread of every block is ordered before it.
class RaceModel {
 public:
  static constexpr int kWarps = 3;
  static constexpr int kLanes = 4;  // of each warp that do something
  static constexpr int kThreads = kWarps * kLanes;

  RaceModel() { next_block(); }

  void next_block() {
    ++block_;
    counts_.resize(counts_.size() + kThreads, 0);
    for (Times& times : published_) times.second.resize(counts_.size(), 0);
    known_.assign(kThreads, Known(counts_.size(), 0));
    visible_.assign(counts_.size(), 0);
    fenced_.assign(kThreads, false);
  }

  /// True where it races with an earlier access.
  bool access(AccessKind kind, bool is_shared, int warp, int lane, Address address, std::uint32_t bytes) {
    const std::size_t local = index(warp, lane), thread = global(local);
    Known& known = known_[local];
    known[thread] = ++counts_[thread];
    bool races = false;
    for (Address byte = address; byte < address + bytes; ++byte) {
      std::vector<Access>& earlier = accesses_[{is_shared ? block_ : -1, byte}];
      for (const Access& other : earlier) races |= conflict(kind, other.kind) && other.time > known[other.thread];
      earlier.push_back({kind, thread, counts_[thread]});
      latest_.push_back(&earlier);
    }
    return races;
  }

  /// The accesses since keep() were not made after all.
  void undo() {
    for (auto place = latest_.rbegin(); place != latest_.rend(); ++place) (*place)->pop_back();
    latest_.clear();
  }
  void keep() { latest_.clear(); }

  void block_barrier() { order(all_threads(), all_threads()); }

  void warp_barrier(int warp, LaneMask lanes) {
    std::vector<std::size_t> met;
    for (int lane = 0; lane < kLanes; ++lane) {
      if ((lanes >> lane & 1) != 0) met.push_back(index(warp, lane));
    }
    order(met, met);
  }

  void named_barrier(std::uint32_t arrived, std::uint32_t waiting) { order(lanes_of(arrived), lanes_of(waiting)); }

  void fence(int warp, LaneMask lanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      if ((lanes >> lane & 1) == 0) continue;
      fenced_[index(warp, lane)] = true;
      join(visible_, known_[index(warp, lane)]);
    }
  }

  /// What an atomic orders, beside being an access.
  void atomic(int warp, int lane, Address address) {
    const std::size_t thread = index(warp, lane);
    Known& published = published_[address];
    published.resize(counts_.size(), 0);
    join(known_[thread], published);
    if (!fenced_[thread]) return;
    for (std::size_t other = 0; other < counts_.size(); ++other) {
      const bool is_own_block = other >= counts_.size() - kThreads;
      const std::uint32_t seen = known_[thread][other];
      published[other] = std::max(published[other], is_own_block ? std::min(seen, visible_[other]) : seen);
    }
  }

 private:
  using Known = std::vector<std::uint32_t>;
  using Times = std::pair<const Address, Known>;
  struct Access {
    AccessKind kind;
    std::size_t thread;
    std::uint32_t time;
  };

  static bool conflict(AccessKind a, AccessKind b) { return !(a == b && a != AccessKind::kWrite); }
  static std::size_t index(int warp, int lane) { return static_cast<std::size_t>(warp * kLanes + lane); }
  std::size_t global(std::size_t local) const { return static_cast<std::size_t>(block_) * kThreads + local; }

  static void join(Known& into, const Known& from) {
    for (std::size_t other = 0; other < into.size(); ++other) into[other] = std::max(into[other], from[other]);
  }

  /// `after` know afterwards all that `before` know and did.
  void order(const std::vector<std::size_t>& before, const std::vector<std::size_t>& after) {
    Known all(counts_.size(), 0);
    for (const std::size_t thread : before) join(all, known_[thread]);
    for (const std::size_t thread : after) join(known_[thread], all);
  }

  static std::vector<std::size_t> lanes_of(std::uint32_t warps) {
    std::vector<std::size_t> threads;
    for (int warp = 0; warp < kWarps; ++warp) {
      for (int lane = 0; lane < kLanes; ++lane) {
        if ((warps >> warp & 1) != 0) threads.push_back(index(warp, lane));
      }
    }
    return threads;
  }
  static std::vector<std::size_t> all_threads() { return lanes_of((1u << kWarps) - 1); }

  int block_ = -1;
  std::vector<std::uint32_t> counts_;  // accesses of every thread of every block
  std::vector<Known> known_;           // of every thread of the current block
  Known visible_;                      // to the device, of the current block
  std::vector<bool> fenced_;
  std::map<Address, Known> published_;
  std::map<std::pair<int, Address>, std::vector<Access>> accesses_;
  std::vector<std::vector<Access>*> latest_;  // places of the accesses since keep()
};

}  // namespace emulator

#endif

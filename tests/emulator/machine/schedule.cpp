#include "machine/schedule.h"

#include <numeric>
#include <utility>

namespace emulator {
namespace {

// Long enough for a loop over a tile, short enough that a spinning lane does not hold up the one it waits for.
constexpr std::uint32_t kLongQuantum = 1u << 20;
constexpr std::uint32_t kShortQuantum = 48;

int nth_set(std::uint32_t mask, std::uint32_t n) {
  while (n-- != 0) mask &= mask - 1;
  return __builtin_ctz(mask);
}

}  // namespace

Schedule::Schedule(std::uint64_t seed, std::uint32_t block) : style_(Style::kInOrder), random_(seed, block) {
  if (seed == 1) {
    style_ = Style::kReverse;
  } else if (seed >= 2) {
    // Half the blocks keep warps whole: that is as fast as in order, and finds the most.
    constexpr Style kDrawn[] = {Style::kFarAhead, Style::kFarAhead, Style::kInterleaved, Style::kLanesApart};
    style_ = kDrawn[random_.below(4)];
  }
}

int Schedule::pick_warp(std::uint32_t ready) {
  switch (style_) {
    case Style::kInOrder: return __builtin_ctz(ready);
    case Style::kReverse: return 31 - __builtin_clz(ready);
    case Style::kFarAhead:
      if ((ready >> last_warp_ & 1) != 0) return last_warp_;
      break;
    default: break;
  }
  last_warp_ = nth_set(ready, random_.below(static_cast<std::uint64_t>(__builtin_popcount(ready))));
  return last_warp_;
}

std::uint32_t Schedule::quantum() {
  const bool is_short = style_ == Style::kInterleaved || style_ == Style::kLanesApart;
  return is_short ? 1 + random_.below(kShortQuantum) : kLongQuantum;
}

LaneMask Schedule::split(LaneMask lanes) {
  if (style_ != Style::kLanesApart || (lanes & (lanes - 1)) == 0 || random_.below(2) == 0) return 0;
  const LaneMask apart = lanes & static_cast<LaneMask>(random_.next() >> 20);
  return apart == lanes ? 0 : apart;
}

std::vector<std::uint32_t> block_order(std::uint64_t seed, std::uint32_t num_blocks) {
  std::vector<std::uint32_t> order(num_blocks);
  std::iota(order.begin(), order.end(), 0u);
  if (seed == 1) {
    for (std::uint32_t k = 0; k < num_blocks; ++k) order[k] = num_blocks - 1 - k;
  } else if (seed >= 2) {
    Random random(seed, ~std::uint64_t{0});
    for (std::uint32_t k = num_blocks; k > 1; --k) std::swap(order[k - 1], order[random.below(k)]);
  }
  return order;
}

}  // namespace emulator

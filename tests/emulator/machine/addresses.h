#ifndef ARLOSS_TESTS_EMULATOR_MACHINE_ADDRESSES_H
#define ARLOSS_TESTS_EMULATOR_MACHINE_ADDRESSES_H

#include "machine/warp.h"

namespace emulator {

/// base + displacement of each lane. Bases of 4 bytes are shared addresses.
inline void lane_addresses(const Warp& warp, const Operand& base, std::int64_t displacement, LaneMask lanes,
                           Address* addresses) {
  if (base.width == Operand::Width::kWide) {
    const std::uint64_t* const row = warp.row<std::uint64_t>(base);
    for_each_lane(lanes, [&](int lane) { addresses[lane] = row[lane] + static_cast<std::uint64_t>(displacement); });
  } else {
    const std::uint32_t* const row = warp.row<std::uint32_t>(base);
    for_each_lane(lanes, [&](int lane) { addresses[lane] = row[lane] + static_cast<std::uint32_t>(displacement); });
  }
}

}  // namespace emulator

#endif

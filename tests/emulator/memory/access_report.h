#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_ACCESS_REPORT_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_ACCESS_REPORT_H

#include <cstdint>
#include <string>

#include "memory/block_memory.h"
#include "memory/block_order.h"
#include "memory/releases.h"
#include "memory/shared_layout.h"
#include "report.h"

namespace emulator {

/// A lane's part in a load, store or atomic.
struct LaneAccess {
  AccessKind kind;
  bool is_shared;
  int warp, lane;
  std::uint32_t bytes;
  std::uint32_t site;
  Address address;  // of shared memory the offset in its window
};

/// An access memory remembers.
struct EarlierAccess {
  AccessKind kind;
  Recorded recorded;
  std::uint32_t site;
};

/// Says what is wrong with an access, with names and source lines.
class AccessReport {
 public:
  AccessReport(const BlockOrder& order, const SharedLayout& layout) : order_(order), layout_(layout) {}

  void race(const LaneAccess& access, const EarlierAccess& earlier) const;
  void uninitialised(const LaneAccess& access) const;
  /// Reported once per site, and once per other site where there is one.
  void other(Kind kind, const LaneAccess& access, const std::string& what, std::uint32_t other_site = 0) const;
  /// Adds the report and throws LaunchFailure.
  [[noreturn]] void fail(Kind kind, const LaneAccess& access, const std::string& what) const;

  /// "allocation of cudaMalloc #3 (400 bytes) + 12", or of shared memory its variable.
  std::string place(const LaneAccess& access) const;

 private:
  /// "write of 4 bytes at tile.cuh:12 by block 3 thread 37 (warp 1 lane 5)".
  std::string subject(const LaneAccess& access) const;

  const BlockOrder& order_;
  const SharedLayout& layout_;
};

/// "the write at tile.cuh:12 by warp 1 lane 5", as seen from operation `operation` and its block. `needs_wait`: only
/// griddepcontrol.wait would order it before.
std::string earlier_text(const EarlierAccess& earlier, const EpochOwner& viewer, bool needs_wait = false);

/// A key for Reports: the same for the same two places of source.
std::uint64_t race_key(AccessKind kind, std::uint32_t site, const EarlierAccess& earlier);

}  // namespace emulator

#endif

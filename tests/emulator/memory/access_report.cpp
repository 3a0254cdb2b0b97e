#include "memory/access_report.h"

#include "memory/device_heap.h"
#include "program/sites.h"

namespace emulator {
namespace {

constexpr int kSiteBits = 24, kKindBits = 2;

const char* noun(AccessKind kind) {
  switch (kind) {
    case AccessKind::kRead: return "read";
    case AccessKind::kWrite: return "write";
    case AccessKind::kAtomic: return "atomic";
  }
  return "?";
}

bool is_host(const EpochOwner& owner) { return owner.block_run == 0; }

std::string operation_text(const EpochOwner& owner) {
  return "operation " + std::to_string(owner.operation) + " of stream " + std::to_string(owner.stream);
}

}  // namespace

std::string AccessReport::place(const LaneAccess& access) const {
  return access.is_shared ? layout_.describe(access.address) : DeviceHeap::get().describe(access.address);
}

std::string AccessReport::subject(const LaneAccess& access) const {
  return std::string(noun(access.kind)) + " of " + std::to_string(access.bytes) + " bytes at " +
         site_text(access.site) + " by block " + std::to_string(order_.block()) + " thread " +
         std::to_string(access.warp * kWarpSize + access.lane) + " (warp " + std::to_string(access.warp) + " lane " +
         std::to_string(access.lane) + ")";
}

void AccessReport::race(const LaneAccess& access, const EarlierAccess& earlier) const {
  const auto text = [&] {
    return subject(access) + ", " + place(access) + ": unordered with " +
           earlier_text(earlier, order_.owner(), order_.is_waited_for(earlier.recorded.epoch));
  };
  Reports::get().add(access.is_shared ? Kind::kSharedRace : Kind::kGlobalRace,
                     race_key(access.kind, access.site, earlier), std::ref(text));
}

void AccessReport::uninitialised(const LaneAccess& access) const {
  const auto text = [&] {
    return subject(access) + ", " + place(access) +
           (access.is_shared ? ": never written in this block" : ": never written");
  };
  Reports::get().add(access.is_shared ? Kind::kUninitialisedShared : Kind::kUninitialisedGlobal, access.site,
                     std::ref(text));
}

void AccessReport::other(Kind kind, const LaneAccess& access, const std::string& what, std::uint32_t other_site) const {
  const auto text = [&] { return subject(access) + ", " + place(access) + ": " + what; };
  Reports::get().add(kind, access.site | std::uint64_t{other_site} << kSiteBits, std::ref(text));
}

void AccessReport::fail(Kind kind, const LaneAccess& access, const std::string& what) const {
  fail_launch(kind, subject(access) + ": " + what);
}

std::string earlier_text(const EarlierAccess& earlier, const EpochOwner& viewer, bool needs_wait) {
  const EpochOwner& owner = Epochs::get().owner(earlier.recorded.epoch);
  const std::string unordered = ", which nothing orders before " + operation_text(viewer);
  if (is_host(owner)) {
    return std::string("the ") + noun(earlier.kind) + " by " + Epochs::get().host_name(owner) + " (" +
           (owner.operation == viewer.operation ? "" : operation_text(owner)) + ")" + unordered;
  }
  std::string text = std::string("the ") + noun(earlier.kind) + " at " + site_text(earlier.site) + " by";
  if (owner.block_run != viewer.block_run) text += " block " + std::to_string(owner.block);
  if (earlier.recorded.warp != Recorded::kUnknown) text += " warp " + std::to_string(earlier.recorded.warp);
  if (earlier.recorded.lane != Recorded::kUnknown) text += " lane " + std::to_string(earlier.recorded.lane);
  if (owner.operation == viewer.operation) return text;
  text += " in " + operation_text(owner);
  if (!needs_wait) return text + unordered;
  return text + ", which " + operation_text(viewer) +
         " may overlap: a grid-dependency wait (cudaGridDependencySynchronize) is missing";
}

std::uint64_t race_key(AccessKind kind, std::uint32_t site, const EarlierAccess& earlier) {
  const EpochOwner& owner = Epochs::get().owner(earlier.recorded.epoch);
  std::uint64_t key = is_host(owner) ? owner.block + 1 : 0;
  key = key << kKindBits | static_cast<std::uint64_t>(earlier.kind);
  key = key << kKindBits | static_cast<std::uint64_t>(kind);
  key = key << kSiteBits | earlier.site;
  return key << kSiteBits | site;
}

}  // namespace emulator

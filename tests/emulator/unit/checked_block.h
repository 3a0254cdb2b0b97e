#ifndef ARLOSS_TESTS_EMULATOR_UNIT_CHECKED_BLOCK_H
#define ARLOSS_TESTS_EMULATOR_UNIT_CHECKED_BLOCK_H

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "memory/block_memory.h"
#include "memory/device_heap.h"
#include "program/sites.h"
#include "report.h"
#include "settings.h"

namespace emulator {

using Kinds = std::vector<Kind>;

/// Operations in the order in which they are executed, in streams that know of each other what a test says.
class Operations {
 public:
  /// One that comes after everything before it.
  static OperationOrder after_all() {
    OperationOrder order;
    order.operation = ++last();
    order.known_all = order.operation - 1;
    return order;
  }
  /// One of `stream` that knows nothing of other streams but what ended before operation `known_all`, itself included.
  static OperationOrder of_stream(std::uint32_t stream, std::uint32_t known_all = 0) {
    OperationOrder order;
    order.operation = ++last();
    order.stream = stream;
    order.known.resize(stream + 1);
    order.known[stream] = order.operation - 1;
    order.known_all = known_all;
    return order;
  }
  static std::uint32_t last_operation() { return last(); }

 private:
  static std::uint32_t& last() {
    static std::uint32_t operation = 0;
    return operation;
  }
};

inline Kinds reported() {
  Kinds kinds;
  for (const Report& report : Reports::get().all()) kinds.push_back(report.kind);
  return kinds;
}

inline std::string last_report() {
  const std::vector<Report> reports = Reports::get().all();
  return reports.empty() ? "" : reports.back().text;
}

/// A block of 4 warps with shared variables "s" (256 bytes at 128) and "t" (6 bytes at 512), and 64 bytes of local
/// memory. Each test starts without reports and, unless it says otherwise, expects none at its end.
class CheckedBlock : public testing::Test {
 protected:
  static constexpr int kThreads = 128;
  static constexpr Address kS = 128, kT = 512;
  static constexpr std::size_t kSBytes = 256, kTBytes = 6;
  static constexpr std::size_t kLocalBytes = 64;

  void SetUp() override {
    settings().is_quiet = true;
    Reports::get().clear();
    launch_ = {{{"s", kS, kSBytes}, {"t", kT, kTBytes}}, kLocalBytes, Operations::after_all(), false, {}};
    memory_.begin_launch(launch_);
    memory_.begin_block(0, kThreads);
  }

  void TearDown() override {
    memory_.end_launch();
    for (const Address address : allocated_) DeviceHeap::get().release(address);
    if (!expects_reports_) {
      for (const Report& report : Reports::get().all()) ADD_FAILURE() << report.text;
    }
  }

  /// All reports so far are of these kinds, in this order.
  void expect_reports(const Kinds& kinds) {
    expects_reports_ = true;
    EXPECT_EQ(reported(), kinds) << last_report();
  }
  void expect_report(Kind kind, const std::string& part = "") {
    expect_reports({kind});
    EXPECT_NE(last_report().find(part), std::string::npos) << last_report();
  }

  /// A new launch, after everything before it or as `order` says, and its first block.
  void next_launch(const OperationOrder& order = Operations::after_all(), std::uint32_t block = 0,
                   const std::optional<OperationOrder>& before_wait = {}) {
    memory_.end_launch();
    launch_.order = order;
    launch_.before_wait = before_wait;
    memory_.begin_launch(launch_);
    memory_.begin_block(block, kThreads);
  }
  void next_block() { memory_.begin_block(++block_, kThreads); }

  /// Device memory that a copy has written, unless it is to stay unwritten.
  Address device(std::size_t bytes, bool is_written = true) {
    const Address address = DeviceHeap::get().allocate(bytes, "test");
    allocated_.push_back(address);
    if (is_written) {
      note_host_write(address, bytes, Operations::after_all(), "cudaMemcpy");
      next_launch();
    }
    return address;
  }

  std::byte* access(AccessKind kind, Space space, int warp, int lane, Address address, std::uint32_t bytes = 4,
                    const char* site = "", bool is_release = false) {
    Address addresses[kWarpSize] = {};
    std::byte* places[kWarpSize] = {};
    addresses[lane] = address;
    const std::uint32_t number = add_site(*site != 0 ? site : kind == AccessKind::kRead ? "a.cu:1" : "a.cu:2");
    memory_.access({kind, space, is_release, warp, LaneMask{1} << lane, bytes, number}, addresses, places);
    return places[lane];
  }
  std::byte* read(int warp, int lane, Address address, std::uint32_t bytes = 4, Space space = Space::kGeneric) {
    return access(AccessKind::kRead, space, warp, lane, address, bytes);
  }
  std::byte* write(int warp, int lane, Address address, std::uint32_t bytes = 4, Space space = Space::kGeneric) {
    return access(AccessKind::kWrite, space, warp, lane, address, bytes);
  }
  std::byte* atomic(int warp, int lane, Address address, std::uint32_t bytes = 4, Space space = Space::kGeneric) {
    return access(AccessKind::kAtomic, space, warp, lane, address, bytes);
  }
  void read_shared(int warp, int lane, Address offset, std::uint32_t bytes = 4) {
    read(warp, lane, offset, bytes, Space::kShared);
  }
  void write_shared(int warp, int lane, Address offset, std::uint32_t bytes = 4) {
    write(warp, lane, offset, bytes, Space::kShared);
  }
  void atomic_shared(int warp, int lane, Address offset, std::uint32_t bytes = 4) {
    atomic(warp, lane, offset, bytes, Space::kShared);
  }

  /// Lane l of the warp accesses first + l * step.
  void access_row(AccessKind kind, Space space, int warp, Address first, std::int64_t step, std::uint32_t bytes,
                  LaneMask lanes = kAllLanes) {
    Address addresses[kWarpSize] = {};
    for (int lane = 0; lane < kWarpSize; ++lane) addresses[lane] = first + static_cast<Address>(lane * step);
    const std::uint32_t number = add_site(kind == AccessKind::kRead ? "a.cu:3" : "a.cu:4");
    memory_.access({kind, space, false, warp, lanes, bytes, number}, addresses, places_);
  }

  BlockMemory memory_;
  LaunchMemory launch_;
  std::uint32_t block_ = 0;
  std::vector<Address> allocated_;
  std::byte* places_[kWarpSize] = {};
  bool expects_reports_ = false;
};

}  // namespace emulator

#endif

#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_CHECKER_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_CHECKER_H

#include <optional>
#include <string>

#include "memory/access_report.h"
#include "memory/async_copies.h"
#include "memory/block_memory.h"
#include "memory/block_order.h"
#include "memory/mapping.h"
#include "memory/shadow.h"
#include "memory/shared_layout.h"
#include "memory/window_check.h"

namespace emulator {

/// Everything a BlockMemory knows.
struct BlockMemory::Checker {
  explicit Checker(const BlockMemory& block_memory);

  void open_shared();
  /// Maps local memory for all threads of a block; their parts lie `stride` bytes apart.
  void reserve_local(std::size_t bytes, std::size_t stride);
  void begin_block(std::uint32_t block, int num_threads);

  // ---- accesses.cpp
  void access(const WarpAccess& access, const Address* addresses, std::byte** bytes);
  /// Where all lanes are neighbours, or read one place; false where they do neither.
  bool access_at_once(const WarpAccess& access, const Address* addresses, std::byte** bytes);
  void access_each(const WarpAccess& access, const Address* addresses, std::byte** bytes);
  void access_local(const WarpAccess& access, int lane, Address address, std::byte** bytes);
  void acquire(const WarpAccess& access, const Address* addresses);
  /// The window an access of a lane lies in; null where there is none.
  const Window* window_of(Space space, Address address, std::size_t bytes) const;
  bool is_local(Address address) const { return local && address - memory.local_window_ < local->bytes(); }
  [[noreturn]] void fail_address(const WarpAccess& access, int lane, Address address) const;

  // ---- async_copies.cpp
  void issue(int warp, int lane, const AsyncCopy& copy, std::uint32_t site);
  void check_copy(const LaneAccess& destination, const AsyncCopy& copy) const;
  void land(int thread, const AsyncCopies::InFlight& landing);

  const BlockMemory& memory;
  Mapping shared_bytes;
  std::optional<Mapping> local;
  Shadow shared_shadow;

  std::size_t local_bytes = 0;  // of a thread
  int num_threads = 0;
  std::uint64_t num_accesses = 0;
  SharedLayout layout;
  BlockOrder order;
  AccessReport report;
  WindowCheck check;
  AsyncCopies copies;
  bool has_abandoned_copies = false;

  Window device;          // by generic address
  Window shared_generic;  // by generic address
  Window shared_offsets;  // by offset
};

}  // namespace emulator

#endif

#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_BLOCK_MEMORY_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_BLOCK_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memory/lanes.h"
#include "memory/operation_order.h"

namespace emulator {

enum class Space : std::uint8_t { kGeneric, kGlobal, kConst, kShared, kLocal, kParam };
enum class AccessKind : std::uint8_t { kRead, kWrite, kAtomic };

/// One load, store or atomic of a warp: what its lanes do at once.
struct WarpAccess {
  AccessKind kind;
  Space space;
  /// An atomic that publishes what its thread did before it, or takes over what another published (.release, .acquire,
  /// .acq_rel). A plain atomic after a fence of the same thread publishes too; every atomic acquires.
  bool is_release = false;
  int warp;
  LaneMask lanes;
  std::uint32_t bytes;  // per lane: 1, 2, 4, 8 or 16
  std::uint32_t site;   // where in the source (program/sites.h)
};

/// What all blocks of a launch have in common.
struct LaunchMemory {
  struct SharedVariable {
    std::string name;
    std::size_t offset;  // in the shared window
    std::size_t bytes;
  };
  std::vector<SharedVariable> shared;  // static ones, and last, named "dynamic shared memory", the dynamic part
  std::size_t local_bytes = 0;         // per thread, a multiple of 16
  OperationOrder order;
  bool is_parallel = false;                   // blocks run on several host threads
  std::optional<OperationOrder> before_wait;  // of what threads do before griddepcontrol.wait, where it matters
};

/// The memory one block sees, and everything that is checked about it (docs/emulator.md). One object per host thread;
/// it runs one block after another. Accesses that cannot go on (out of bounds, host pointers, misaligned) throw
/// LaunchFailure after their report; races and reads of what was never written are reported, and execution goes on.
class BlockMemory {
 public:
  /// A variable of shared memory begins at least this far behind the end of the one before, so that an index past the
  /// end is found.
  static constexpr std::size_t kSharedGap = 64;
  static constexpr std::size_t kSharedWindow = std::size_t{1} << 20;

  BlockMemory();
  ~BlockMemory();

  void begin_launch(const LaunchMemory& launch);
  /// Shared and local memory poisoned with 0xFF, all clocks at their start. `block` is the linear block index.
  void begin_block(std::uint32_t block, int num_threads);
  /// After the last block of a launch, and after a failed one.
  void end_launch();

  Address shared_window() const { return shared_window_; }
  /// Local memory of a thread; generic addresses, different for every thread.
  Address local_window(int thread) const { return local_window_ + static_cast<Address>(thread) * local_stride_; }

  /// Checks one access of a warp and returns, per lane of the mask, where its bytes lie. `addresses` are generic ones
  /// for kGeneric, kGlobal, kConst and kLocal, and offsets into the shared window for kShared (as PTX has them).
  /// kParam is never asked for. A lane's own local memory is only checked for bounds.
  void access(const WarpAccess& access, const Address* addresses, std::byte** bytes);

  /// Which memory a generic address lies in: kGlobal, kShared, kLocal, or kGeneric for none of these.
  Space space_of(Address address) const;

  // ---- what orders accesses
  void block_barrier();                         // every live thread of the block has met
  void warp_barrier(int warp, LaneMask lanes);  // __syncwarp, or an instruction that orders like one
  /// bar.sync id, n and bar.arrive: `arrived` are all warps of this use of the barrier, `waiting` those that wait for
  /// it.
  void named_barrier(std::uint32_t arrived_warps, std::uint32_t waiting_warps);
  void fence(int warp, LaneMask lanes);                 // membar / fence of device scope or wider
  void grid_dependency_wait(int warp, LaneMask lanes);  // griddepcontrol.wait

  // ---- cp.async: a lane's copies land when it waits for their group, and not before
  struct AsyncCopy {
    Address destination;  // offset into the shared window
    Address source;       // generic
    std::uint32_t bytes;
    std::uint32_t source_bytes;  // the rest is filled with zeros
  };
  void issue_async_copy(int warp, int lane, const AsyncCopy& copy, std::uint32_t site);
  void commit_async_copies(int warp, LaneMask lanes);
  /// Waits until at most `pending` of the latest groups are in flight.
  void wait_async_copies(int warp, LaneMask lanes, int pending);
  /// cp.async.wait_all: of everything issued, committed or not.
  void wait_all_async_copies(int warp, LaneMask lanes);
  /// Reports copies nobody waited for.
  void exit_threads(int warp, LaneMask lanes, std::uint32_t site);

  std::uint64_t checked_accesses() const;

 private:
  struct Checker;

  Address shared_window_ = 0;
  Address local_window_ = 0;
  std::size_t local_stride_ = 0;  // from one thread's local memory to the next
  std::unique_ptr<Checker> checker_;
};

/// Tells the checker of device memory that a host-side operation (a copy, a memset) has written or read; reports a race
/// with operations of other streams that are not ordered before it.
void note_host_write(Address address, std::size_t bytes, const OperationOrder& order, const char* what);
void note_host_read(Address address, std::size_t bytes, const OperationOrder& order, const char* what);
/// Makes a new allocation known (nothing in it was written), and forgets a released one. DeviceHeap calls them.
void open_device_range(Address address, std::size_t bytes);
void close_device_range(Address address, std::size_t bytes);

}  // namespace emulator

#endif

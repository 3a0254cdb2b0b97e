#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_BLOCK_ORDER_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_BLOCK_ORDER_H

#include <cstdint>
#include <optional>

#include "memory/clocks.h"
#include "memory/epochs.h"
#include "memory/grid_waits.h"
#include "memory/lanes.h"
#include "memory/operation_order.h"
#include "memory/releases.h"

namespace emulator {

/// Which epochs of one memory are ordered before everything the block does next, as ranges: [0, settled) and
/// [own_begin, now). Epochs outside them and other than `now` must be asked about one by one.
struct Horizon {
  Epoch initialised_from;  // earlier ones do not count as written
  Epoch settled;
  Epoch own_begin;
  Epoch now;
  /// All epochs of this block run before `now` are in those ranges.
  bool has_all_own;

  bool is_past(Epoch epoch) const { return epoch < settled || (epoch >= own_begin && epoch < now); }
};

/// What is ordered before what, for the block that runs: everything CUDA promises of barriers, fences and atomics, and
/// of the operations of streams.
class BlockOrder {
 public:
  /// `before_wait`: what is ordered before the launch's start, where that is not all that is before its
  /// griddepcontrol.wait.
  void begin_launch(const OperationOrder& order, const std::optional<OperationOrder>& before_wait);
  void begin_block(std::uint32_t block, int num_threads);
  void block_barrier();
  void warp_barrier(int warp, LaneMask lanes);
  void named_barrier(std::uint32_t arrived_warps, std::uint32_t waiting_warps);
  void fence(int warp, LaneMask lanes);
  void grid_dependency_wait(int warp, LaneMask lanes) { waits_.wait(clocks_, now_, warp, lanes); }
  /// A lane's atomic on device memory.
  void atomic(Address address, int warp, int lane) { releases_.atomic(clocks_, now_, address, warp, lane); }

  std::uint32_t block() const { return owner_.block; }
  Epoch now() const { return now_; }
  const BlockClocks& clocks() const { return clocks_; }
  /// Shared memory of this block: other blocks' epochs do not occur in it.
  const Horizon& shared() const { return shared_; }
  /// As lanes of a warp see it.
  const Horizon& device(int warp, LaneMask lanes) const {
    return waits_.have_waited(warp, lanes) ? device_ : device_before_wait_;
  }

  /// Whether what is recorded of device memory or of this block's shared memory is ordered before what a lane does
  /// next.
  bool is_before(const Recorded& recorded, int warp, int lane) const;
  /// Whether it is of an operation that griddepcontrol.wait waits for.
  bool is_waited_for(Epoch epoch) const;
  const EpochOwner& owner() const { return owner_; }
  bool is_own(Epoch epoch) const { return epochs_.owner(epoch).block_run == owner_.block_run; }

 private:
  void enter(Epoch epoch);
  bool is_operation_before(const EpochOwner& earlier, int warp, int lane) const;
  bool has_waited(int warp, int lane) const;

  Epochs& epochs_ = Epochs::get();
  OperationOrder order_;
  std::optional<OperationOrder> before_wait_;
  EpochOwner owner_{};
  Epoch settled_ = kOldestEpoch, settled_before_wait_ = kOldestEpoch, begin_ = 0, now_ = 0;
  // The last epochs of this block that are numbered without a gap.
  Epoch own_begin_ = 0, own_end_ = 0;
  Horizon shared_{}, device_{}, device_before_wait_{};
  BlockClocks clocks_;
  GridWaits waits_;
  Releases releases_;
};

}  // namespace emulator

#endif

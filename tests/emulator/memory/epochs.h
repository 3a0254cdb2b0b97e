#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_EPOCHS_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_EPOCHS_H

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "memory/mapping.h"
#include "memory/operation_order.h"

namespace emulator {

/// What happens between two barriers of a block, or in one host-side operation, has one epoch. Later ones of a block
/// are greater. 0: never.
using Epoch = std::int32_t;

/// Stands for something before all launches.
constexpr Epoch kOldestEpoch = 1;

/// Whose epochs these are.
struct EpochOwner {
  std::uint32_t operation;
  std::uint32_t stream;
  std::uint32_t block_run;  // number of this run of a block, unique in the process; 0: a host-side operation
  std::uint32_t block;      // its linear index in the launch; of a host-side operation the number of its name
};

/// Hands out the epochs of the process. They are numbered on from launch to launch, so nothing that memory remembers
/// must be cleared between blocks and launches.
class Epochs {
 public:
  /// Epochs handed out at once: a block with fewer barriers asks once.
  static constexpr Epoch kChunk = 32;

  static Epochs& get();

  /// The first of kChunk epochs. A block's first chunk gives it its block_run. Fails the launch when all 2^31 epochs
  /// are used up.
  Epoch take_first(std::uint32_t operation, std::uint32_t stream, std::uint32_t block);
  Epoch take(const EpochOwner& owner);

  const EpochOwner& owner(Epoch epoch) const { return owners_[static_cast<std::uint32_t>(epoch) / kChunk]; }

  /// Makes the operation known before it takes epochs. Everything before the returned epoch is ordered before it.
  Epoch settle(const OperationOrder& order) { return settle(order, false); }
  /// The same of its start, which some of what is ordered before its end may overlap.
  Epoch settle_start(const OperationOrder& order) { return settle(order, true); }

  /// Epochs of a host-side operation called `name`, and the name of one.
  Epoch take_host(const OperationOrder& order, const std::string& name);
  std::string host_name(const EpochOwner& owner) const;

 private:
  static constexpr std::uint32_t kMaxChunks = std::uint32_t{1} << 26;

  struct Begun {
    std::uint32_t operation, stream;
    Epoch first;
  };

  Epochs();
  std::uint32_t next_chunk();
  Epoch settle(const OperationOrder& order, bool is_start);

  Mapping table_;
  EpochOwner* owners_;  // of each chunk
  std::atomic<std::uint32_t> num_chunks_{1};
  mutable std::mutex mutex_;
  std::vector<Begun> begun_;
  std::map<std::pair<std::uint32_t, bool>, std::size_t> num_settled_;  // of begun_, by stream and is_start: only grows
  std::deque<std::string> host_names_;
};

}  // namespace emulator

#endif

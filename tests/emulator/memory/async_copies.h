#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_ASYNC_COPIES_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_ASYNC_COPIES_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory/block_memory.h"
#include "memory/lanes.h"

namespace emulator {

/// The cp.async copies in flight of every thread, in the groups they were committed in.
class AsyncCopies {
 public:
  struct InFlight {
    BlockMemory::AsyncCopy copy;
    std::uint32_t site;
    std::uint64_t group;
  };

  void issue(int thread, const BlockMemory::AsyncCopy& copy, std::uint32_t site) {
    Queue& queue = of(thread);
    queue.copies.push_back({copy, site, queue.num_groups});
    has_any_ = true;
  }

  void commit(int thread) { ++of(thread).num_groups; }

  /// Takes out, oldest first, what is not in the latest `pending` groups, and calls land(copy) for each.
  template <class Land>
  void wait(int thread, std::uint64_t pending, Land&& land) {
    Queue& queue = of(thread);
    const std::uint64_t end = queue.num_groups > pending ? queue.num_groups - pending : 0;
    take(queue, end, land);
  }

  /// Takes out all, committed or not.
  template <class Land>
  void wait_all(int thread, Land&& land) {
    take(of(thread), of(thread).num_groups + 1, land);
  }

  /// Whether any was issued since forget_all.
  bool has_any() const { return has_any_; }
  void forget_all() {
    if (!has_any_) return;
    for (Queue& queue : queues_) {
      queue.copies.clear();
      queue.num_groups = 0;
    }
    has_any_ = false;
  }

 private:
  struct Queue {
    std::vector<InFlight> copies;
    std::uint64_t num_groups = 0;  // committed; the number of the open one
  };

  Queue& of(int thread) { return queues_[static_cast<std::size_t>(thread)]; }

  template <class Land>
  static void take(Queue& queue, std::uint64_t end_group, Land&& land) {
    std::size_t taken = 0;
    for (; taken < queue.copies.size() && queue.copies[taken].group < end_group; ++taken) land(queue.copies[taken]);
    queue.copies.erase(queue.copies.begin(), queue.copies.begin() + static_cast<std::ptrdiff_t>(taken));
  }

  std::array<Queue, kMaxThreads> queues_;
  bool has_any_ = false;
};

}  // namespace emulator

#endif

#ifndef ARLOSS_KERNELS_TILE_GRID_JOIN_CUH
#define ARLOSS_KERNELS_TILE_GRID_JOIN_CUH

#include <cstdint>
#include <cub/block/block_reduce.cuh>

#include "kernels/tile/join_buffers.h"

namespace arloss::kernels {

struct Sum {
  template <class Number>
  __device__ Number operator()(Number a, Number b) const {
    return a + b;
  }
};

/// Joins what every thread of several blocks found into one result, the same bits in every run.
/// Order: threads of a block by CUB's fixed tree, in Partial; the blocks' slots by index, thread t of the last block
/// taking slots t, t + kThreads, ..., then again one tree, in Total. Which block is last decides who adds, never what.
/// A default Total is neutral. No atomics but the ticket.
template <int kThreads, class Partial, class Total, class Join>
class GridJoin {
  using PartialReduce = cub::BlockReduce<Partial, kThreads>;
  using TotalReduce = cub::BlockReduce<Total, kThreads>;

 public:
  using Buffers = JoinBuffers<Partial, Total>;

  struct SharedStorage {
    union {
      typename PartialReduce::TempStorage partial;
      typename TotalReduce::TempStorage total;
    };
    bool is_last;
  };

  /// All threads of blocks 0 .. num_blocks - 1 call it once, with their own `block`.
  __device__ static void run(Partial mine, const Buffers& buffers, std::uint32_t block, std::uint32_t num_blocks,
                             SharedStorage& storage) {
    const Partial partial = PartialReduce(storage.partial).Reduce(mine, Join{});
    if (threadIdx.x == 0) {
      buffers.slots[block] = partial;
      storage.is_last = take_ticket(buffers.tickets, num_blocks);
    }
    // is_last and the other blocks' slots before their reads, and the partial tree before the union's next use.
    __syncthreads();
    if (!storage.is_last) return;
    Total total{};
    for (std::uint32_t slot = threadIdx.x; slot < num_blocks; slot += kThreads)
      total = Join{}(total, static_cast<Total>(buffers.slots[slot]));
    total = TotalReduce(storage.total).Reduce(total, Join{});
    if (threadIdx.x == 0) *buffers.totals = total;
  }

 private:
  /// True for the last of num_blocks to come. The fences put this block's slot before its ticket, and the other blocks'
  /// tickets before the reads of their slots.
  __device__ static bool take_ticket(std::uint32_t* ticket, std::uint32_t num_blocks) {
    __threadfence();
    const bool is_last = atomicInc(ticket, num_blocks - 1) == num_blocks - 1;  // wraps to 0 by itself
    __threadfence();
    return is_last;
  }
};

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_TILE_JOIN_BUFFERS_H
#define ARLOSS_KERNELS_TILE_JOIN_BUFFERS_H

#include <cstdint>

#include "math/host_device.h"

namespace arloss::kernels {

/// Where the blocks of a grid leave their partial results and the last of them their total (tile/grid_join.cuh). All in
/// device memory, one or more sets of them.
template <class Partial, class Total>
struct JoinBuffers {
  Partial* slots;          // [sets][blocks of a set]; scratch
  std::uint32_t* tickets;  // [sets]; 0 before a launch, and 0 again after it: a replayed graph needs no memset
  Total* totals;           // [sets]

  ARLOSS_HOST_DEVICE JoinBuffers set(std::int64_t index, std::int64_t blocks) const {
    return {slots + index * blocks, tickets + index, totals + index};
  }
};

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_BENCH_MEASURED_DEVICE_H
#define ARLOSS_BENCH_MEASURED_DEVICE_H

#include <cstddef>

#include "cuda/queried_device.h"
#include "replay_graph.h"

namespace bench {

/// How much the probes do.
struct ProbeSize {
  std::size_t copy_bytes;
  int instruction_steps;
  Replays replays;
};

DeviceFacts measure_device(const ProbeSize& size);

/// Device to device, by a kernel; bytes is a multiple of 16, both pointers are aligned to it.
void copy_by_kernel(void* to, const void* from, std::size_t bytes, cudaStream_t stream);

}  // namespace bench

#endif

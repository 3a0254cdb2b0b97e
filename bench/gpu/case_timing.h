#ifndef ARLOSS_BENCH_CASE_TIMING_H
#define ARLOSS_BENCH_CASE_TIMING_H

#include <cstddef>
#include <string>
#include <vector>

#include "replay_graph.h"
#include "workloads.h"

namespace bench {

/// How a case is timed.
struct TimingSettings {
  Replays replays;
  std::size_t flush_bytes;  // read before each replay, so that it finds nothing in the caches
};

/// What one launch adds to the time of the launches before it.
struct LaunchTiming {
  std::string name;
  double microseconds;
};

/// Microseconds of a call by replays of a CUDA graph.
struct CaseTiming {
  Timing forward_backward, forward, backward;
  /// Device to device, 1.5 times the logits' bytes, which makes 3 times of reads and writes: as much as reading the
  /// logits twice and writing the gradient. By cudaMemcpyAsync and by a kernel.
  Timing memcpy, copy_kernel;
  std::vector<LaunchTiming> launches;  // of loss and gradient: they add up to its median
  std::size_t state_bytes = 0, workspace_bytes = 0;
  float loss = 0;

  double copy_microseconds() const { return memcpy.median < copy_kernel.median ? memcpy.median : copy_kernel.median; }
  /// Time of loss and gradient over that of the faster copy.
  double ratio() const { return forward_backward.median / copy_microseconds(); }
};

/// Throws Unsupported with the library's reason where it has no plan for the case, std::runtime_error for everything
/// else that goes wrong, a loss that is not finite included.
CaseTiming time_case(const Case& timed, const HostBatch& batch, const TimingSettings& settings);

}  // namespace bench

#endif

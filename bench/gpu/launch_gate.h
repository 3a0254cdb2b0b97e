#ifndef ARLOSS_BENCH_LAUNCH_GATE_H
#define ARLOSS_BENCH_LAUNCH_GATE_H

#include <string>
#include <vector>

namespace bench {

/// While one lives, the first `limit` kernel launches and memsets that this thread asks of the shared CUDA runtime are
/// made; the others report success and do nothing. So the head of a call of the library can be captured and timed,
/// without a profiler, which a rented machine may not allow.
class LaunchGate {
 public:
  explicit LaunchGate(int limit);
  ~LaunchGate();
  LaunchGate(const LaunchGate&) = delete;
  LaunchGate& operator=(const LaunchGate&) = delete;

  /// `kernel` is what launches name a kernel by, NULL for a memset.
  bool admits(const void* kernel);
  /// What was asked for, whether it was made or not: "pool_kernel<unsigned char>", "memset".
  std::vector<std::string> names() const;

 private:
  std::size_t limit_;
  std::vector<const void*> kernels_;
};

}  // namespace bench

#endif

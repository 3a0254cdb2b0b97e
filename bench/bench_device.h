#ifndef ARLOSS_BENCH_BENCH_DEVICE_H
#define ARLOSS_BENCH_BENCH_DEVICE_H

#include <functional>
#include <memory>
#include <string>

#include "call_memory.h"

namespace bench {

/// Seconds of what a call puts on its device's stream.
using DeviceClock = std::function<double(const std::function<void()>& call)>;

/// Where calls run, and where the memory lies that they read and write.
class BenchDevice {
 public:
  virtual ~BenchDevice() = default;

  virtual arloss_device_t type() const = 0;
  /// For a person.
  virtual std::string name() const = 0;
  /// What calls put their work on.
  virtual arloss_stream_t stream() const = 0;
  /// By the device's own clock, its caches flushed before; empty on the host, which Google Benchmark times.
  virtual DeviceClock clock() = 0;

  /// Not written.
  virtual std::unique_ptr<CallMemory> allocate(std::size_t bytes) const = 0;
  /// What the host has at `from`, and keeps there: on the host it is the same memory.
  virtual std::unique_ptr<CallMemory> hold(const void* from, std::size_t bytes) const = 0;
  /// That can still be allocated.
  virtual double available_bytes() const = 0;
  /// How many times calls want so many bytes, to take in turn, that none finds its own in a cache.
  virtual std::size_t copies(std::size_t bytes) const = 0;
};

BenchDevice& host_device();

/// The current CUDA device; NULL where there is none or the library was built without CUDA. Under a smoke test its
/// caches count as small, since an emulator flushes them.
#ifdef ARLOSS_BENCH_CUDA
std::unique_ptr<BenchDevice> make_cuda_device(bool is_smoke);
#else
inline std::unique_ptr<BenchDevice> make_cuda_device(bool) { return nullptr; }
#endif

}  // namespace bench

#endif

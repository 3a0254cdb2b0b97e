#ifndef ARLOSS_BENCH_CALL_MEMORY_H
#define ARLOSS_BENCH_CALL_MEMORY_H

#include <cstddef>
#include <memory>

#include "arloss/arloss.h"

namespace bench {

/// Memory that the calls of a device read and write, the host's or the device's own.
class CallMemory {
 public:
  virtual ~CallMemory() = default;

  virtual std::size_t bytes() const = 0;
  /// For the device's calls.
  virtual void* data() const = 0;
  /// For the host to read, as the calls so far have left it.
  virtual std::shared_ptr<const char> read() const = 0;
  /// All of it, from the host.
  virtual void write(const void* from) = 0;
  /// All of it, from the same device.
  virtual void copy(const CallMemory& from) = 0;
  /// Sets every bit: NaN in each floating-point type.
  virtual void poison() = 0;
};

/// Are its numbers, float32 or bfloat16, all finite, and not zeros throughout?
bool holds_results(const CallMemory& memory, arloss_dtype_t dtype);

}  // namespace bench

#endif

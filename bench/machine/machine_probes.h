#ifndef ARLOSS_BENCH_MACHINE_PROBES_H
#define ARLOSS_BENCH_MACHINE_PROBES_H

#include <cstddef>
#include <memory>

#include "timed_call.h"

namespace bench {

class BenchDevice;

/// Memory that no cache holds: four times the largest.
std::size_t bytes_beyond_caches();

/// memcpy of `bytes` by all threads. Copies go through `spread` bytes and as many more before they come back to the
/// first. Its cost counts bytes read and bytes written.
std::unique_ptr<TimedCall> make_memory_copy(std::size_t bytes, std::size_t spread, double items, int num_threads);

/// A copy of `bytes` from one place on the device to another. Its cost counts bytes read and bytes written.
std::unique_ptr<TimedCall> make_device_copy(const BenchDevice& device, std::size_t bytes, double items);

/// Multiply-adds in registers, on every thread: the most floating-point operations a second there are.
std::unique_ptr<TimedCall> make_multiply_add(int num_threads);

}  // namespace bench

#endif

#ifndef ARLOSS_BENCH_MACHINE_PROBES_H
#define ARLOSS_BENCH_MACHINE_PROBES_H

#include <cstddef>
#include <memory>

#include "timed_call.h"

namespace bench {

/// memcpy of `bytes` by all threads, from and to memory that no cache holds. Its cost counts bytes read and bytes
/// written.
std::unique_ptr<TimedCall> make_memory_copy(std::size_t bytes, double items, int num_threads);

/// Multiply-adds in registers, on every thread: the most floating-point operations a second there are.
std::unique_ptr<TimedCall> make_multiply_add(int num_threads);

}  // namespace bench

#endif

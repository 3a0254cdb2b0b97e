#ifndef ARLOSS_CPU_PARALLEL_H
#define ARLOSS_CPU_PARALLEL_H

#include <omp.h>

#include <atomic>
#include <cstdint>

namespace arloss::cpu {

/// Runs body(task, thread) for every task; thread < num_threads names the scratch a task may use. Which thread runs a
/// task, and how many there are, changes no bit: tasks are fixed by the plan and write only what is theirs.
template <class Body>
void parallel_for(int num_threads, std::int64_t num_tasks, const Body& body) {
  if (num_threads == 1 || num_tasks == 1) {
    for (std::int64_t task = 0; task < num_tasks; ++task) body(task, 0);
    return;
  }
#pragma omp parallel for num_threads(num_threads) schedule(dynamic)
  for (std::int64_t task = 0; task < num_tasks; ++task) body(task, omp_get_thread_num());
}

/// Lowers `lowest` to `value` if that is smaller; the result does not depend on the order of calls.
inline void lower(std::atomic<std::int64_t>& lowest, std::int64_t value) {
  std::int64_t seen = lowest.load(std::memory_order_relaxed);
  while (value < seen && !lowest.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

}  // namespace arloss::cpu

#endif

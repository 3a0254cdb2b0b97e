#include "machine/machine.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "machine/block.h"
#include "machine/schedule.h"
#include "program/loader.h"
#include "ptx/syntax.h"
#include "report.h"
#include "settings.h"

namespace emulator {
namespace {

struct Machine {
  std::mutex mutex;  // one launch at a time: kernels of several streams are interleaved by the order they are run in
  std::vector<std::unique_ptr<Block>> workers;
  std::uint64_t launches = 0, threads = 0;
};

Machine& machine() {
  static auto* const made = new Machine;
  return *made;
}

LaunchMemory memory_of(const Launch& launch, std::size_t num_workers) {
  LaunchMemory memory;
  memory.shared = launch.kernel->shared;
  memory.shared.push_back({"dynamic shared memory", launch.kernel->dynamic_shared_offset, launch.dynamic_shared_bytes});
  memory.local_bytes = (launch.kernel->facts.local_bytes + 15) / 16 * 16;
  memory.order = launch.order;
  memory.before_wait = launch.before_wait;
  memory.is_parallel = num_workers > 1;
  const std::size_t end = launch.kernel->dynamic_shared_offset + launch.dynamic_shared_bytes;
  if (end + BlockMemory::kSharedGap > BlockMemory::kSharedWindow)
    fail_launch(Kind::kSharedLimit, launch.kernel->name + " needs " + std::to_string(end) + " bytes of shared memory");
  return memory;
}

// Atomics in device memory carry order from one block to another, which is followed for blocks that run one by one.
std::size_t num_workers(const Function& kernel, std::uint32_t num_blocks) {
  if (kernel.has_global_atomics) return 1;
  const int wanted = settings().threads;
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  return std::min<std::size_t>(wanted == 0 ? cores : static_cast<std::size_t>(wanted), num_blocks);
}

/// Hands out the blocks of a launch to workers, and keeps the first failure.
class BlockQueue {
 public:
  explicit BlockQueue(std::vector<std::uint32_t> order) : order_(std::move(order)) {}

  void run_on(Block& worker) {
    while (!has_failed_) {
      const std::size_t next = next_++;
      if (next >= order_.size()) return;
      try {
        worker.run(order_[next]);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!has_failed_.exchange(true)) failure_ = std::current_exception();
      }
    }
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::vector<std::uint32_t> order_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> has_failed_{false};
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace

std::shared_ptr<Program> load_program(const std::string& ptx) { return load_module(ptx::parse(ptx)); }

const Function* find_kernel(const Program& program, const std::string& name) {
  const auto found = program.functions.find(name);
  return found != program.functions.end() && found->second->is_entry ? found->second.get() : nullptr;
}

DeviceVariable find_variable(const Program& program, const std::string& name) {
  const auto found = program.variables.find(name);
  return found == program.variables.end() ? DeviceVariable{0, 0} : found->second;
}

KernelFacts kernel_facts(const Function& kernel) { return kernel.facts; }

void run_launch(const Launch& launch) {
  Machine& runs = machine();
  const std::lock_guard<std::mutex> lock(runs.mutex);
  const std::uint32_t num_blocks = launch.grid.x * launch.grid.y * launch.grid.z;
  const std::size_t workers = num_workers(*launch.kernel, num_blocks);
  const LaunchMemory memory = memory_of(launch, workers);
  while (runs.workers.size() < workers) runs.workers.push_back(std::make_unique<Block>());
  for (std::size_t k = 0; k < workers; ++k) runs.workers[k]->begin_launch(launch, memory, launch.parameters.data());
  BlockQueue queue(block_order(settings().seed, num_blocks));
  std::vector<std::thread> threads;
  for (std::size_t k = 1; k < workers; ++k) threads.emplace_back([&, k] { queue.run_on(*runs.workers[k]); });
  queue.run_on(*runs.workers[0]);
  for (std::thread& thread : threads) thread.join();
  for (std::size_t k = 0; k < workers; ++k) runs.workers[k]->end_launch();
  ++runs.launches;
  runs.threads += std::uint64_t{num_blocks} * launch.block.x * launch.block.y * launch.block.z;
  queue.rethrow();
}

Statistics machine_statistics() {
  Machine& runs = machine();
  const std::lock_guard<std::mutex> lock(runs.mutex);
  Statistics sum{};
  sum.launches = runs.launches;
  sum.threads = runs.threads;
  for (const auto& worker : runs.workers) {
    sum.blocks += worker->blocks_run;
    sum.instructions += worker->executed();
    sum.checked_accesses += worker->memory.checked_accesses();
    sum.barriers += worker->barriers_met;
    sum.warp_collectives += worker->collectives_met;
  }
  return sum;
}

}  // namespace emulator

#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <cstring>

#include "machine_probes.h"
#include "shared_memory.h"

namespace bench {
namespace {

class MemoryCopy final : public TimedCall {
 public:
  MemoryCopy(std::size_t bytes, std::size_t spread, double items, int num_threads)
      : bytes_(bytes), slots_(std::max<std::size_t>(spread / bytes, 1)), items_(items), num_threads_(num_threads) {
    from();
  }
  void check() override { poison(); }
  void poison() override {
    std::fill_n(from(), slots_ * bytes_, char{1});
    std::fill_n(to(), slots_ * bytes_, char{0});
  }
  void run() override {
    slot_ = (slot_ + 1) % slots_;
    const char* const source = from() + slot_ * bytes_;
    char* const target = to() + slot_ * bytes_;
#pragma omp parallel num_threads(num_threads_)
    {
      const auto thread = static_cast<std::size_t>(omp_get_thread_num());
      const auto threads = static_cast<std::size_t>(omp_get_num_threads());
      const std::size_t begin = bytes_ * thread / threads, end = bytes_ * (thread + 1) / threads;
      std::memcpy(target + begin, source + begin, end - begin);
    }
  }
  bool has_worked() const override {
    const char* const last = to() + slot_ * bytes_;
    return std::find(last, last + bytes_, char{0}) == last + bytes_;
  }
  CallCost cost() const override { return {items_, 2 * static_cast<double>(bytes_), 0, 0}; }

 private:
  char* from() const { return shared_memory(2 * slots_ * bytes_); }
  char* to() const { return from() + slots_ * bytes_; }

  std::size_t bytes_, slots_, slot_ = 0;
  double items_;
  int num_threads_;
};

}  // namespace

std::size_t bytes_beyond_caches() {
  std::size_t largest = std::size_t{32} << 20;  // where the system does not say
  for (const benchmark::CPUInfo::CacheInfo& cache : benchmark::CPUInfo::Get().caches)
    largest = std::max(largest, static_cast<std::size_t>(cache.size));
  return 4 * largest;
}

std::unique_ptr<TimedCall> make_memory_copy(std::size_t bytes, std::size_t spread, double items, int num_threads) {
  return std::make_unique<MemoryCopy>(bytes, spread, items, num_threads);
}

}  // namespace bench

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "aligned_memory.h"
#include "machine_probes.h"

namespace bench {
namespace {

/// Successive copies go through this much memory before they come back: eight times a third cache of 32 MiB.
constexpr std::size_t kBeyondCaches = std::size_t{256} << 20;

class MemoryCopy final : public TimedCall {
 public:
  MemoryCopy(std::size_t bytes, double items, int num_threads)
      : bytes_(bytes),
        slots_(std::max<std::size_t>(kBeyondCaches / bytes, 1)),
        items_(items),
        num_threads_(num_threads),
        from_(slots_ * bytes),
        to_(slots_ * bytes) {}
  void check() override { std::fill(from_.begin(), from_.end(), char{1}); }
  void poison() override { std::fill(to_.begin(), to_.end(), char{0}); }
  void run() override {
    slot_ = (slot_ + 1) % slots_;
    const char* const from = from_.data() + slot_ * bytes_;
    char* const to = to_.data() + slot_ * bytes_;
#pragma omp parallel num_threads(num_threads_)
    {
      const auto thread = static_cast<std::size_t>(omp_get_thread_num());
      const auto threads = static_cast<std::size_t>(omp_get_num_threads());
      const std::size_t begin = bytes_ * thread / threads, end = bytes_ * (thread + 1) / threads;
      std::memcpy(to + begin, from + begin, end - begin);
    }
  }
  bool has_worked() const override {
    const char* const last = to_.data() + slot_ * bytes_;
    return std::find(last, last + bytes_, char{0}) == last + bytes_;
  }
  CallCost cost() const override { return {items_, 2 * static_cast<double>(bytes_), 0, 0}; }

 private:
  std::size_t bytes_, slots_, slot_ = 0;
  double items_;
  int num_threads_;
  AlignedMemory<char> from_, to_;
};

}  // namespace

std::unique_ptr<TimedCall> make_memory_copy(std::size_t bytes, double items, int num_threads) {
  return std::make_unique<MemoryCopy>(bytes, items, num_threads);
}

}  // namespace bench

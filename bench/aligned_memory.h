#ifndef ARLOSS_BENCH_ALIGNED_MEMORY_H
#define ARLOSS_BENCH_ALIGNED_MEMORY_H

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace bench {

/// Memory for `count` elements on cache lines, not written.
template <typename T>
class AlignedMemory {
 public:
  AlignedMemory() = default;
  explicit AlignedMemory(std::size_t count) : count_(count) {
    constexpr std::size_t kLine = 64;
    memory_.reset(static_cast<T*>(std::aligned_alloc(kLine, (count * sizeof(T) + kLine) / kLine * kLine)));
    if (!memory_) throw std::bad_alloc();
  }
  T* data() const { return memory_.get(); }
  std::size_t size() const { return count_; }
  std::size_t bytes() const { return count_ * sizeof(T); }
  T& operator[](std::size_t index) const { return memory_.get()[index]; }
  T* begin() const { return data(); }
  T* end() const { return data() + count_; }

 private:
  struct Free {
    void operator()(T* memory) const { std::free(memory); }
  };
  std::unique_ptr<T, Free> memory_;
  std::size_t count_ = 0;
};

}  // namespace bench

#endif

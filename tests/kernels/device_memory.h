#ifndef ARLOSS_TESTS_DEVICE_MEMORY_H
#define ARLOSS_TESTS_DEVICE_MEMORY_H

#include <cuda_runtime.h>

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace kernel_tests {

/// Throws std::runtime_error with the CUDA error's name.
inline void check(cudaError_t status) {
  if (status != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorName(status));
}

/// Device memory of `bytes` bytes.
class DeviceMemory {
 public:
  explicit DeviceMemory(std::size_t bytes) { check(cudaMalloc(&data_, bytes)); }
  ~DeviceMemory() { cudaFree(data_); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  unsigned char* data() const { return static_cast<unsigned char*>(data_); }

 private:
  void* data_ = nullptr;
};

/// What a kernel reads: exactly its bytes, so that whoever checks accesses finds each one beside it.
template <class T>
class DeviceInput {
 public:
  explicit DeviceInput(const std::vector<T>& values) : memory_(values.size() * sizeof(T)) {
    check(cudaMemcpy(memory_.data(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  }
  const T* data() const { return reinterpret_cast<const T*>(memory_.data()); }

 private:
  DeviceMemory memory_;
};

/// What a kernel writes: `count` elements, every byte kPoison (a NaN in floats), between guard bands: NaNs too, for
/// whoever reads past the end, but not the poison, nor what a kernel would write.
template <class T>
class DeviceOutput {
 public:
  static constexpr unsigned char kPoison = 0xff;

  explicit DeviceOutput(std::size_t count) : count_(count), memory_(2 * kGuard + count * sizeof(T)) {
    for (unsigned char* const guard : {memory_.data(), memory_.data() + kGuard + count * sizeof(T)})
      check(cudaMemcpy(guard, guard_band().data(), kGuard, cudaMemcpyHostToDevice));
    fill(kPoison);
  }
  T* data() const { return reinterpret_cast<T*>(memory_.data() + kGuard); }
  void fill(unsigned char byte) { check(cudaMemset(data(), byte, count_ * sizeof(T))); }

  std::vector<T> read() const {
    std::vector<T> values(count_);
    check(cudaMemcpy(values.data(), data(), count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }
  std::vector<unsigned char> bytes() const {
    const std::vector<T> values = read();
    std::vector<unsigned char> bytes(count_ * sizeof(T));
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  bool guards_are_intact() const {
    std::vector<unsigned char> band(kGuard);
    for (const unsigned char* const guard : {memory_.data(), memory_.data() + kGuard + count_ * sizeof(T)}) {
      check(cudaMemcpy(band.data(), guard, kGuard, cudaMemcpyDeviceToHost));
      if (band != guard_band()) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kGuard = 256;  // keeps the alignment of cudaMalloc

  static std::vector<unsigned char> guard_band() {
    std::vector<unsigned char> band(kGuard, 0xff);
    for (std::size_t i = 0; i < kGuard; i += 2) band[i] = 0xfd;  // 0xfffd: a NaN in halves, floats and doubles
    return band;
  }

  std::size_t count_;
  DeviceMemory memory_;
};

}  // namespace kernel_tests

#endif

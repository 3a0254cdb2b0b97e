#ifndef ARLOSS_TESTS_DEVICE_MEMORY_H
#define ARLOSS_TESTS_DEVICE_MEMORY_H

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace support {

/// Throws std::runtime_error with the CUDA error's name.
inline void check(cudaError_t status) {
  if (status != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorName(status));
}

/// Device memory of `bytes` bytes; NULL where that is 0.
class DeviceMemory {
 public:
  explicit DeviceMemory(std::size_t bytes) {
    if (bytes > 0) check(cudaMalloc(&data_, bytes));
  }
  ~DeviceMemory() { cudaFree(data_); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  unsigned char* data() const { return static_cast<unsigned char*>(data_); }

 private:
  void* data_ = nullptr;
};

/// What a kernel reads: exactly its bytes, so that whoever checks accesses finds each one beside it, `remainder` bytes
/// past the alignment of cudaMalloc.
template <class T>
class DeviceInput {
 public:
  explicit DeviceInput(const std::vector<T>& values, std::size_t remainder = 0)
      : count_(values.size()), remainder_(remainder), memory_(remainder + values.size() * sizeof(T)) {
    assign(values);
  }
  /// NULL where it is empty.
  const T* data() const { return count_ == 0 ? nullptr : begin(); }
  /// `values` are as many as before.
  void assign(const std::vector<T>& values) {
    if (count_ > 0) check(cudaMemcpy(begin(), values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    if (count_ > 0) check(cudaMemcpy(values.data(), begin(), count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  T* begin() const { return reinterpret_cast<T*>(memory_.data() + remainder_); }

  std::size_t count_, remainder_;
  DeviceMemory memory_;
};

/// What a kernel writes: `count` elements, `remainder` bytes past the alignment of cudaMalloc, every byte kPoison (a
/// NaN in floats), between guard bands: NaNs too, for whoever reads past the end, but not the poison, nor what a kernel
/// would write.
template <class T>
class DeviceOutput {
 public:
  static constexpr unsigned char kPoison = 0xff;

  explicit DeviceOutput(std::size_t count, std::size_t remainder = 0)
      : count_(count), front_(kGuard + remainder), memory_(front_ + count * sizeof(T) + kGuard) {
    for (const Band& band : bands())
      check(cudaMemcpy(band.data, pattern(band.bytes).data(), band.bytes, cudaMemcpyHostToDevice));
    fill(kPoison);
  }
  T* data() const { return reinterpret_cast<T*>(memory_.data() + front_); }
  std::size_t count() const { return count_; }
  void fill(unsigned char byte) { check(cudaMemset(data(), byte, count_ * sizeof(T))); }
  /// The first of the elements.
  void assign(const std::vector<T>& values) {
    check(cudaMemcpy(data(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  }

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
    for (const Band& band : bands()) {
      std::vector<unsigned char> found(band.bytes);
      check(cudaMemcpy(found.data(), band.data, band.bytes, cudaMemcpyDeviceToHost));
      if (found != pattern(band.bytes)) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kGuard = 256;  // keeps the alignment of cudaMalloc

  struct Band {
    unsigned char* data;
    std::size_t bytes;
  };
  std::array<Band, 2> bands() const {
    return {Band{memory_.data(), front_}, Band{memory_.data() + front_ + count_ * sizeof(T), kGuard}};
  }
  static std::vector<unsigned char> pattern(std::size_t bytes) {
    std::vector<unsigned char> band(bytes, 0xff);
    for (std::size_t i = 0; i < bytes; i += 2) band[i] = 0xfd;  // 0xfffd: a NaN in halves, floats and doubles
    return band;
  }

  std::size_t count_, front_;
  DeviceMemory memory_;
};

}  // namespace support

#endif

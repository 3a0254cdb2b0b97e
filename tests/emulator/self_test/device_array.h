#ifndef ARLOSS_TESTS_EMULATOR_SELF_TEST_DEVICE_ARRAY_H
#define ARLOSS_TESTS_EMULATOR_SELF_TEST_DEVICE_ARRAY_H

#include <cuda_runtime.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace emulator {

/// Throws std::runtime_error with `what` and the error's name, unless the call succeeded.
inline void require_success(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorName(error));
}

/// Device memory for values of a trivially copyable type, released at the end of its life.
template <class T>
class DeviceArray {
 public:
  /// Nothing in it is written.
  explicit DeviceArray(std::size_t count) : count_(count) {
    require_success(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(T)), "cudaMalloc");
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    const auto error = cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice);
    require_success(error, "cudaMemcpy to the device");
  }
  /// Zeros.
  static DeviceArray zeros(std::size_t count) { return DeviceArray(std::vector<T>(count)); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() { cudaFree(data_); }

  T* data() const { return data_; }
  std::size_t size() const { return count_; }

  /// A copy of all values, after everything launched before it. Throws for a kernel that failed, too.
  std::vector<T> read() const {
    std::vector<T> values(count_);
    const auto error = cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost);
    require_success(error, "cudaMemcpy from the device");
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t count_;
};

/// Launches and waits. Throws for a launch that was refused and for a kernel that failed.
template <class... Parameters, class... Arguments>
void run_kernel(void (*kernel)(Parameters...), unsigned grid, unsigned block, Arguments... arguments) {
  kernel<<<grid, block>>>(static_cast<Parameters>(arguments)...);
  require_success(cudaGetLastError(), "launch");
  require_success(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
}

}  // namespace emulator

#endif

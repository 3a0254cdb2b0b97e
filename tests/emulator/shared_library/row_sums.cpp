// A library built as libarloss.so is: kernels for every architecture, their PTX compressed, hidden but for its C calls,
// linked to the shared CUDA runtime.
#include "row_sums.h"

#include <cuda_runtime_api.h>

#include <cstddef>

#include "kernels/reduce/reduce_launch.h"

namespace {

/// Device memory of one call.
class Scratch {
 public:
  ~Scratch() { cudaFree(memory_); }
  cudaError_t reserve(std::size_t bytes) { return cudaMalloc(&memory_, bytes); }
  template <class T>
  T* at(std::size_t offset) const {
    return reinterpret_cast<T*>(static_cast<char*>(memory_) + offset);
  }

 private:
  void* memory_ = nullptr;
};

std::size_t align(std::size_t bytes) { return (bytes + 15) / 16 * 16; }

}  // namespace

extern "C" __attribute__((visibility("default"))) int row_sums(const float* values, std::int64_t rows,
                                                               std::int64_t row_length, double* totals) {
  const auto num_rows = static_cast<std::size_t>(rows);
  const std::size_t value_bytes = num_rows * static_cast<std::size_t>(row_length) * sizeof(float);
  const std::size_t slot_bytes =
      num_rows * static_cast<std::size_t>(arloss::kernels::reduce_blocks(row_length)) * sizeof(float);
  const std::size_t slots = align(value_bytes), tickets = slots + align(slot_bytes);
  const std::size_t sums = tickets + align(num_rows * sizeof(std::uint32_t));
  Scratch scratch;
  cudaError_t error = scratch.reserve(sums + num_rows * sizeof(double));
  if (error == cudaSuccess) error = cudaMemcpy(scratch.at<float>(0), values, value_bytes, cudaMemcpyHostToDevice);
  if (error == cudaSuccess) error = cudaMemset(scratch.at<std::uint32_t>(tickets), 0, num_rows * sizeof(std::uint32_t));
  if (error != cudaSuccess) return error;
  const arloss::kernels::ReduceParams params{
      scratch.at<float>(0),
      rows,
      row_length,
      {scratch.at<float>(slots), scratch.at<std::uint32_t>(tickets), scratch.at<double>(sums)}};
  arloss::kernels::LaunchStream stream(nullptr);
  error = arloss::kernels::launch_reduce(params, stream);
  if (error != cudaSuccess) return error;
  return cudaMemcpy(totals, scratch.at<double>(sums), num_rows * sizeof(double), cudaMemcpyDeviceToHost);
}

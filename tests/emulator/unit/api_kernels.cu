#include "unit/api_kernels.h"

namespace emulator {
namespace {

__device__ int device_numbers[4];
__constant__ int constant_numbers[2] = {5, 7};

constexpr int kThreads = 64;

__global__ void add_value_to(int* data, int count, int value) {
  for (int i = static_cast<int>(threadIdx.x); i < count; i += kThreads) data[i] += value;
}

__global__ void copy_ints_of(const int* from, int* to, int count) {
  for (int i = static_cast<int>(threadIdx.x); i < count; i += kThreads) to[i] = from[i];
}

/// Uses what would otherwise be left out: the static shared memory and the variables.
__global__ void __launch_bounds__(128) bounded() {
  __shared__ int numbers[256];
  for (int i = static_cast<int>(threadIdx.x); i < 256; i += static_cast<int>(blockDim.x)) numbers[i] = i;
  __syncthreads();
  if (threadIdx.x == 0) device_numbers[0] = numbers[255] + constant_numbers[1];
}

}  // namespace

void add_value(int* data, int count, int value, cudaStream_t stream) {
  add_value_to<<<1, kThreads, 0, stream>>>(data, count, value);
}

void copy_ints(const int* from, int* to, int count, cudaStream_t stream) {
  copy_ints_of<<<1, kThreads, 0, stream>>>(from, to, count);
}

const void* add_value_kernel() { return reinterpret_cast<const void*>(add_value_to); }
const void* bounded_kernel() { return reinterpret_cast<const void*>(bounded); }
const void* device_symbol() { return device_numbers; }
const void* constant_symbol() { return constant_numbers; }

}  // namespace emulator

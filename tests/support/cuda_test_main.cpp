// main of the test programs that launch kernels: without a device they are skipped as a whole, and say why.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdio>

namespace {

constexpr int kSkipped = 77;  // what CTest is told to take for a skip

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  int num_devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&num_devices);
  if (error != cudaSuccess || num_devices == 0) {
    std::printf("skipped, there is no CUDA device: %s (%s)\n", cudaGetErrorName(error), cudaGetErrorString(error));
    return kSkipped;
  }
  return RUN_ALL_TESTS();
}

#include "queried_device.h"

#include <fstream>

#include "cuda_stream.h"

namespace bench {
namespace {

/// The first line of what the driver says of itself; empty where it says nothing.
std::string driver_line() {
  std::ifstream file("/proc/driver/nvidia/version");
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

int multiprocessors() {
  int device = 0, count = 0;
  check(cudaGetDevice(&device));
  check(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device));
  return count;
}

bool has_device(std::string& reason) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  reason = error != cudaSuccess ? cudaGetErrorString(error) : "none found";
  return error == cudaSuccess && count > 0;
}

DeviceFacts query_device() {
  int device = 0;
  cudaDeviceProp properties;
  check(cudaGetDevice(&device));
  check(cudaGetDeviceProperties(&properties, device));
  const auto attribute = [&](cudaDeviceAttr which) {
    int value = 0;
    check(cudaDeviceGetAttribute(&value, which, device));
    return value;
  };
  DeviceFacts facts;
  facts.name = properties.name;
  facts.major = properties.major;
  facts.minor = properties.minor;
  facts.multiprocessors = properties.multiProcessorCount;
  facts.clock_mhz = 1e-3 * attribute(cudaDevAttrClockRate);  // it gives kHz
  facts.memory_clock_mhz = 1e-3 * attribute(cudaDevAttrMemoryClockRate);
  facts.memory_bus_bits = attribute(cudaDevAttrGlobalMemoryBusWidth);
  facts.memory_bytes = properties.totalGlobalMem;
  facts.l2_bytes = static_cast<std::size_t>(properties.l2CacheSize);
  facts.shared_bytes_per_multiprocessor = properties.sharedMemPerMultiprocessor;
  facts.driver = driver_line();
  check(cudaDriverGetVersion(&facts.driver_cuda_version));
  check(cudaRuntimeGetVersion(&facts.runtime_cuda_version));
  return facts;
}

}  // namespace bench

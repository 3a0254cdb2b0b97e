#ifndef ARLOSS_BENCH_QUERIED_DEVICE_H
#define ARLOSS_BENCH_QUERIED_DEVICE_H

#include <cstddef>
#include <string>

namespace bench {

/// What the device says of itself, and what it is measured to do. Rates are 0 where they were not measured.
struct DeviceFacts {
  std::string name;
  int major, minor, multiprocessors;
  double clock_mhz, memory_clock_mhz;
  int memory_bus_bits;
  std::size_t memory_bytes, l2_bytes, shared_bytes_per_multiprocessor;
  std::string driver;
  int driver_cuda_version, runtime_cuda_version;                         // 1000 major + 10 minor
  double memcpy_bytes_per_second = 0, copy_kernel_bytes_per_second = 0;  // reads plus writes
  double half_mma_flops_per_second = 0, ffma_warp_instructions_per_second = 0;
  double empty_graph_microseconds = 0;  // of two kernels that do nothing, one after the other
};

/// Is there a device? If not, why.
bool has_device(std::string& reason);

/// Of the current device.
int multiprocessors();

/// Likewise; without the rates.
DeviceFacts query_device();

}  // namespace bench

#endif

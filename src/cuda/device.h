#ifndef ARLOSS_CUDA_DEVICE_H
#define ARLOSS_CUDA_DEVICE_H

#include <cuda_runtime_api.h>

#include <string>

#include "plan/backend.h"

namespace arloss::cuda {

/// What is asked of a device once, when a plan is made.
struct DeviceFacts {
  int index;
  std::string name;
  int major, minor;  // compute capability
  int multiprocessors;
  std::size_t shared_per_block;  // bytes, for kernels that ask for them
  bool kernels_can_overlap;      // those of one call, see kernels/tile/launch_stream.h
};

/// Facts of options.device_index, or of the calling thread's current device. Throws Refusal: NO_DEVICE, UNSUPPORTED
/// where this build has no code for the device, INVALID_ARGUMENT for an index that is none.
DeviceFacts find_device(const Options& options);

/// Makes a device current for the calling thread while it lives, and the one before it afterwards.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;
  cudaError_t error() const { return error_; }

 private:
  int before_ = -1;
  cudaError_t error_;
};

/// The calls of one run, in order: after the first that fails, none is made.
class Sequence {
 public:
  explicit Sequence(const DeviceGuard& guard) { note("cudaSetDevice", guard.error()); }

  bool is_good() const { return !fault_.is_found(); }
  /// `launch` returns a cudaError_t.
  template <class Launch>
  void operator()(const char* call, const Launch& launch) {
    if (is_good()) note(call, launch());
  }
  const RunFault& fault() const { return fault_; }

 private:
  void note(const char* call, cudaError_t error);

  RunFault fault_;
};

}  // namespace arloss::cuda

#endif

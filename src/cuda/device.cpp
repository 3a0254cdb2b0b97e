#include "cuda/device.h"

#include "kernels/embed/embed_launch.h"
#include "plan/refusal.h"

namespace arloss {
namespace cuda {
namespace {

/// The last error of a thread is sticky: one that has been reported must not turn up in the caller's next check.
cudaError_t forget(cudaError_t error) {
  if (error != cudaSuccess) cudaGetLastError();
  return error;
}

int count_devices() {
  int count = 0;
  const cudaError_t error = forget(cudaGetDeviceCount(&count));
  if (error == cudaErrorInsufficientDriver || error == cudaErrorNoDevice || (error == cudaSuccess && count == 0))
    throw Refusal(ARLOSS_STATUS_NO_DEVICE,
                  Message() << "options.device is CUDA, but there is no usable device: " << cudaGetErrorName(error)
                            << " (" << cudaGetErrorString(error) << "); built for " << ARLOSS_CUDA_BUILT_FOR
                            << " with CUDA " << CUDART_VERSION / 1000 << "." << CUDART_VERSION % 1000 / 10);
  if (error != cudaSuccess)
    throw Refusal(ARLOSS_STATUS_CUDA_ERROR, Message() << "cudaGetDeviceCount failed: " << cudaGetErrorName(error)
                                                      << " (" << cudaGetErrorString(error) << ")");
  return count;
}

int choose_index(const Options& options) {
  const int count = count_devices();
  if (options.device_index >= count)
    throw Refusal(ARLOSS_STATUS_INVALID_ARGUMENT, Message() << "options.device_index is " << options.device_index
                                                            << "; it must be below the number of devices, " << count
                                                            << ", or -1 for the current one");
  if (options.device_index >= 0) return options.device_index;
  int current = 0;
  cudaGetDevice(&current);
  return current;
}

/// Whether the device has programmatic dependent launch, the driver lets streams capture it into graphs (12.3), and
/// kernels were compiled with the wait that it takes.
bool can_overlap_kernels(int capability, int code) {
  constexpr int kFirstCapability = 90, kFirstDriver = 12030;
  int driver = 0;
  return capability >= kFirstCapability && code >= kFirstCapability &&
         forget(cudaDriverGetVersion(&driver)) == cudaSuccess && driver >= kFirstDriver;
}

}  // namespace

DeviceFacts find_device(const Options& options) {
  DeviceFacts facts{choose_index(options), "", 0, 0, 0, 0, false};
  const DeviceGuard guard(facts.index);
  cudaDeviceProp properties{};
  cudaError_t error = guard.error();
  if (error == cudaSuccess) error = cudaGetDeviceProperties(&properties, facts.index);
  int code = 0;
  if (error == cudaSuccess) error = kernels::find_device_code(&code);
  facts.name = properties.name;
  facts.major = properties.major;
  facts.minor = properties.minor;
  facts.multiprocessors = properties.multiProcessorCount;
  facts.shared_per_block = properties.sharedMemPerBlockOptin;
  facts.kernels_can_overlap = can_overlap_kernels(10 * facts.major + facts.minor, code);
  if (forget(error) == cudaSuccess) return facts;
  const bool has_no_code = error == cudaErrorNoKernelImageForDevice || error == cudaErrorInvalidDeviceFunction ||
                           error == cudaErrorUnsupportedPtxVersion;
  throw Refusal(has_no_code ? ARLOSS_STATUS_UNSUPPORTED : ARLOSS_STATUS_CUDA_ERROR,
                Message() << "device " << facts.index << " (" << facts.name << ", compute capability " << facts.major
                          << "." << facts.minor << ") cannot run this library, built for " << ARLOSS_CUDA_BUILT_FOR
                          << ": " << cudaGetErrorName(error) << " (" << cudaGetErrorString(error) << ")");
}

DeviceGuard::DeviceGuard(int device) : error_(cudaGetDevice(&before_)) {
  if (error_ == cudaSuccess && before_ != device) error_ = cudaSetDevice(device);
  if (before_ == device) before_ = -1;
}

DeviceGuard::~DeviceGuard() {
  if (before_ >= 0) cudaSetDevice(before_);
}

void Sequence::note(const char* call, cudaError_t error) {
  if (forget(error) == cudaSuccess) return;
  fault_.kind = RunFault::Kind::kCuda;
  fault_.call = call;
  fault_.error_name = cudaGetErrorName(error);
  fault_.text = cudaGetErrorString(error);
}

}  // namespace cuda

bool is_cuda_available() {
  int count = 0;
  return cuda::forget(cudaGetDeviceCount(&count)) == cudaSuccess && count > 0;
}

}  // namespace arloss

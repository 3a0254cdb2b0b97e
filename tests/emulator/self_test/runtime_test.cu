#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "self_test/checks.h"
#include "self_test/device_array.h"
#include "self_test/expected_reports.h"

/// Streams, events, captured graphs, attributes: what the host sees of a chain of kernels.
namespace emulator::self_test {
namespace {

constexpr u32 kCount = 256;
constexpr unsigned kBlock = 64, kGrid = kCount / kBlock;

__global__ void add_kernel(u32* values, u32 amount) { values[blockIdx.x * blockDim.x + threadIdx.x] += amount; }
__global__ void scale_kernel(const u32* in, u32 factor, u32* out) {
  const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = in[i] * factor;
}

std::vector<u32> counting() {
  std::vector<u32> values(kCount);
  std::iota(values.begin(), values.end(), 0u);
  return values;
}

std::vector<u32> mapped(u32 factor, u32 amount) {
  std::vector<u32> values = counting();
  for (u32& value : values) value = (value + amount) * factor;
  return values;
}

struct Stream {
  Stream() { require_success(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking), "cudaStreamCreateWithFlags"); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { cudaStreamDestroy(handle); }
  cudaStream_t handle = nullptr;
};

struct Event {
  Event() { require_success(cudaEventCreate(&handle), "cudaEventCreate"); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { cudaEventDestroy(handle); }
  cudaEvent_t handle = nullptr;
};

TEST(Runtime, EventsOrderStreams) {
  const Stream first, second;
  const Event added, scaled;
  const DeviceArray<u32> values(counting()), out(kCount);
  for (u32 round = 1; round <= 3; ++round) {
    add_kernel<<<kGrid, kBlock, 0, first.handle>>>(values.data(), 10);
    require_success(cudaEventRecord(added.handle, first.handle), "cudaEventRecord");
    require_success(cudaStreamWaitEvent(second.handle, added.handle, 0), "cudaStreamWaitEvent");
    scale_kernel<<<kGrid, kBlock, 0, second.handle>>>(values.data(), round, out.data());
    require_success(cudaEventRecord(scaled.handle, second.handle), "cudaEventRecord");
    require_success(cudaStreamWaitEvent(first.handle, scaled.handle, 0), "cudaStreamWaitEvent");
  }
  require_success(cudaEventSynchronize(scaled.handle), "cudaEventSynchronize");
  require_success(cudaEventQuery(scaled.handle), "cudaEventQuery");
  float milliseconds = -1;
  require_success(cudaEventElapsedTime(&milliseconds, added.handle, scaled.handle), "cudaEventElapsedTime");
  Checks checks("streams and events");
  checks.same(milliseconds >= 0, true, [] { return "elapsed time"; });
  checks.same_elements(out.read(), mapped(3, 30));
}

/// A memset and two kernels, captured once, replayed three times.
TEST(Runtime, GraphReplay) {
  const Stream stream;
  const DeviceArray<u32> values(counting()), out(kCount);
  cudaGraph_t graph = nullptr;
  require_success(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
  require_success(cudaMemsetAsync(out.data(), 0xFF, kCount * sizeof(u32), stream.handle), "cudaMemsetAsync");
  add_kernel<<<kGrid, kBlock, 0, stream.handle>>>(values.data(), 5);
  scale_kernel<<<kGrid / 2, kBlock, 0, stream.handle>>>(values.data(), 7, out.data());
  require_success(cudaStreamEndCapture(stream.handle, &graph), "cudaStreamEndCapture");

  cudaGraphExec_t executable = nullptr;
  require_success(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");
  Checks checks("captured graph");
  checks.same_elements(values.read(), counting());  // capturing runs nothing
  for (u32 replay = 1; replay <= 3; ++replay) {
    require_success(cudaGraphLaunch(executable, stream.handle), "cudaGraphLaunch");
    require_success(cudaStreamSynchronize(stream.handle), "cudaStreamSynchronize");
    std::vector<u32> wanted = mapped(7, 5 * replay);
    std::fill(wanted.begin() + kCount / 2, wanted.end(), 0xFFFFFFFF);
    checks.same_elements(out.read(), wanted);
  }
  require_success(cudaGraphExecDestroy(executable), "cudaGraphExecDestroy");
  require_success(cudaGraphDestroy(graph), "cudaGraphDestroy");
}

/// Rows of different pitch on both sides.
TEST(Runtime, CopiesAndSets) {
  constexpr std::size_t kWidth = 20, kHeight = 5, kPitch = 32;
  std::vector<u8> host(kWidth * kHeight);
  std::iota(host.begin(), host.end(), u8{1});
  const DeviceArray<u8> first(kPitch * kHeight), second(kWidth * kHeight);
  require_success(cudaMemset(first.data(), 0, first.size()), "cudaMemset");
  require_success(cudaMemcpy2D(first.data(), kPitch, host.data(), kWidth, kWidth, kHeight, cudaMemcpyHostToDevice),
                  "cudaMemcpy2D to the device");
  require_success(cudaMemcpy2D(second.data(), kWidth, first.data(), kPitch, kWidth, kHeight, cudaMemcpyDeviceToDevice),
                  "cudaMemcpy2D on the device");
  std::vector<u8> wanted(kPitch * kHeight);
  for (std::size_t i = 0; i < host.size(); ++i) wanted[i / kWidth * kPitch + i % kWidth] = host[i];
  Checks checks("cudaMemcpy2D");
  checks.same_elements(first.read(), wanted);
  checks.same_elements(second.read(), host);
}

__global__ void __launch_bounds__(96) dynamic_kernel(u32* out) {
  extern __shared__ u32 dynamic[];
  dynamic[threadIdx.x] = threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = dynamic[blockDim.x - 1 - threadIdx.x];
}

TEST(Runtime, KernelAttributes) {
  cudaFuncAttributes attributes;
  require_success(cudaFuncGetAttributes(&attributes, dynamic_kernel), "cudaFuncGetAttributes");
  constexpr int kSharedBytes = 60 * 1024;  // more than the 48 KiB every kernel may have unasked
  require_success(cudaFuncSetAttribute(dynamic_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes),
                  "cudaFuncSetAttribute");
  const DeviceArray<u32> out(96);
  dynamic_kernel<<<1, 96, kSharedBytes>>>(out.data());
  require_success(cudaGetLastError(), "launch with much shared memory");
  std::vector<u32> wanted(96);
  for (u32 i = 0; i < 96; ++i) wanted[i] = 95 - i;
  Checks checks("attributes of kernels");
  checks.same_elements(out.read(), wanted);
  checks.same(attributes.maxThreadsPerBlock, 96, [] { return "maxThreadsPerBlock"; });
  checks.same(attributes.sharedSizeBytes, std::size_t{0}, [] { return "sharedSizeBytes"; });
}

/// Refused launches say so, once, and leave the device as it was.
TEST(Runtime, RefusedLaunches) {
  const ExpectedReports reports;
  const DeviceArray<u32> out(96);
  Checks checks("refused launch");
  dynamic_kernel<<<1, 2048, 0>>>(out.data());
  checks.same(cudaGetLastError(), cudaErrorInvalidConfiguration, [] { return "2048 threads"; });
  dynamic_kernel<<<0, 96, 0>>>(out.data());
  checks.same(cudaGetLastError(), cudaErrorInvalidConfiguration, [] { return "no block"; });
  checks.same(cudaGetLastError(), cudaSuccess, [] { return "asked again"; });
}

TEST(Runtime, DeviceFacts) {
  int device = -1, count = 0, multiprocessors = 0, shared_bytes = 0, major = 0;
  require_success(cudaGetDevice(&device), "cudaGetDevice");
  require_success(cudaGetDeviceCount(&count), "cudaGetDeviceCount");
  require_success(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device), "attribute");
  require_success(cudaDeviceGetAttribute(&shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device), "attribute");
  require_success(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "attribute");
  int blocks = 0;
  require_success(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, add_kernel, kBlock, 0), "occupancy");
  Checks checks("facts of the device");
  checks.same(device >= 0 && device < count, true, [] { return "device"; });
  checks.same(multiprocessors > 0 && shared_bytes >= 48 * 1024 && major >= 8, true, [] { return "attributes"; });
  checks.same(blocks > 0, true, [] { return "occupancy"; });
}

}  // namespace
}  // namespace emulator::self_test

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "defects/reports.h"
#include "self_test/device_array.h"

/// Work of two streams, or of a stream and the host, that nothing orders; each beside a twin that is right.
namespace emulator::defects {
namespace {

constexpr const char* kFile = "stream_defect_test.cu";
constexpr unsigned kCount = 256, kBlock = 64;

class StreamDefect : public ReportTest {};

__global__ void fill_kernel(int* values, int value) { values[blockIdx.x * blockDim.x + threadIdx.x] = value; }
__global__ void add_kernel(const int* in, int* out) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = in[i] + 1;
}

/// Two streams that do not wait for each other, an event, and page-locked host memory.
class Streams {
 public:
  Streams() {
    require_success(cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    require_success(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    require_success(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreateWithFlags");
    require_success(cudaMallocHost(reinterpret_cast<void**>(&host), kCount * sizeof(int)), "cudaMallocHost");
    std::fill_n(host, kCount, 0);
  }
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;
  ~Streams() {
    cudaDeviceSynchronize();
    cudaFreeHost(host);
    cudaEventDestroy(event);
    cudaStreamDestroy(second);
    cudaStreamDestroy(first);
  }

  /// What follows in the second stream waits for what is in the first.
  void order() const {
    require_success(cudaEventRecord(event, first), "cudaEventRecord");
    require_success(cudaStreamWaitEvent(second, event, 0), "cudaStreamWaitEvent");
  }

  cudaStream_t first = nullptr, second = nullptr;
  cudaEvent_t event = nullptr;
  int* host = nullptr;
};

template <bool kIsDefective>
void write_in_one_and_read_in_the_other() {
  const Streams streams;
  const DeviceArray<int> values(kCount), out(kCount);
  fill_kernel<<<kCount / kBlock, kBlock, 0, streams.first>>>(values.data(), 5);
  if (!kIsDefective) streams.order();
  add_kernel<<<kCount / kBlock, kBlock, 0, streams.second>>>(values.data(), out.data());
  require_success(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
}

TEST_F(StreamDefect, KernelsWithoutAnEvent) {
  expect_silence(write_in_one_and_read_in_the_other<false>);
  expect_report("GlobalRace", kFile, write_in_one_and_read_in_the_other<true>);
}

template <bool kIsDefective>
void copy_in_one_and_read_in_the_other() {
  const Streams streams;
  const auto values = DeviceArray<int>::zeros(kCount);
  const DeviceArray<int> out(kCount);
  require_success(
      cudaMemcpyAsync(values.data(), streams.host, kCount * sizeof(int), cudaMemcpyHostToDevice, streams.first),
      "cudaMemcpyAsync");
  if (!kIsDefective) streams.order();
  add_kernel<<<kCount / kBlock, kBlock, 0, streams.second>>>(values.data(), out.data());
  require_success(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
}

TEST_F(StreamDefect, CopyAndKernelWithoutAnEvent) {
  expect_silence(copy_in_one_and_read_in_the_other<false>);
  expect_report("GlobalRace", "", copy_in_one_and_read_in_the_other<true>);
}

/// A block of the default stream waits for those of streams that were made to be blocking, and they for it.
void write_in_the_default_stream_and_read_in_a_blocking_one() {
  cudaStream_t blocking = nullptr;
  require_success(cudaStreamCreate(&blocking), "cudaStreamCreate");
  const DeviceArray<int> values(kCount), out(kCount);
  fill_kernel<<<kCount / kBlock, kBlock>>>(values.data(), 5);
  add_kernel<<<kCount / kBlock, kBlock, 0, blocking>>>(values.data(), out.data());
  require_success(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  require_success(cudaStreamDestroy(blocking), "cudaStreamDestroy");
}

TEST_F(StreamDefect, TheDefaultStreamNeedsNoEvent) {
  expect_silence(write_in_the_default_stream_and_read_in_a_blocking_one);
}

// ---- the host reads

enum class HostWait { kForTheStream, kForAnotherStream, kForNothing };

/// What the host sees of a copy out of the first stream.
int read_on_host(HostWait wait) {
  const Streams streams;
  const DeviceArray<int> values(kCount);
  fill_kernel<<<kCount / kBlock, kBlock, 0, streams.first>>>(values.data(), 5);
  require_success(
      cudaMemcpyAsync(streams.host, values.data(), kCount * sizeof(int), cudaMemcpyDeviceToHost, streams.first),
      "cudaMemcpyAsync");
  if (wait != HostWait::kForNothing) {
    const cudaStream_t waited = wait == HostWait::kForTheStream ? streams.first : streams.second;
    require_success(cudaStreamSynchronize(waited), "cudaStreamSynchronize");
  }
  const int seen = *static_cast<const volatile int*>(streams.host);
  require_success(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  return seen;
}

TEST_F(StreamDefect, HostReadsTooEarly) {
  for (const std::uint64_t seed : kSeeds) {
    set_schedule(seed);
    EXPECT_EQ(read_on_host(HostWait::kForTheStream), 5) << "under seed " << seed;
    EXPECT_EQ(read_on_host(HostWait::kForNothing), 0) << "under seed " << seed;
    EXPECT_EQ(read_on_host(HostWait::kForAnotherStream), 0) << "under seed " << seed;
  }
}

/// A kernel reads page-locked memory's copy as the host left it when the copy ran, not when it was asked for.
int overwrite_on_host(bool waits) {
  const Streams streams;
  const auto values = DeviceArray<int>::zeros(kCount);
  std::fill_n(streams.host, kCount, 7);
  require_success(
      cudaMemcpyAsync(values.data(), streams.host, kCount * sizeof(int), cudaMemcpyHostToDevice, streams.first),
      "cudaMemcpyAsync");
  if (waits) require_success(cudaStreamSynchronize(streams.first), "cudaStreamSynchronize");
  std::fill_n(streams.host, kCount, 8);
  require_success(cudaStreamSynchronize(streams.first), "cudaStreamSynchronize");
  return values.read()[0];
}

TEST_F(StreamDefect, HostOverwritesTooEarly) {
  EXPECT_EQ(overwrite_on_host(true), 7);
  EXPECT_EQ(overwrite_on_host(false), 8);
}

}  // namespace
}  // namespace emulator::defects

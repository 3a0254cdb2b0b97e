// The current CUDA device, as the benchmarks see it.
#include <algorithm>
#include <utility>

#include "bench_device.h"
#include "cache_flush.h"
#include "cuda_stream.h"
#include "queried_device.h"

namespace bench {
namespace {

/// All that is done to it is done on the stream.
class CudaMemory final : public CallMemory {
 public:
  CudaMemory(std::size_t bytes, cudaStream_t stream) : bytes_(bytes), stream_(stream) {
    check(cudaMalloc(&data_, bytes));
  }
  ~CudaMemory() override { cudaFree(data_); }
  CudaMemory(const CudaMemory&) = delete;
  CudaMemory& operator=(const CudaMemory&) = delete;

  std::size_t bytes() const override { return bytes_; }
  void* data() const override { return data_; }
  std::shared_ptr<const char> read() const override {
    const std::shared_ptr<char> copy(new char[bytes_], std::default_delete<char[]>());
    check(cudaMemcpyAsync(copy.get(), data_, bytes_, cudaMemcpyDeviceToHost, stream_));
    check(cudaStreamSynchronize(stream_));
    return copy;
  }
  void write(const void* from) override {
    check(cudaMemcpyAsync(data_, from, bytes_, cudaMemcpyHostToDevice, stream_));
    check(cudaStreamSynchronize(stream_));
  }
  void copy(const CallMemory& from) override {
    check(cudaMemcpyAsync(data_, from.data(), bytes_, cudaMemcpyDeviceToDevice, stream_));
  }
  void poison() override { check(cudaMemsetAsync(data_, 0xFF, bytes_, stream_)); }

 private:
  void* data_ = nullptr;
  std::size_t bytes_;
  cudaStream_t stream_;
};

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

class CudaDevice final : public BenchDevice {
 public:
  CudaDevice(const DeviceFacts& facts, std::size_t cache_bytes, std::size_t flush_bytes)
      : facts_(facts), cache_bytes_(cache_bytes), flush_(flush_bytes) {
    check(cudaDeviceSynchronize());  // the stream does not wait for the flush's memory to be set
  }

  arloss_device_t type() const override { return ARLOSS_DEVICE_CUDA; }
  std::string name() const override {
    return facts_.name + ", compute capability " + std::to_string(facts_.major) + "." + std::to_string(facts_.minor) +
           ", driver of CUDA " + version_text(facts_.driver_cuda_version);
  }
  arloss_stream_t stream() const override { return stream_.get(); }
  DeviceClock clock() override {
    return [this](const std::function<void()>& call) {
      flush_(stream_.get());
      start_.record(stream_.get());
      call();
      end_.record(stream_.get());
      end_.wait();
      return 1e-3 * end_.milliseconds_since(start_);
    };
  }

  std::unique_ptr<CallMemory> allocate(std::size_t bytes) const override {
    return std::make_unique<CudaMemory>(bytes, stream_.get());
  }
  std::unique_ptr<CallMemory> hold(const void* from, std::size_t bytes) const override {
    std::unique_ptr<CallMemory> memory = allocate(bytes);
    memory->write(from);
    return memory;
  }
  double available_bytes() const override { return static_cast<double>(free_bytes()); }
  std::size_t copies(std::size_t bytes) const override {
    constexpr std::size_t kShare = 16;  // chosen: a process keeps a dozen calls and more
    return std::max<std::size_t>(std::min(cache_bytes_ / bytes + 1, free_bytes() / kShare / bytes), 1);
  }

 private:
  static std::size_t free_bytes() {
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total));
    return free;
  }

  DeviceFacts facts_;
  std::size_t cache_bytes_;
  Stream stream_;
  Event start_, end_;
  CacheFlush flush_;
};

}  // namespace

std::unique_ptr<BenchDevice> make_cuda_device(bool is_smoke) {
  if (arloss_device_available(ARLOSS_DEVICE_CUDA) == 0) return nullptr;
  const DeviceFacts facts = query_device();
  if (is_smoke) return std::make_unique<CudaDevice>(facts, std::size_t{1} << 15, std::size_t{1} << 16);
  // Thrice the cache, which need not drop the oldest first. At least 256 MiB, 80 us at the 3.35 TB/s of an H100's data
  // sheet: meanwhile the host puts the call's launches behind the flush, so that the device waits for none of them.
  return std::make_unique<CudaDevice>(facts, facts.l2_bytes, std::max(3 * facts.l2_bytes, std::size_t{256} << 20));
}

}  // namespace bench

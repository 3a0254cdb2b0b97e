#include <cstring>

#include "aligned_memory.h"
#include "bench_device.h"
#include "run_facts.h"

namespace bench {
namespace {

class HostMemory final : public CallMemory {
 public:
  explicit HostMemory(std::size_t bytes) : own_(bytes), data_(own_.data()), bytes_(bytes) {}
  HostMemory(const void* held, std::size_t bytes)
      : data_(const_cast<char*>(static_cast<const char*>(held))), bytes_(bytes) {}

  std::size_t bytes() const override { return bytes_; }
  void* data() const override { return data_; }
  std::shared_ptr<const char> read() const override { return {std::shared_ptr<const char>(), data_}; }
  void write(const void* from) override { std::memcpy(data_, from, bytes_); }
  void copy(const CallMemory& from) override { std::memcpy(data_, from.data(), bytes_); }
  void poison() override { std::memset(data_, 0xFF, bytes_); }

 private:
  AlignedMemory<char> own_;
  char* data_;
  std::size_t bytes_;
};

class HostDevice final : public BenchDevice {
 public:
  arloss_device_t type() const override { return ARLOSS_DEVICE_CPU; }
  std::string name() const override { return "host"; }
  arloss_stream_t stream() const override { return nullptr; }
  DeviceClock clock() override { return nullptr; }
  std::unique_ptr<CallMemory> allocate(std::size_t bytes) const override { return std::make_unique<HostMemory>(bytes); }
  std::unique_ptr<CallMemory> hold(const void* from, std::size_t bytes) const override {
    return std::make_unique<HostMemory>(from, bytes);
  }
  double available_bytes() const override { return bench::available_bytes(); }
  std::size_t copies(std::size_t) const override { return 1; }
};

}  // namespace

BenchDevice& host_device() {
  static HostDevice device;
  return device;
}

}  // namespace bench

#ifndef ARLOSS_TESTS_EMULATOR_UNIT_API_FIXTURE_H
#define ARLOSS_TESTS_EMULATOR_UNIT_API_FIXTURE_H

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "control.h"

namespace emulator {

/// Tests of the runtime's entry points, the same on a device and on the emulator. What only the emulator can show is
/// asked of it where it is there.
class ApiTest : public testing::Test {
 protected:
  void SetUp() override {
    int count = 0;
    has_device_ = cudaGetDeviceCount(&count) == cudaSuccess;
    if (!has_device_) GTEST_SKIP() << "no device, and no emulator";
    set_seed(0);
    if (control()) control()->set_quiet(true);
  }

  void TearDown() override {
    if (!has_device_) return;
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(reports(), std::vector<std::string>()) << "reports no test expected";
    cudaDeviceReset();
    cudaGetLastError();
    forget_reports();
    set_lazy(true);
  }

  static void set_seed(std::uint64_t seed) {
    if (control()) control()->set_seed(seed);
  }

  static void set_lazy(bool is_lazy) {
    if (control()) control()->set_lazy(is_lazy);
  }

  static void forget_reports() {
    if (control()) control()->clear_reports();
  }

  static std::vector<std::string> reports() {
    std::vector<std::string> found;
    for (int r = 0; control() && r < control()->report_count(); ++r) {
      found.push_back(std::string(control()->report_kind(r)) + ": " + control()->report_text(r));
    }
    return found;
  }

  /// Reports of this kind alone, one with this in its text; they are forgotten.
  static void expect_report(const std::string& kind, const std::string& part) {
    if (!control()) return;
    const std::vector<std::string> found = reports();
    EXPECT_FALSE(found.empty()) << "expected: " << kind;
    bool has_part = false;
    for (const std::string& report : found) {
      EXPECT_EQ(report.substr(0, report.find(':')), kind) << report;
      has_part = has_part || report.find(part) != std::string::npos;
    }
    EXPECT_TRUE(has_part || found.empty()) << found[0];
    forget_reports();
  }

  /// `count` ints of value `value` on the device.
  static int* device_ints(std::size_t count, int value = 0) {
    int* pointer = nullptr;
    EXPECT_EQ(cudaMalloc(reinterpret_cast<void**>(&pointer), count * sizeof(int)), cudaSuccess);
    const std::vector<int> values(count, value);
    EXPECT_EQ(cudaMemcpy(pointer, values.data(), count * sizeof(int), cudaMemcpyHostToDevice), cudaSuccess);
    return pointer;
  }

  static int* pinned_ints(std::size_t count, int value = 0) {
    int* pointer = nullptr;
    EXPECT_EQ(cudaMallocHost(reinterpret_cast<void**>(&pointer), count * sizeof(int)), cudaSuccess);
    for (std::size_t i = 0; i < count; ++i) pointer[i] = value;
    return pointer;
  }

  /// The first int, by a copy that waits for the default stream.
  static int first(const int* pointer) {
    int value = -1;
    EXPECT_EQ(cudaMemcpy(&value, pointer, sizeof value, cudaMemcpyDeviceToHost), cudaSuccess);
    return value;
  }

  static cudaStream_t stream(unsigned flags = cudaStreamNonBlocking) {
    cudaStream_t made = nullptr;
    EXPECT_EQ(cudaStreamCreateWithFlags(&made, flags), cudaSuccess);
    return made;
  }

  static cudaEvent_t event() {
    cudaEvent_t made = nullptr;
    EXPECT_EQ(cudaEventCreate(&made), cudaSuccess);
    return made;
  }

 private:
  bool has_device_ = false;
};

}  // namespace emulator

#endif

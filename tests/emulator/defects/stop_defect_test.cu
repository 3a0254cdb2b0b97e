#undef NDEBUG  // assertions in release builds, too: they are what is tested
#include <gtest/gtest.h>

#include <cassert>

#include "control.h"
#include "defects/reports.h"
#include "self_test/device_array.h"

/// What must stop a kernel or the process with its name: instructions and calls that are not emulated, assertions, and
/// launches a device refuses.
namespace emulator::defects {
namespace {

constexpr const char* kFile = "stop_defect_test.cu";
constexpr unsigned kThreads = 64;

class StopDefect : public ReportTest {};

/// An instruction of the video group, which no kernel of numbers needs.
__global__ void unknown_kernel(unsigned* out, bool executes) {
  unsigned value = threadIdx.x;
  if (executes)
    asm volatile("vabsdiff4.u32.u32.u32.add %0, %1, %2, %1;" : "=r"(value) : "r"(threadIdx.x), "r"(0x01020304u));
  out[threadIdx.x] = value;
}

void run_unknown_instruction(bool executes) {
  const DeviceArray<unsigned> out(kThreads);
  run_kernel(unknown_kernel, 1, kThreads, out.data(), executes);
}

TEST_F(StopDefect, UnknownInstruction) {
  expect_silence([] { run_unknown_instruction(false); });
  const KeptReports reports = expect_report("Unsupported", kFile, [] { run_unknown_instruction(true); });
  ASSERT_FALSE(reports.empty());
  EXPECT_NE(reports[0].text.find("vabsdiff4"), std::string::npos) << reports[0].text;
}

__global__ void assert_kernel(unsigned* out, unsigned limit) {
  assert(threadIdx.x < limit && "a thread too many");
  out[threadIdx.x] = threadIdx.x;
}

void run_assertion(unsigned limit) {
  const DeviceArray<unsigned> out(kThreads);
  run_kernel(assert_kernel, 1, kThreads, out.data(), limit);
}

TEST_F(StopDefect, Assertion) {
  expect_silence([] { run_assertion(kThreads); });
  const KeptReports reports = expect_report("Assertion", kFile, [] { run_assertion(40); });
  ASSERT_FALSE(reports.empty());
  EXPECT_NE(reports[0].text.find("a thread too many"), std::string::npos) << reports[0].text;
}

__global__ void spin_kernel(const volatile unsigned* flag, unsigned* out) {
  while (*flag == 0) continue;
  *out = *flag;
}

void run_spin(unsigned flag) {
  const DeviceArray<unsigned> flags(std::vector<unsigned>{flag}), out(1);
  run_kernel(spin_kernel, 1, 1, flags.data(), out.data());
}

TEST_F(StopDefect, SpinningOnAFlagThatNobodySets) {
  control()->set_instruction_budget(1u << 16);
  expect_silence([] { run_spin(5); });
  const KeptReports reports = expect_report("Deadlock", kFile, [] { run_spin(0); });
  control()->set_instruction_budget(1u << 28);
  ASSERT_FALSE(reports.empty());
  EXPECT_NE(reports[0].text.find("still running"), std::string::npos) << reports[0].text;
}

__global__ void trap_kernel(unsigned* out, bool traps) {
  if (traps) __trap();
  out[threadIdx.x] = 1;
}

void run_trap(bool traps) {
  const DeviceArray<unsigned> out(kThreads);
  run_kernel(trap_kernel, 1, kThreads, out.data(), traps);
}

TEST_F(StopDefect, Trap) {
  expect_silence([] { run_trap(false); });
  expect_report("Assertion", kFile, [] { run_trap(true); });
}

// ---- launches

template <bool kIsAllowed>
__global__ void dynamic_kernel(unsigned* out) {
  extern __shared__ unsigned dynamic[];
  dynamic[threadIdx.x] = threadIdx.x;
  out[threadIdx.x] = dynamic[threadIdx.x];
}

/// 100 KiB: a device has it, but gives more than 48 KiB only to kernels that were allowed it.
template <bool kIsAllowed>
void run_with_much_shared_memory() {
  constexpr int kBytes = 100 * 1024;
  const DeviceArray<unsigned> out(kThreads);
  if (kIsAllowed)
    require_success(
        cudaFuncSetAttribute(dynamic_kernel<kIsAllowed>, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes),
        "cudaFuncSetAttribute");
  dynamic_kernel<kIsAllowed><<<1, kThreads, kBytes>>>(out.data());
  EXPECT_EQ(cudaGetLastError(), kIsAllowed ? cudaSuccess : cudaErrorInvalidValue);
  require_success(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
}

TEST_F(StopDefect, TooMuchSharedMemory) {
  expect_silence(run_with_much_shared_memory<true>);
  expect_report("SharedLimit", "", run_with_much_shared_memory<false>);
}

TEST_F(StopDefect, MoreSharedMemoryThanTheDeviceHas) {
  expect_report("SharedLimit", "", [] {
    EXPECT_EQ(cudaFuncSetAttribute(dynamic_kernel<true>, cudaFuncAttributeMaxDynamicSharedMemorySize, 1 << 20),
              cudaErrorInvalidValue);
    cudaGetLastError();
  });
}

TEST_F(StopDefect, TooManyThreads) {
  expect_report("Api", "", [] {
    const DeviceArray<unsigned> out(2048);
    dynamic_kernel<true><<<1, 2048, 8192>>>(out.data());
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  });
}

/// Every later call says that a kernel could not go on, until the reports are taken.
TEST_F(StopDefect, AFailedLaunchStays) {
  const DeviceArray<unsigned> out(kThreads);
  assert_kernel<<<1, kThreads>>>(out.data(), 1);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "the launch itself is right";
  EXPECT_NE(cudaDeviceSynchronize(), cudaSuccess);
  void* more = nullptr;
  EXPECT_NE(cudaMalloc(&more, 16), cudaSuccess);
  EXPECT_FALSE(take_reports().empty());
  EXPECT_NO_THROW(run_assertion(kThreads));
}

// ---- calls

class StopDefectDeathTest : public ReportTest {
 protected:
  void SetUp() override {
    ReportTest::SetUp();
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
};

TEST_F(StopDefectDeathTest, UnknownCall) {
  cudaArray_t array = nullptr;
  const cudaChannelFormatDesc format = {32, 0, 0, 0, cudaChannelFormatKindFloat};
  EXPECT_DEATH(cudaMalloc3DArray(&array, &format, make_cudaExtent(4, 4, 4)), "cudaMalloc3DArray");
}

}  // namespace
}  // namespace emulator::defects

#include <csignal>
#include <cstdlib>
#include <string>

#include "unit/api_fixture.h"
#include "unit/api_kernels.h"

namespace emulator {
namespace {

class LaunchApiTest : public ApiTest {
 protected:
  static cudaError_t launch_bounded(dim3 grid, dim3 block, std::size_t dynamic_bytes = 0) {
    return cudaLaunchKernel(bounded_kernel(), grid, block, nullptr, dynamic_bytes, nullptr);
  }

  static int attribute(cudaDeviceAttr name) {
    int value = -1;
    EXPECT_EQ(cudaDeviceGetAttribute(&value, name, 0), cudaSuccess);
    return value;
  }
};

TEST_F(LaunchApiTest, KernelsRun) {
  int* const a = device_ints(100, 1);
  add_value(a, 100, 41);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(first(a), 42);
  EXPECT_EQ(first(a + 99), 42);
}

TEST_F(LaunchApiTest, ParametersArePackedByTheKernel) {
  int* data = device_ints(4, 1);
  int count = 4, value = 2;
  void* arguments[] = {&data, &count, &value};
  EXPECT_EQ(cudaLaunchKernel(add_value_kernel(), dim3(1), dim3(64), arguments, 0, nullptr), cudaSuccess);
  value = 100;  // taken at the call
  EXPECT_EQ(first(data), 3);
}

TEST_F(LaunchApiTest, GridsAndBlocksHaveLimits) {
  const dim3 grids[] = {dim3(0), dim3(1, 0), dim3(1, 65536), dim3(1, 1, 65536), dim3(2147483648u)};
  for (const dim3& grid : grids) {
    EXPECT_EQ(launch_bounded(grid, dim3(32)), cudaErrorInvalidConfiguration);
    expect_report("Api", "grid");
  }
  const dim3 blocks[] = {dim3(0), dim3(1025), dim3(1, 1, 65), dim3(32, 33)};
  for (const dim3& block : blocks) {
    EXPECT_EQ(launch_bounded(dim3(1), block), cudaErrorInvalidConfiguration);
    expect_report("Api", "blocks");
  }
  EXPECT_EQ(launch_bounded(dim3(1), dim3(128)), cudaSuccess);
}

TEST_F(LaunchApiTest, TheLastErrorIsKeptUntilItIsTaken) {
  EXPECT_EQ(launch_bounded(dim3(0), dim3(32)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch_bounded(dim3(1), dim3(32)), cudaSuccess);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  expect_report("Api", "grid");
}

TEST_F(LaunchApiTest, LaunchBoundsHold) {
  EXPECT_EQ(launch_bounded(dim3(1), dim3(129)), cudaErrorInvalidValue);
  expect_report("Api", "__launch_bounds__");
}

TEST_F(LaunchApiTest, DynamicSharedMemoryHasToBeAllowed) {
  EXPECT_EQ(launch_bounded(dim3(1), dim3(32), 47 * 1024), cudaSuccess);
  EXPECT_EQ(launch_bounded(dim3(1), dim3(32), 48 * 1024), cudaErrorInvalidValue);
  expect_report("SharedLimit", "1024 static");
  EXPECT_EQ(cudaFuncSetAttribute(bounded_kernel(), cudaFuncAttributeMaxDynamicSharedMemorySize, 60 * 1024),
            cudaSuccess);
  EXPECT_EQ(launch_bounded(dim3(1), dim3(32), 60 * 1024), cudaSuccess);
  EXPECT_EQ(launch_bounded(dim3(1), dim3(32), 60 * 1024 + 1), cudaErrorInvalidValue);
  expect_report("SharedLimit", "dynamic");
  const int most = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  EXPECT_EQ(cudaFuncSetAttribute(bounded_kernel(), cudaFuncAttributeMaxDynamicSharedMemorySize, most),
            cudaErrorInvalidValue);
  expect_report("SharedLimit", "at most");
  EXPECT_EQ(cudaFuncSetAttribute(bounded_kernel(), cudaFuncAttributeMaxDynamicSharedMemorySize, most - 1024),
            cudaSuccess);
}

TEST_F(LaunchApiTest, OnlyKernelsAreLaunched) {
  int local = 0;
  EXPECT_EQ(cudaLaunchKernel(&local, dim3(1), dim3(1), nullptr, 0, nullptr), cudaErrorInvalidDeviceFunction);
  expect_report("Api", "not in the device code");
  EXPECT_EQ(cudaLaunchKernel(nullptr, dim3(1), dim3(1), nullptr, 0, nullptr), cudaErrorInvalidDeviceFunction);
  expect_report("Api", "not in the device code");
  cudaFuncAttributes attributes{};
  EXPECT_EQ(cudaFuncGetAttributes(&attributes, &local), cudaErrorInvalidDeviceFunction);
}

TEST_F(LaunchApiTest, AttributesDescribeTheKernel) {
  cudaFuncAttributes attributes{};
  ASSERT_EQ(cudaFuncGetAttributes(&attributes, bounded_kernel()), cudaSuccess);
  EXPECT_EQ(attributes.sharedSizeBytes, 1024u);
  EXPECT_EQ(attributes.maxThreadsPerBlock, 128);
  EXPECT_GT(attributes.numRegs, 0);
  const int capability =
      10 * attribute(cudaDevAttrComputeCapabilityMajor) + attribute(cudaDevAttrComputeCapabilityMinor);
  EXPECT_EQ(attributes.binaryVersion, capability);
  EXPECT_LE(attributes.ptxVersion, capability);
}

TEST_F(LaunchApiTest, ConfigurationsCarryAttributes) {
  int* data = device_ints(4, 1);
  int count = 4, value = 2;
  void* arguments[] = {&data, &count, &value};
  cudaLaunchAttribute attributes[2] = {};
  attributes[0].id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attributes[0].val.programmaticStreamSerializationAllowed = 1;
  attributes[1].id = cudaLaunchAttributePriority;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(1);
  config.blockDim = dim3(64);
  config.attrs = attributes;
  config.numAttrs = control() ? 2 : 0;  // the first needs compute capability 9.0
  // Before 9.0 no kernel overlaps another: these do not wait, and do not race.
  EXPECT_EQ(cudaLaunchKernelExC(&config, add_value_kernel(), arguments), cudaSuccess);
  EXPECT_EQ(cudaLaunchKernelExC(&config, add_value_kernel(), arguments), cudaSuccess);
  EXPECT_EQ(first(data), 5);
  if (!control()) return;
  for (const cudaLaunchAttributeID id : {cudaLaunchAttributeCooperative, cudaLaunchAttributeClusterDimension}) {
    config.numAttrs = 1;
    attributes[0] = {};
    attributes[0].id = id;
    attributes[0].val.clusterDim = {2, 1, 1};
    EXPECT_EQ(cudaLaunchKernelExC(&config, add_value_kernel(), arguments), cudaErrorNotSupported);
    expect_report("Unsupported", "launch");
  }
}

TEST_F(LaunchApiTest, OccupancyIsBoundedByEveryResource) {
  const auto blocks = [](int threads, std::size_t dynamic_bytes) {
    int count = -1;
    EXPECT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&count, bounded_kernel(), threads, dynamic_bytes),
              cudaSuccess);
    return count;
  };
  EXPECT_EQ(blocks(32, 0), attribute(cudaDevAttrMaxBlocksPerMultiprocessor));
  EXPECT_GT(blocks(128, 0), 0);
  EXPECT_LE(blocks(128, 0), attribute(cudaDevAttrMaxThreadsPerMultiProcessor) / 128);
  EXPECT_EQ(blocks(129, 0), 0);
  const int of_block = 40 * 1024 + 1024 + attribute(cudaDevAttrReservedSharedMemoryPerBlock);
  EXPECT_EQ(blocks(32, 40 * 1024), attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor) / of_block);
}

TEST_F(LaunchApiTest, TheDeviceDescribesItself) {
  int count = 0, device = -1, version = 0;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_GE(count, 1);
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, 0);
  EXPECT_EQ(cudaSetDevice(count), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaRuntimeGetVersion(&version), cudaSuccess);
  EXPECT_EQ(version, CUDART_VERSION);
  cudaDeviceProp properties{};
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  EXPECT_EQ(properties.warpSize, 32);
  EXPECT_EQ(properties.multiProcessorCount, attribute(cudaDevAttrMultiProcessorCount));
  EXPECT_EQ(properties.major, attribute(cudaDevAttrComputeCapabilityMajor));
  EXPECT_EQ(properties.sharedMemPerBlockOptin,
            static_cast<std::size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin)));
  EXPECT_GE(properties.major, 7);
}

TEST_F(LaunchApiTest, ErrorsHaveNames) {
  EXPECT_STREQ(cudaGetErrorName(cudaErrorInvalidValue), "cudaErrorInvalidValue");
  EXPECT_STREQ(cudaGetErrorName(cudaSuccess), "cudaSuccess");
  EXPECT_NE(std::string(cudaGetErrorString(cudaErrorLaunchFailure)), "");
  EXPECT_STREQ(cudaGetErrorName(static_cast<cudaError_t>(12345)), "unrecognized error code");
}

TEST_F(LaunchApiTest, HostFunctionsRunInOrderAndWithoutTheApi) {
  struct Seen {
    cudaError_t error = cudaSuccess;
    int* result = nullptr;
    int value = 0;
  } seen;
  int* const a = device_ints(1, 3);
  seen.result = pinned_ints(1);
  add_value(a, 1, 4);
  EXPECT_EQ(cudaMemcpyAsync(seen.result, a, sizeof(int), cudaMemcpyDeviceToHost, nullptr), cudaSuccess);
  const cudaHostFn_t look = [](void* data) {
    auto* const found = static_cast<Seen*>(data);
    void* pointer = nullptr;
    found->error = cudaMalloc(&pointer, 4);
    found->value = *found->result;
  };
  EXPECT_EQ(cudaLaunchHostFunc(nullptr, look, &seen), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(seen.value, 7);
  EXPECT_EQ(seen.error, cudaErrorNotPermitted);
}

// ---- what only the emulator does

TEST_F(LaunchApiTest, AFailedLaunchStaysUntilItIsForgotten) {
  if (!control()) GTEST_SKIP() << "a device would stay unusable";
  add_value(nullptr, 4, 1);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_EQ(reports().size(), 1u);
  void* pointer = nullptr;
  EXPECT_EQ(cudaMalloc(&pointer, 4), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  control()->clear_reports();
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&pointer, 4), cudaSuccess);
}

TEST_F(LaunchApiTest, AResetForgetsAFailedLaunch) {
  if (!control()) GTEST_SKIP() << "a device may stay unusable";
  add_value(nullptr, 4, 1);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  forget_reports();
  int* const a = device_ints(4, 1);
  add_value(a, 4, 1);
  EXPECT_EQ(first(a), 2);
}

TEST_F(LaunchApiTest, StatisticsCountLaunches) {
  if (!control()) GTEST_SKIP() << "a device does not count";
  int* const a = device_ints(4, 1);
  const std::uint64_t before = control()->statistics().launches;
  add_value(a, 4, 1);
  add_value(a, 4, 1);
  EXPECT_EQ(first(a), 3);
  EXPECT_EQ(control()->statistics().launches, before + 2);
}

using LaunchApiDeathTest = LaunchApiTest;

TEST_F(LaunchApiDeathTest, UnknownCallsStopByTheirName) {
  if (!control()) GTEST_SKIP() << "a device knows them";
  cudaArray_t array = nullptr;
  const cudaChannelFormatDesc format{32, 0, 0, 0, cudaChannelFormatKindFloat};
  EXPECT_EXIT(cudaMallocArray(&array, &format, 1, 1, 0), testing::KilledBySignal(SIGABRT),
              "Unsupported: cudaMallocArray, called at .*, is not emulated");
}

TEST_F(LaunchApiDeathTest, AReportIsAnExitStatus) {
  if (!control()) GTEST_SKIP() << "a device reports nothing";
  const auto run = [] {
    cudaMemset(nullptr, 0, 4);
    std::exit(0);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(66), "emulator: 1 report");
}

TEST_F(LaunchApiDeathTest, WorkThatWaitsRunsAtExit) {
  if (!control()) GTEST_SKIP() << "a device drops it";
  const auto run = [] {
    add_value(nullptr, 4, 1);
    std::exit(0);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(66), "emulator: 1 report");
}

TEST_F(LaunchApiDeathTest, WithoutReportsTheStatusStays) {
  if (!control()) GTEST_SKIP() << "the emulator's status";
  const auto run = [] {
    void* data = nullptr;
    cudaMalloc(&data, 4 * sizeof(int));
    cudaMemset(data, 0, 4 * sizeof(int));
    add_value(static_cast<int*>(data), 4, 1);  // a program without any launch may have to fail
    std::exit(3);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace emulator

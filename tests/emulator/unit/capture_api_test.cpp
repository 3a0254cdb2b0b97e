#include <cstdint>
#include <thread>
#include <vector>

#include "unit/api_fixture.h"
#include "unit/api_kernels.h"

namespace emulator {
namespace {

class CaptureApiTest : public ApiTest {
 protected:
  static void begin(cudaStream_t s, cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal) {
    EXPECT_EQ(cudaStreamBeginCapture(s, mode), cudaSuccess);
  }

  static cudaGraph_t end(cudaStream_t s) {
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(s, &graph), cudaSuccess);
    return graph;
  }

  static cudaError_t end_error(cudaStream_t s) {
    cudaGraph_t graph = nullptr;
    const cudaError_t error = cudaStreamEndCapture(s, &graph);
    EXPECT_EQ(graph, nullptr);
    return error;
  }

  static cudaGraphExec_t instantiate(cudaGraph_t graph) {
    cudaGraphExec_t exec = nullptr;
    EXPECT_EQ(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
    return exec;
  }

  static std::size_t num_nodes(cudaGraph_t graph) {
    std::size_t count = 0;
    EXPECT_EQ(cudaGraphGetNodes(graph, nullptr, &count), cudaSuccess);
    return count;
  }

  /// The stream captures on, but its graph is lost.
  static void expect_spoilt(cudaStream_t s) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    EXPECT_EQ(cudaStreamIsCapturing(s, &status), cudaSuccess);
    EXPECT_EQ(status, cudaStreamCaptureStatusInvalidated);
    EXPECT_EQ(end_error(s), cudaErrorStreamCaptureInvalidated);
  }
};

TEST_F(CaptureApiTest, AGraphDoesNothingUntilItIsLaunched) {
  const cudaStream_t s = stream();
  int* const a = device_ints(4, 1);
  begin(s);
  add_value(a, 4, 1, s);
  add_value(a, 4, 10, s);
  const cudaGraph_t graph = end(s);
  EXPECT_EQ(num_nodes(graph), 2u);
  EXPECT_EQ(first(a), 1);
  const cudaGraphExec_t exec = instantiate(graph);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  for (int launch = 1; launch <= 3; ++launch) {
    EXPECT_EQ(cudaGraphLaunch(exec, s), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(s), cudaSuccess);
    EXPECT_EQ(first(a), 1 + 11 * launch);
  }
  EXPECT_EQ(cudaGraphExecDestroy(exec), cudaSuccess);
}

TEST_F(CaptureApiTest, ParametersAreThoseOfTheCapture) {
  const cudaStream_t s = stream();
  int* data = device_ints(1, 1);
  int count = 1, value = 2;
  void* arguments[] = {&data, &count, &value};
  begin(s);
  EXPECT_EQ(cudaLaunchKernel(add_value_kernel(), dim3(1), dim3(32), arguments, 0, s), cudaSuccess);
  value = 100;
  const cudaGraphExec_t exec = instantiate(end(s));
  EXPECT_EQ(cudaGraphLaunch(exec, s), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(s), cudaSuccess);
  EXPECT_EQ(first(data), 3);
}

TEST_F(CaptureApiTest, CopiesAndFillsReadMemoryAtEachLaunch) {
  const cudaStream_t s = stream();
  int* const in = pinned_ints(1, 1);
  int* const out = pinned_ints(1, -1);
  int* const a = device_ints(2);
  begin(s);
  EXPECT_EQ(cudaMemsetAsync(a, 0, 2 * sizeof(int), s), cudaSuccess);
  EXPECT_EQ(cudaMemcpyAsync(a, in, sizeof(int), cudaMemcpyHostToDevice, s), cudaSuccess);
  add_value(a, 2, 1, s);
  EXPECT_EQ(cudaMemcpyAsync(out, a, sizeof(int), cudaMemcpyDeviceToHost, s), cudaSuccess);
  const cudaGraph_t graph = end(s);
  const cudaGraphExec_t exec = instantiate(graph);
  for (const int value : {5, 6}) {
    *in = value;
    EXPECT_EQ(cudaGraphLaunch(exec, s), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(s), cudaSuccess);
    EXPECT_EQ(*out, value + 1);
    EXPECT_EQ(first(a + 1), 1);
  }
  std::vector<cudaGraphNode_t> nodes(num_nodes(graph));
  std::size_t count = nodes.size();
  ASSERT_EQ(cudaGraphGetNodes(graph, nodes.data(), &count), cudaSuccess);
  std::vector<cudaGraphNodeType> types(count);
  for (std::size_t n = 0; n < count; ++n) EXPECT_EQ(cudaGraphNodeGetType(nodes[n], &types[n]), cudaSuccess);
  EXPECT_EQ(types, (std::vector<cudaGraphNodeType>{cudaGraphNodeTypeMemset, cudaGraphNodeTypeMemcpy,
                                                   cudaGraphNodeTypeKernel, cudaGraphNodeTypeMemcpy}));
}

TEST_F(CaptureApiTest, EventsDrawOtherStreamsIn) {
  const cudaStream_t s = stream();
  const cudaStream_t t = stream();
  const cudaEvent_t fork = event();
  const cudaEvent_t join = event();
  int* const a = device_ints(1, 1);
  int* const b = device_ints(1, 1);
  int* const sum = device_ints(1, 0);
  begin(s);
  add_value(a, 1, 1, s);
  EXPECT_EQ(cudaEventRecord(fork, s), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(t, fork, 0), cudaSuccess);
  copy_ints(a, b, 1, t);
  EXPECT_EQ(cudaEventRecord(join, t), cudaSuccess);
  copy_ints(a, sum, 1, s);
  EXPECT_EQ(cudaStreamWaitEvent(s, join, 0), cudaSuccess);
  add_value(b, 1, 10, s);
  const cudaGraph_t graph = end(s);
  EXPECT_EQ(num_nodes(graph), 4u);
  std::size_t num_roots = 0;
  EXPECT_EQ(cudaGraphGetRootNodes(graph, nullptr, &num_roots), cudaSuccess);
  EXPECT_EQ(num_roots, 1u);
  const cudaGraphExec_t exec = instantiate(graph);
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    set_seed(seed);
    EXPECT_EQ(cudaGraphLaunch(exec, s), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(s), cudaSuccess);
    const int expected = 2 + static_cast<int>(seed);
    EXPECT_EQ(first(a), expected);
    EXPECT_EQ(first(sum), expected);
    EXPECT_EQ(first(b), expected + 10);
  }
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusActive;
  EXPECT_EQ(cudaStreamIsCapturing(t, &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
}

TEST_F(CaptureApiTest, AStreamThatIsNotJoinedSpoilsTheCapture) {
  const cudaStream_t s = stream();
  const cudaStream_t t = stream();
  const cudaEvent_t fork = event();
  int* const a = device_ints(1, 1);
  begin(s);
  EXPECT_EQ(cudaEventRecord(fork, s), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(t, fork, 0), cudaSuccess);
  add_value(a, 1, 1, t);
  EXPECT_EQ(end_error(s), cudaErrorStreamCaptureUnjoined);
}

TEST_F(CaptureApiTest, AllocationsSpoilAGlobalCapture) {
  const cudaStream_t s = stream();
  void* pointer = nullptr;
  begin(s);
  EXPECT_EQ(cudaMalloc(&pointer, 4), cudaErrorStreamCaptureUnsupported);
  expect_spoilt(s);
  begin(s, cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaMalloc(&pointer, 4), cudaSuccess);
  EXPECT_NE(end(s), nullptr);
}

TEST_F(CaptureApiTest, OtherThreadsSpoilGlobalCapturesOnly) {
  const cudaStream_t s = stream();
  const auto allocate_elsewhere = [] {
    cudaError_t error = cudaSuccess;
    std::thread([&] {
      void* pointer = nullptr;
      error = cudaMalloc(&pointer, 4);
    }).join();
    return error;
  };
  begin(s);
  EXPECT_EQ(allocate_elsewhere(), cudaErrorStreamCaptureUnsupported);
  expect_spoilt(s);
  begin(s, cudaStreamCaptureModeThreadLocal);
  EXPECT_EQ(allocate_elsewhere(), cudaSuccess);
  EXPECT_NE(end(s), nullptr);
}

TEST_F(CaptureApiTest, AThreadMaySayThatItKnowsBetter) {
  const cudaStream_t s = stream();
  void* pointer = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  begin(s);
  EXPECT_EQ(cudaThreadExchangeStreamCaptureMode(&mode), cudaSuccess);
  EXPECT_EQ(mode, cudaStreamCaptureModeGlobal);
  EXPECT_EQ(cudaMalloc(&pointer, 4), cudaSuccess);
  EXPECT_EQ(cudaThreadExchangeStreamCaptureMode(&mode), cudaSuccess);
  EXPECT_NE(end(s), nullptr);
}

TEST_F(CaptureApiTest, ThereIsNothingToWaitFor) {
  const cudaStream_t s = stream();
  const cudaEvent_t captured = event();
  begin(s);
  EXPECT_EQ(cudaStreamSynchronize(s), cudaErrorStreamCaptureUnsupported);
  expect_spoilt(s);
  begin(s);
  EXPECT_EQ(cudaStreamQuery(s), cudaErrorStreamCaptureUnsupported);
  expect_spoilt(s);
  begin(s);
  EXPECT_EQ(cudaEventRecord(captured, s), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(captured), cudaErrorCapturedEvent);
  expect_spoilt(s);
  begin(s, cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported);
  expect_spoilt(s);
}

TEST_F(CaptureApiTest, TheDefaultStreamWouldWaitForABlockingStream) {
  const cudaStream_t s = stream(cudaStreamDefault);
  int* const a = device_ints(1, 1);
  int value = 0;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  begin(s);
  EXPECT_EQ(cudaStreamIsCapturing(nullptr, &status), cudaErrorStreamCaptureImplicit);
  EXPECT_EQ(cudaMemsetAsync(a, 0, sizeof(int), nullptr), cudaErrorStreamCaptureImplicit);
  expect_spoilt(s);
  begin(s);
  EXPECT_EQ(cudaMemcpy(&value, a, sizeof value, cudaMemcpyDeviceToHost), cudaErrorStreamCaptureImplicit);
  expect_spoilt(s);
  const cudaStream_t free_stream = stream(cudaStreamNonBlocking);
  begin(free_stream);
  EXPECT_EQ(cudaMemsetAsync(a, 0, sizeof(int), nullptr), cudaSuccess);
  EXPECT_NE(end(free_stream), nullptr);
}

TEST_F(CaptureApiTest, ACaptureCannotDependOnWorkOutside) {
  const cudaStream_t s = stream();
  const cudaStream_t t = stream();
  const cudaEvent_t outside = event();
  EXPECT_EQ(cudaEventRecord(outside, t), cudaSuccess);
  begin(s);
  EXPECT_EQ(cudaStreamWaitEvent(s, outside, 0), cudaErrorStreamCaptureIsolation);
  expect_spoilt(s);
}

TEST_F(CaptureApiTest, TwoCapturesStayApart) {
  const cudaStream_t s = stream();
  const cudaStream_t t = stream();
  const cudaEvent_t recorded = event();
  begin(s);
  begin(t);
  EXPECT_EQ(cudaEventRecord(recorded, s), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(t, recorded, 0), cudaErrorStreamCaptureMerge);
  expect_spoilt(s);
  expect_spoilt(t);
}

TEST_F(CaptureApiTest, OnlyTheOriginEndsACapture) {
  const cudaStream_t s = stream();
  const cudaStream_t t = stream();
  const cudaEvent_t fork = event();
  begin(s);
  EXPECT_EQ(cudaEventRecord(fork, s), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(t, fork, 0), cudaSuccess);
  EXPECT_EQ(end_error(t), cudaErrorStreamCaptureUnmatched);
  EXPECT_EQ(end_error(s), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(cudaStreamBeginCapture(cudaStreamLegacy, cudaStreamCaptureModeGlobal), cudaErrorStreamCaptureUnsupported);
}

TEST_F(CaptureApiTest, ACaptureDescribesItself) {
  const cudaStream_t s = stream();
  int* const a = device_ints(1, 1);
  begin(s);
  add_value(a, 1, 1, s);
  add_value(a, 1, 1, s);
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  unsigned long long id = 0;
  cudaGraph_t graph = nullptr;
  const cudaGraphNode_t* dependencies = nullptr;
  std::size_t num_dependencies = 9;
#if CUDART_VERSION >= 13000
  EXPECT_EQ(cudaStreamGetCaptureInfo(s, &status, &id, &graph, &dependencies, nullptr, &num_dependencies), cudaSuccess);
#else
  EXPECT_EQ(cudaStreamGetCaptureInfo_v2(s, &status, &id, &graph, &dependencies, &num_dependencies), cudaSuccess);
#endif
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  EXPECT_NE(id, 0u);
  ASSERT_EQ(num_dependencies, 1u);
  std::vector<cudaGraphNode_t> nodes(2);
  std::size_t count = 2;
  EXPECT_EQ(cudaGraphGetNodes(graph, nodes.data(), &count), cudaSuccess);
  EXPECT_EQ(dependencies[0], nodes[1]);
  EXPECT_EQ(end(s), graph);
}

TEST_F(CaptureApiTest, GraphsAreBuiltByHandToo) {
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaGraphCreate(&graph, 0), cudaSuccess);
  int* data = device_ints(2, 1);
  int* const out = pinned_ints(1);
  int count = 2, value = 3;
  void* arguments[] = {&data, &count, &value};
  cudaMemsetParams fill{};
  fill.dst = data;
  fill.elementSize = 1;
  fill.width = sizeof(int);
  fill.height = 1;
  cudaKernelNodeParams kernel{};
  kernel.func = const_cast<void*>(add_value_kernel());
  kernel.gridDim = dim3(1);
  kernel.blockDim = dim3(32);
  kernel.kernelParams = arguments;
  cudaGraphNode_t filled = nullptr, added = nullptr, copied = nullptr, last = nullptr;
  EXPECT_EQ(cudaGraphAddMemsetNode(&filled, graph, nullptr, 0, &fill), cudaSuccess);
  EXPECT_EQ(cudaGraphAddKernelNode(&added, graph, &filled, 1, &kernel), cudaSuccess);
  EXPECT_EQ(cudaGraphAddMemcpyNode1D(&copied, graph, &added, 1, out, data + 1, sizeof(int), cudaMemcpyDeviceToHost),
            cudaSuccess);
  EXPECT_EQ(cudaGraphAddEmptyNode(&last, graph, &copied, 1), cudaSuccess);
  EXPECT_EQ(num_nodes(graph), 4u);
  EXPECT_EQ(cudaGraphLaunch(instantiate(graph), nullptr), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(first(data), 3);
  EXPECT_EQ(*out, 4);
}

TEST_F(CaptureApiTest, LaunchesOfOneGraphAreInOrder) {
  const cudaStream_t s = stream();
  const cudaStream_t t = stream();
  int* const a = device_ints(1, 0);
  begin(s);
  add_value(a, 1, 1, s);
  const cudaGraphExec_t exec = instantiate(end(s));
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    set_seed(seed);
    EXPECT_EQ(cudaGraphLaunch(exec, s), cudaSuccess);
    EXPECT_EQ(cudaGraphLaunch(exec, t), cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  }
  EXPECT_EQ(first(a), 8);
}

// ---- what only the emulator does

TEST_F(CaptureApiTest, AMissingEdgeIsARace) {
  if (!control()) GTEST_SKIP() << "a race";
  const cudaStream_t s = stream();
  const cudaStream_t t = stream();
  const cudaEvent_t fork = event();
  const cudaEvent_t join = event();
  int* const a = device_ints(1, 1);
  begin(s);
  EXPECT_EQ(cudaEventRecord(fork, s), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(t, fork, 0), cudaSuccess);
  add_value(a, 1, 1, t);
  add_value(a, 1, 1, s);
  EXPECT_EQ(cudaEventRecord(join, t), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(s, join, 0), cudaSuccess);
  const cudaGraphExec_t exec = instantiate(end(s));
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    set_seed(seed);
    EXPECT_EQ(cudaGraphLaunch(exec, s), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(s), cudaSuccess);
    expect_report("GlobalRace", "");
  }
}

TEST_F(CaptureApiTest, AGraphThatIsDestroyedWhileItWaitsRunsAllTheSame) {
  const cudaStream_t s = stream();
  int* const a = device_ints(1, 1);
  begin(s);
  add_value(a, 1, 1, s);
  const cudaGraphExec_t exec = instantiate(end(s));
  EXPECT_EQ(cudaGraphLaunch(exec, s), cudaSuccess);
  EXPECT_EQ(cudaGraphExecDestroy(exec), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(s), cudaSuccess);
  EXPECT_EQ(first(a), 2);
}

TEST_F(CaptureApiTest, GarbageGraphsAreRefused) {
  if (!control()) GTEST_SKIP() << "a device may crash";
  cudaGraphExec_t exec = nullptr;
  EXPECT_EQ(cudaGraphInstantiate(&exec, nullptr, 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGraphLaunch(nullptr, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGraphLaunch(reinterpret_cast<cudaGraphExec_t>(0x77770), nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGraphDestroy(nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGraphExecDestroy(nullptr), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace emulator

#include <gtest/gtest.h>

#include <functional>

#include "defects/reports.h"
#include "self_test/device_array.h"

/// Programmatic dependent launch: kernels that may overlap the kernel before them and forget to wait for it; each
/// beside a twin that is right. For compute capability 9.0, the first that has it.
namespace emulator::defects {
namespace {

constexpr const char* kFile = "overlap_defect_test.cu";
constexpr unsigned kCount = 256, kBlock = 64;

/// Where a kernel waits for the one before it.
enum class Wait { kFirst, kLast, kNever, kOneThreadAndBarrier, kOneThread };

template <Wait kWait>
__device__ void wait_first() {
  if (kWait == Wait::kFirst) cudaGridDependencySynchronize();
  if ((kWait == Wait::kOneThreadAndBarrier || kWait == Wait::kOneThread) && threadIdx.x == 0)
    cudaGridDependencySynchronize();
  if (kWait == Wait::kOneThreadAndBarrier) __syncthreads();
}

__device__ unsigned element() { return blockIdx.x * blockDim.x + threadIdx.x; }

__global__ void fill_kernel(int* values, int value) {
  cudaTriggerProgrammaticLaunchCompletion();
  values[element()] = value;
}

template <Wait kWait>
__global__ void add_kernel(const int* in, int* out) {
  wait_first<kWait>();
  out[element()] = in[element()] + 1;
  if (kWait == Wait::kLast) cudaGridDependencySynchronize();
}

template <class... Parameters, class... Arguments>
void launch_overlapping(cudaStream_t stream, bool is_allowed, void (*kernel)(Parameters...), Arguments... arguments) {
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = is_allowed;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(kCount / kBlock);
  config.blockDim = dim3(kBlock);
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  require_success(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), "cudaLaunchKernelEx");
}

/// A stream and arrays for what its kernels do.
class OverlapDefect : public ReportTest {
 protected:
  void SetUp() override {
    ReportTest::SetUp();
    if (IsSkipped()) return;
    require_success(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  }
  void TearDown() override {
    if (stream_ != nullptr) cudaStreamDestroy(stream_);
    ReportTest::TearDown();
  }

  /// The kernels as they are issued, in a graph or not, in arrays a, b and c of zeros.
  using Body = std::function<void(int* a, int* b, int* c)>;
  std::function<void()> in_stream(const Body& body) const {
    return [this, body] {
      const auto a = DeviceArray<int>::zeros(kCount), b = DeviceArray<int>::zeros(kCount),
                 c = DeviceArray<int>::zeros(kCount);
      body(a.data(), b.data(), c.data());
      require_success(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    };
  }
  std::function<void()> in_graph(const Body& body) const {
    return in_stream([this, body](int* a, int* b, int* c) {
      cudaGraph_t graph = nullptr;
      cudaGraphExec_t exec = nullptr;
      require_success(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
      body(a, b, c);
      require_success(cudaStreamEndCapture(stream_, &graph), "cudaStreamEndCapture");
      require_success(cudaGraphInstantiate(&exec, graph, 0), "cudaGraphInstantiate");
      require_success(cudaGraphLaunch(exec, stream_), "cudaGraphLaunch");
      require_success(cudaGraphLaunch(exec, stream_), "cudaGraphLaunch");
      require_success(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
      cudaGraphExecDestroy(exec);
      cudaGraphDestroy(graph);
    });
  }

  void fill(int* values, int value) const { fill_kernel<<<kCount / kBlock, kBlock, 0, stream_>>>(values, value); }
  template <Wait kWait>
  void add(const int* in, int* out, bool is_allowed = true) const {
    launch_overlapping(stream_, is_allowed, add_kernel<kWait>, in, out);
  }

  /// A kernel that reads what the one before it writes.
  template <Wait kWait>
  Body fill_and_add(bool is_allowed = true) const {
    return [this, is_allowed](int* a, int* b, int*) {
      fill(a, 5);
      add<kWait>(a, b, is_allowed);
    };
  }
  /// One that writes what the one before it reads.
  template <Wait kWait>
  Body add_and_overwrite() const {
    return [this](int* a, int* b, int* c) {
      add<Wait::kFirst>(b, c);
      add<kWait>(a, b);
    };
  }
  /// One that reads what the last but one writes.
  template <Wait kWait>
  Body fill_and_add_later() const {
    return [this](int* a, int* b, int* c) {
      fill(a, 5);
      add<Wait::kFirst>(b, b);
      add<kWait>(a, c);
    };
  }

  /// A body that is silent, or reports that the wait is missing, in a stream and in a graph.
  void expect_missing_wait(const Body& body) const {
    for (const auto& run : {in_stream(body), in_graph(body)}) {
      const KeptReports reports = expect_report("GlobalRace", kFile, run);
      EXPECT_NE(text_of(reports).find("a grid-dependency wait"), std::string::npos) << text_of(reports);
    }
  }
  void expect_no_report(const Body& body) const {
    for (const auto& run : {in_stream(body), in_graph(body)}) expect_silence(run);
  }

  cudaStream_t stream_ = nullptr;
};

TEST_F(OverlapDefect, ReadBeforeTheWait) {
  expect_no_report(fill_and_add<Wait::kFirst>());
  expect_missing_wait(fill_and_add<Wait::kNever>());
  expect_missing_wait(fill_and_add<Wait::kLast>());
  expect_no_report(fill_and_add<Wait::kNever>(false));
}

TEST_F(OverlapDefect, OneThreadWaitsForItsBlock) {
  expect_no_report(fill_and_add<Wait::kOneThreadAndBarrier>());
  expect_missing_wait(fill_and_add<Wait::kOneThread>());
}

TEST_F(OverlapDefect, WriteBeforeTheWait) {
  expect_no_report(add_and_overwrite<Wait::kFirst>());
  expect_missing_wait(add_and_overwrite<Wait::kLast>());
}

/// The kernel between the two may have started early, too.
TEST_F(OverlapDefect, ReadWhatAKernelFurtherBackWrites) {
  expect_no_report(fill_and_add_later<Wait::kFirst>());
  expect_missing_wait(fill_and_add_later<Wait::kLast>());
}

TEST_F(OverlapDefect, WhoNeverWaitsNeedsNothing) {
  expect_no_report([&](int* a, int* b, int* c) {
    fill(a, 5);
    add<Wait::kNever>(b, c);
    fill(a, 6);
    fill(c, 6);
  });
}

TEST_F(OverlapDefect, NothingOverlapsAMemset) {
  expect_no_report([&](int* a, int* b, int*) {
    fill(a, 5);
    require_success(cudaMemsetAsync(b, 0, kCount * sizeof(int), stream_), "cudaMemsetAsync");
    add<Wait::kNever>(a, b);
  });
}

TEST_F(OverlapDefect, ResultsAreThoseOfTheOrder) {
  for (const std::uint64_t seed : kSeeds) {
    set_schedule(seed);
    const auto a = DeviceArray<int>::zeros(kCount), b = DeviceArray<int>::zeros(kCount);
    fill(a.data(), 5);
    add<Wait::kFirst>(a.data(), b.data());
    require_success(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    EXPECT_EQ(b.read(), std::vector<int>(kCount, 6));
  }
}

}  // namespace
}  // namespace emulator::defects

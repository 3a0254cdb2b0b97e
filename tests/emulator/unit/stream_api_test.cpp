#include <cstdint>

#include "unit/api_fixture.h"
#include "unit/api_kernels.h"

namespace emulator {
namespace {

class StreamApiTest : public ApiTest {
 protected:
  static cudaError_t copy_later(int* to, const int* from, cudaStream_t on) {
    return cudaMemcpyAsync(to, from, sizeof(int), cudaMemcpyDefault, on);
  }
};

TEST_F(StreamApiTest, AStreamIsInOrder) {
  const cudaStream_t s = stream();
  int* const a = device_ints(1, 1);
  int* const b = device_ints(1);
  add_value(a, 1, 1, s);
  copy_ints(a, b, 1, s);
  add_value(a, 1, 10, s);
  EXPECT_EQ(cudaStreamSynchronize(s), cudaSuccess);
  EXPECT_EQ(first(a), 12);
  EXPECT_EQ(first(b), 2);
}

TEST_F(StreamApiTest, EventsOrderStreams) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    set_seed(seed);
    const cudaStream_t s = stream();
    const cudaStream_t t = stream();
    const cudaEvent_t ready = event();
    int* const a = device_ints(1, 1);
    int* const b = device_ints(1);
    add_value(a, 1, 1, s);
    EXPECT_EQ(cudaEventRecord(ready, s), cudaSuccess);
    EXPECT_EQ(cudaStreamWaitEvent(t, ready, 0), cudaSuccess);
    copy_ints(a, b, 1, t);
    EXPECT_EQ(cudaStreamSynchronize(t), cudaSuccess);
    EXPECT_EQ(first(b), 2);
  }
}

TEST_F(StreamApiTest, TheDefaultStreamOrdersBlockingStreams) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    set_seed(seed);
    const cudaStream_t s = stream(cudaStreamDefault);
    const cudaStream_t t = stream(cudaStreamDefault);
    int* const a = device_ints(1, 1);
    int* const b = device_ints(1);
    add_value(a, 1, 1, s);
    copy_ints(a, b, 1, nullptr);
    add_value(b, 1, 5, t);
    EXPECT_EQ(cudaStreamSynchronize(t), cudaSuccess);
    EXPECT_EQ(first(b), 7);
  }
}

TEST_F(StreamApiTest, TheStreamOfAThreadIsABlockingOne) {
  int* const a = device_ints(1, 1);
  add_value(a, 1, 1, cudaStreamPerThread);
  add_value(a, 1, 1, cudaStreamLegacy);
  add_value(a, 1, 1, cudaStreamPerThread);
  EXPECT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
  EXPECT_EQ(first(a), 4);
}

TEST_F(StreamApiTest, QueriesEnd) {
  const cudaStream_t s = stream();
  const cudaEvent_t done = event();
  int* const a = device_ints(1, 1);
  EXPECT_EQ(cudaStreamQuery(s), cudaSuccess);
  add_value(a, 1, 1, s);
  EXPECT_EQ(cudaEventRecord(done, s), cudaSuccess);
  while (cudaEventQuery(done) == cudaErrorNotReady) {
  }
  EXPECT_EQ(cudaEventQuery(done), cudaSuccess);
  while (cudaStreamQuery(s) == cudaErrorNotReady) {
  }
  EXPECT_EQ(first(a), 2);
  cudaGetLastError();
}

TEST_F(StreamApiTest, EventsMeasureTime) {
  const cudaEvent_t start = event();
  const cudaEvent_t end = event();
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorInvalidResourceHandle);
  int* const a = device_ints(1, 1);
  EXPECT_EQ(cudaEventRecord(start, nullptr), cudaSuccess);
  add_value(a, 1, 1);
  EXPECT_EQ(cudaEventRecord(end, nullptr), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
  EXPECT_GE(milliseconds, 0);
  cudaEvent_t timeless = nullptr;
  EXPECT_EQ(cudaEventCreateWithFlags(&timeless, cudaEventDisableTiming), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(timeless, nullptr), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(timeless), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, timeless), cudaErrorInvalidResourceHandle);
}

TEST_F(StreamApiTest, AnEventThatWasNeverRecordedIsDone) {
  const cudaEvent_t never = event();
  EXPECT_EQ(cudaEventQuery(never), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(never), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(nullptr, never, 0), cudaSuccess);
}

TEST_F(StreamApiTest, ADestroyedStreamEndsItsWork) {
  const cudaStream_t s = stream();
  int* const a = device_ints(1, 1);
  add_value(a, 1, 1, s);
  EXPECT_EQ(cudaStreamDestroy(s), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(first(a), 2);
}

TEST_F(StreamApiTest, StreamsKnowHowTheyWereMade) {
  unsigned flags = 9;
  int priority = 9, least = 9, greatest = 9;
  EXPECT_EQ(cudaStreamGetFlags(stream(cudaStreamNonBlocking), &flags), cudaSuccess);
  EXPECT_EQ(flags, unsigned{cudaStreamNonBlocking});
  EXPECT_EQ(cudaDeviceGetStreamPriorityRange(&least, &greatest), cudaSuccess);
  cudaStream_t s = nullptr;
  EXPECT_EQ(cudaStreamCreateWithPriority(&s, cudaStreamDefault, greatest), cudaSuccess);
  EXPECT_EQ(cudaStreamGetPriority(s, &priority), cudaSuccess);
  EXPECT_EQ(priority, greatest);
  EXPECT_EQ(cudaStreamCreateWithFlags(&s, 77), cudaErrorInvalidValue);
}

// ---- what only the emulator does

TEST_F(StreamApiTest, GarbageHandlesAreRefused) {
  if (!control()) GTEST_SKIP() << "a device may crash";
  cudaStream_t const garbage = reinterpret_cast<cudaStream_t>(0x1234560);
  EXPECT_EQ(cudaStreamSynchronize(garbage), cudaErrorInvalidResourceHandle);
  expect_report("Api", "not a stream");
  EXPECT_EQ(cudaEventRecord(nullptr, nullptr), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventRecord(reinterpret_cast<cudaEvent_t>(garbage), nullptr), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventDestroy(nullptr), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamDestroy(nullptr), cudaErrorInvalidResourceHandle);
  const cudaStream_t s = stream();
  EXPECT_EQ(cudaStreamDestroy(s), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(s), cudaErrorInvalidResourceHandle);
  expect_report("Api", "destroyed");
}

TEST_F(StreamApiTest, AMissingEventIsARaceWithEverySeed) {
  if (!control()) GTEST_SKIP() << "a race";
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    set_seed(seed);
    const cudaStream_t s = stream();
    const cudaStream_t t = stream();
    int* const a = device_ints(1, 1);
    int* const b = device_ints(1);
    add_value(a, 1, 1, s);
    copy_ints(a, b, 1, t);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    expect_report("GlobalRace", "");
  }
}

TEST_F(StreamApiTest, AMissingEventChangesTheResultWithSomeSeed) {
  if (!control()) GTEST_SKIP() << "a race";
  int num_early = 0;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    set_seed(seed);
    const cudaStream_t s = stream();
    const cudaStream_t t = stream();
    int* const a = device_ints(1, 1);
    int* const b = device_ints(1);
    add_value(a, 1, 1, s);
    copy_ints(a, b, 1, t);
    EXPECT_EQ(cudaStreamSynchronize(t), cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    num_early += first(b) == 1;
    forget_reports();
  }
  EXPECT_GT(num_early, 0);
}

TEST_F(StreamApiTest, ACopyOfTheDefaultStreamRacesWithNonBlockingStreams) {
  if (!control()) GTEST_SKIP() << "a race";
  const cudaStream_t s = stream(cudaStreamNonBlocking);
  int* const a = device_ints(1, 1);
  EXPECT_EQ(cudaMemset(a, 0, sizeof(int)), cudaSuccess);
  add_value(a, 1, 1, s);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  expect_report("GlobalRace", "");
}

TEST_F(StreamApiTest, WaitingForOneStreamDoesNotOrderAnother) {
  if (!control()) GTEST_SKIP() << "a race";
  const cudaStream_t s = stream();
  const cudaStream_t t = stream();
  int* const a = device_ints(1, 1);
  add_value(a, 1, 1, s);
  EXPECT_EQ(cudaStreamSynchronize(t), cudaSuccess);
  add_value(a, 1, 1, t);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  expect_report("GlobalRace", "");
  add_value(a, 1, 1, s);
  EXPECT_EQ(cudaStreamSynchronize(s), cudaSuccess);
  add_value(a, 1, 1, t);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

}  // namespace
}  // namespace emulator

#include <csignal>
#include <cstdlib>
#include <vector>

#include "unit/api_fixture.h"
#include "unit/api_kernels.h"

namespace emulator {
namespace {

constexpr std::size_t kBytes = sizeof(int);

class MemoryApiTest : public ApiTest {};

TEST_F(MemoryApiTest, CopiesKeepTheBytes) {
  const std::vector<int> numbers{1, 2, 3, 4, 5};
  int* const a = device_ints(5);
  int* const b = device_ints(5);
  std::vector<int> back(5);
  EXPECT_EQ(cudaMemcpy(a, numbers.data(), 5 * kBytes, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(b, a, 5 * kBytes, cudaMemcpyDeviceToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(back.data(), b, 5 * kBytes, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(back, numbers);
  std::vector<int> again(5);
  EXPECT_EQ(cudaMemcpy(again.data(), back.data(), 5 * kBytes, cudaMemcpyHostToHost), cudaSuccess);
  EXPECT_EQ(again, numbers);
}

TEST_F(MemoryApiTest, DefaultDirectionIsTheAddresses) {
  const std::vector<int> numbers{1, 2};
  int* const a = device_ints(2);
  int* const b = device_ints(2);
  std::vector<int> back(2);
  EXPECT_EQ(cudaMemcpy(a, numbers.data(), 2 * kBytes, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(b, a, 2 * kBytes, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(back.data(), b, 2 * kBytes, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(back, numbers);
}

TEST_F(MemoryApiTest, RowsLeaveTheGapsAlone) {
  const std::vector<int> numbers{1, 2, -1, 3, 4, -1};  // 2 rows of 2, 3 apart
  int* const a = device_ints(8, 9);                    // 2 rows of 2, 4 apart
  EXPECT_EQ(cudaMemcpy2D(a, 4 * kBytes, numbers.data(), 3 * kBytes, 2 * kBytes, 2, cudaMemcpyHostToDevice),
            cudaSuccess);
  std::vector<int> back(8);
  EXPECT_EQ(cudaMemcpy(back.data(), a, 8 * kBytes, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(back, (std::vector<int>{1, 2, 9, 9, 3, 4, 9, 9}));
  EXPECT_EQ(cudaMemset2D(a, 4 * kBytes, 0, kBytes, 2), cudaSuccess);
  std::vector<int> rows(6, 8);
  EXPECT_EQ(cudaMemcpy2DAsync(rows.data(), 3 * kBytes, a, 4 * kBytes, 2 * kBytes, 2, cudaMemcpyDeviceToHost, nullptr),
            cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(rows, (std::vector<int>{0, 2, 8, 0, 4, 8}));
  EXPECT_EQ(cudaMemcpy2D(a, kBytes, numbers.data(), 3 * kBytes, 2 * kBytes, 2, cudaMemcpyHostToDevice),
            cudaErrorInvalidPitchValue);
  expect_report("Api", "pitches");
}

TEST_F(MemoryApiTest, FillsAreBytes) {
  int* const a = device_ints(3, 1);
  EXPECT_EQ(cudaMemset(a, 0x101, 2 * kBytes), cudaSuccess);
  std::vector<int> back(3);
  EXPECT_EQ(cudaMemcpy(back.data(), a, 3 * kBytes, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(back, (std::vector<int>{0x01010101, 0x01010101, 1}));
}

TEST_F(MemoryApiTest, NothingIsCopiedWithoutBytes) {
  EXPECT_EQ(cudaMemcpy(nullptr, nullptr, 0, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemset(nullptr, 0, 0), cudaSuccess);
}

TEST_F(MemoryApiTest, CopiesPastTheEndAreRefused) {
  int* const a = device_ints(4);
  std::vector<int> host(8);
  EXPECT_EQ(cudaMemcpy(a, host.data(), 5 * kBytes, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  expect_report("Api", "writes 20 bytes");
  EXPECT_EQ(cudaMemcpy(host.data(), a + 1, 4 * kBytes, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  expect_report("Api", "reads 16 bytes");
  EXPECT_EQ(cudaMemset(a, 0, 17), cudaErrorInvalidValue);
  expect_report("Api", "writes 17 bytes");
}

TEST_F(MemoryApiTest, ReleasedMemoryIsRefused) {
  int* const a = device_ints(4);
  int value = 0;
  EXPECT_EQ(cudaFree(a), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(&value, a, kBytes, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  expect_report("Api", "cudaMemcpy");
  EXPECT_EQ(cudaFree(a), cudaErrorInvalidValue);
  expect_report("Api", "cudaFree");
}

TEST_F(MemoryApiTest, OnlyWhatWasAllocatedIsReleased) {
  int* const a = device_ints(4);
  int local = 0;
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaFree(a + 1), cudaErrorInvalidValue);
  expect_report("Api", "no allocation starts here");
  EXPECT_EQ(cudaFree(&local), cudaErrorInvalidValue);
  expect_report("Api", "not device memory");
}

TEST_F(MemoryApiTest, NoBytesAreANullPointer) {
  void* pointer = &pointer;
  EXPECT_EQ(cudaMalloc(&pointer, 0), cudaSuccess);
  EXPECT_EQ(pointer, nullptr);
  EXPECT_EQ(cudaMalloc(nullptr, 4), cudaErrorInvalidValue);
}

TEST_F(MemoryApiTest, TooMuchIsRefusedAndNotForever) {
  void* pointer = nullptr;
  EXPECT_EQ(cudaMalloc(&pointer, std::size_t{1} << 45), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&pointer, 4), cudaSuccess);
}

TEST_F(MemoryApiTest, PointersSayWhereTheyPoint) {
  int local = 0;
  cudaPointerAttributes attributes{};
  EXPECT_EQ(cudaPointerGetAttributes(&attributes, device_ints(4) + 3), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  EXPECT_EQ(cudaPointerGetAttributes(&attributes, pinned_ints(4) + 3), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeHost);
  EXPECT_EQ(cudaPointerGetAttributes(&attributes, &local), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
}

TEST_F(MemoryApiTest, HostMemoryIsRegisteredOnce) {
  std::vector<int> host(1024);
  EXPECT_EQ(cudaHostRegister(host.data(), 1024 * kBytes, cudaHostRegisterDefault), cudaSuccess);
  EXPECT_EQ(cudaHostRegister(host.data(), 1024 * kBytes, cudaHostRegisterDefault),
            cudaErrorHostMemoryAlreadyRegistered);
  EXPECT_EQ(cudaHostUnregister(host.data()), cudaSuccess);
  EXPECT_EQ(cudaHostUnregister(host.data()), cudaErrorHostMemoryNotRegistered);
}

TEST_F(MemoryApiTest, StreamOrderedMemoryIsReleasedInOrder) {
  const cudaStream_t s = stream();
  int* pointer = nullptr;
  int* const result = device_ints(4);
  const std::vector<int> numbers(4, 3);
  ASSERT_EQ(cudaMallocAsync(reinterpret_cast<void**>(&pointer), 4 * kBytes, s), cudaSuccess);
  EXPECT_EQ(cudaMemcpyAsync(pointer, numbers.data(), 4 * kBytes, cudaMemcpyHostToDevice, s), cudaSuccess);
  copy_ints(pointer, result, 4, s);
  EXPECT_EQ(cudaFreeAsync(pointer, s), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(s), cudaSuccess);
  EXPECT_EQ(first(result), 3);
}

TEST_F(MemoryApiTest, SymbolsAreReadAndWritten) {
  const std::vector<int> numbers{1, 2, 3, 4};
  std::vector<int> back(4);
  EXPECT_EQ(cudaMemcpyToSymbol(device_symbol(), numbers.data(), 4 * kBytes, 0, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpyFromSymbol(back.data(), device_symbol(), 2 * kBytes, kBytes, cudaMemcpyDeviceToHost),
            cudaSuccess);
  EXPECT_EQ(back[0], 2);
  EXPECT_EQ(back[1], 3);
  void* address = nullptr;
  std::size_t bytes = 0;
  EXPECT_EQ(cudaGetSymbolAddress(&address, device_symbol()), cudaSuccess);
  EXPECT_EQ(cudaGetSymbolSize(&bytes, device_symbol()), cudaSuccess);
  EXPECT_EQ(bytes, 4 * kBytes);
  EXPECT_EQ(first(static_cast<int*>(address)), 1);
}

TEST_F(MemoryApiTest, SymbolsBeginWithTheirInitialValues) {
  std::vector<int> back(2);
  EXPECT_EQ(cudaMemcpyFromSymbol(back.data(), constant_symbol(), 2 * kBytes, 0, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(back, (std::vector<int>{5, 7}));
}

TEST_F(MemoryApiTest, SymbolsHaveBounds) {
  std::vector<int> numbers(5);
  int local = 0;
  EXPECT_EQ(cudaMemcpyToSymbol(device_symbol(), numbers.data(), 5 * kBytes, 0, cudaMemcpyHostToDevice),
            cudaErrorInvalidValue);
  expect_report("Api", "of a variable of 16 bytes");
  EXPECT_EQ(cudaMemcpyToSymbol(&local, numbers.data(), kBytes, 0, cudaMemcpyHostToDevice), cudaErrorInvalidSymbol);
}

TEST_F(MemoryApiTest, FreeMemoryShrinks) {
  std::size_t before = 0, after = 0, total = 0;
  EXPECT_EQ(cudaMemGetInfo(&before, &total), cudaSuccess);
  device_ints(std::size_t{1} << 20);
  EXPECT_EQ(cudaMemGetInfo(&after, &total), cudaSuccess);
  EXPECT_LT(after, before);
  EXPECT_LE(before, total);
}

// ---- what only the emulator does

TEST_F(MemoryApiTest, DirectionsAreChecked) {
  if (!control()) GTEST_SKIP() << "a device goes by the addresses";
  int* const a = device_ints(4);
  int local = 0;
  EXPECT_EQ(cudaMemcpy(a, a, kBytes, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  expect_report("Api", "host memory");
  EXPECT_EQ(cudaMemcpy(&local, &local, kBytes, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  expect_report("Api", "not device memory");
  EXPECT_EQ(cudaMemcpy(nullptr, a, kBytes, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  expect_report("Api", "null");
}

TEST_F(MemoryApiTest, PageLockedMemoryIsReadWhenTheCopyRuns) {
  if (!control()) GTEST_SKIP() << "a device may be quicker";
  int* const pinned = pinned_ints(1, 1);
  int pageable = 1;
  int* const a = device_ints(1);
  int* const b = device_ints(1);
  EXPECT_EQ(cudaMemcpyAsync(a, pinned, kBytes, cudaMemcpyHostToDevice, nullptr), cudaSuccess);
  EXPECT_EQ(cudaMemcpyAsync(b, &pageable, kBytes, cudaMemcpyHostToDevice, nullptr), cudaSuccess);
  *pinned = 2;
  pageable = 2;
  EXPECT_EQ(first(a), 2);
  EXPECT_EQ(first(b), 1);
}

TEST_F(MemoryApiTest, ResultsArriveWhenTheHostWaits) {
  if (!control()) GTEST_SKIP() << "a device may be quicker";
  int* const a = device_ints(1, 5);
  int result = -1;
  EXPECT_EQ(cudaMemcpyAsync(&result, a, kBytes, cudaMemcpyDeviceToHost, nullptr), cudaSuccess);
  EXPECT_EQ(result, -1);
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(result, 5);
  set_lazy(false);
  result = -1;
  EXPECT_EQ(cudaMemcpyAsync(&result, a, kBytes, cudaMemcpyDeviceToHost, nullptr), cudaSuccess);
  EXPECT_EQ(result, 5);
}

TEST_F(MemoryApiTest, ReleaseRacesWithUnorderedUse) {
  if (!control()) GTEST_SKIP() << "a race";
  const cudaStream_t s = stream();
  const cudaStream_t t = stream();
  int* pointer = nullptr;
  ASSERT_EQ(cudaMallocAsync(reinterpret_cast<void**>(&pointer), 4 * kBytes, s), cudaSuccess);
  EXPECT_EQ(cudaMemsetAsync(pointer, 0, 4 * kBytes, s), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(s), cudaSuccess);
  add_value(pointer, 4, 1, t);
  EXPECT_EQ(cudaFreeAsync(pointer, s), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  expect_report("GlobalRace", "cudaFreeAsync");
}

using MemoryApiDeathTest = MemoryApiTest;

TEST_F(MemoryApiDeathTest, TheHostCannotTouchDeviceMemory) {
  if (!control()) GTEST_SKIP() << "a device says nothing";
  const volatile int* const a = device_ints(4);
  EXPECT_EXIT(std::exit(a[1]), testing::KilledBySignal(SIGSEGV), "host code touched device memory: .*cudaMalloc");
}

}  // namespace
}  // namespace emulator

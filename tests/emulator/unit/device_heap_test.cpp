#include "memory/device_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace emulator {
namespace {

DeviceHeap& heap() { return DeviceHeap::get(); }

bool is_poison(Address address, std::size_t bytes) {
  const std::byte* const first = heap().backing(address);
  return std::all_of(first, first + bytes, [](std::byte byte) { return byte == std::byte{0xFF}; });
}

TEST(DeviceHeap, GivesPoisonedAlignedMemoryFarFromOthers) {
  const Address a = heap().allocate(1000, "a"), b = heap().allocate(1, "b");
  ASSERT_NE(a, 0u);
  EXPECT_EQ(a % DeviceHeap::kAlignment, 0u);
  EXPECT_EQ(b % DeviceHeap::kAlignment, 0u);
  EXPECT_GE(b, a + 1000 + DeviceHeap::kAlignment);
  EXPECT_TRUE(is_poison(a, 1000));
  EXPECT_TRUE(heap().contains(a));
  EXPECT_FALSE(heap().contains(reinterpret_cast<Address>(heap().backing(a))));
  EXPECT_TRUE(heap().release(a));
  EXPECT_TRUE(heap().release(b));
}

TEST(DeviceHeap, CountsLiveBytes) {
  const std::size_t before = heap().live_bytes();
  const Address a = heap().allocate(1000, "a");
  EXPECT_EQ(heap().live_bytes(), before + 1000);
  heap().release(a);
  EXPECT_EQ(heap().live_bytes(), before);
}

TEST(DeviceHeap, NeverGivesAnAddressTwice) {
  const Address a = heap().allocate(4096, "a");
  EXPECT_TRUE(heap().release(a));
  const Address b = heap().allocate(4096, "b");
  EXPECT_GT(b, a);
  heap().release(b);
}

TEST(DeviceHeap, ReleasesOnlyWhatStartsAtTheAddress) {
  const Address a = heap().allocate(100, "a");
  EXPECT_FALSE(heap().release(a + 4));
  EXPECT_FALSE(heap().release(0));
  EXPECT_TRUE(heap().release(a));
  EXPECT_FALSE(heap().release(a));
}

TEST(DeviceHeap, FindsTheAllocationOfAnAddress) {
  const Address a = heap().allocate(100, "a");
  EXPECT_EQ(heap().find(a - 1), nullptr);
  ASSERT_NE(heap().find(a + 99), nullptr);
  EXPECT_EQ(heap().find(a + 99)->label, "a");
  EXPECT_EQ(heap().find(a + 100), nullptr);
  EXPECT_NE(heap().find_range(a, 100), nullptr);
  EXPECT_NE(heap().find_range(a + 99, 1), nullptr);
  EXPECT_EQ(heap().find_range(a + 1, 100), nullptr);
  EXPECT_EQ(heap().find_range(a, ~std::size_t{0}), nullptr);
  heap().release(a);
  EXPECT_EQ(heap().find(a), nullptr);
}

TEST(DeviceHeap, RefusesMoreThanItsCapacity) {
  EXPECT_EQ(heap().allocate(DeviceHeap::kCapacity + 1, "huge"), 0u);
  EXPECT_EQ(heap().allocate(~std::size_t{0}, "absurd"), 0u);
  const Address a = heap().allocate(1 << 20, "a");
  EXPECT_EQ(heap().allocate(DeviceHeap::kCapacity, "the rest and one more"), 0u);
  heap().release(a);
}

TEST(DeviceHeap, GivesNoBytesAnAddressOfTheirOwn) {
  const Address a = heap().allocate(0, "a"), b = heap().allocate(0, "b");
  EXPECT_NE(a, 0u);
  EXPECT_NE(a, b);
  EXPECT_TRUE(heap().release(a));
  EXPECT_TRUE(heap().release(b));
}

TEST(DeviceHeap, DescribesAddresses) {
  const Address a = heap().allocate(400, "cudaMalloc #3"), b = heap().allocate(8, "cudaMalloc #4");
  EXPECT_EQ(heap().describe(a + 12), "allocation of cudaMalloc #3 (400 bytes) + 12");
  EXPECT_EQ(heap().describe(a + 404),
            "device memory outside every allocation, 4 bytes past the end of the allocation of cudaMalloc #3 (400 "
            "bytes)");
  EXPECT_EQ(heap().describe(b - 4),
            "device memory outside every allocation, 4 bytes before the allocation of cudaMalloc #4 (8 bytes)");
  heap().release(a);
  EXPECT_EQ(heap().describe(a + 12), "freed allocation of cudaMalloc #3 (400 bytes) + 12");
  heap().release(b);
}

TEST(DeviceHeapDeathTest, HostCodeCannotTouchDeviceMemory) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Address a = heap().allocate(4, "a");
  EXPECT_DEATH(
      {
        volatile int value = *reinterpret_cast<const volatile int*>(a);
        static_cast<void>(value);
      },
      "");
  heap().release(a);
}

}  // namespace
}  // namespace emulator

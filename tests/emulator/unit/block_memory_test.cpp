/// Where accesses may go, what they find there, and what they must find written. Races: race_test.cpp.
#include "memory/block_memory.h"

#include <cstring>
#include <set>

#include "checked_block.h"

namespace emulator {
namespace {

class BlockMemoryTest : public CheckedBlock {
 protected:
  /// The access ends the launch with one report of this kind.
  template <class Body>
  void expect_failure(Kind kind, const std::string& part, Body&& body) {
    EXPECT_THROW(body(), LaunchFailure);
    expect_report(kind, part);
  }
};

constexpr AccessKind kRead = AccessKind::kRead, kWrite = AccessKind::kWrite;

// ---- where the bytes are

TEST_F(BlockMemoryTest, GivesTheBytesOfEveryLane) {
  const Address a = device(4096);
  std::byte* const backing = DeviceHeap::get().backing(a);
  access_row(kRead, Space::kGlobal, 1, a + 64, 4, 4);
  for (int lane = 0; lane < kWarpSize; ++lane) EXPECT_EQ(places_[lane], backing + 64 + lane * 4);
  access_row(kRead, Space::kGeneric, 1, a + 16 * 31, -16, 16);
  for (int lane = 0; lane < kWarpSize; ++lane) EXPECT_EQ(places_[lane], backing + (31 - lane) * 16);
  access_row(kRead, Space::kConst, 1, a + 8, 0, 8);
  for (int lane = 0; lane < kWarpSize; ++lane) EXPECT_EQ(places_[lane], backing + 8);
  access_row(kRead, Space::kGlobal, 1, a, 12, 4, 0x0ff0);
  for (int lane = 4; lane < 12; ++lane) EXPECT_EQ(places_[lane], backing + lane * 12);
}

TEST_F(BlockMemoryTest, LeavesOtherLanesAlone) {
  const Address a = device(4096);
  access_row(kRead, Space::kGlobal, 1, a, 4, 4, 0x00f0);
  EXPECT_EQ(places_[3], nullptr);
  EXPECT_EQ(places_[4], DeviceHeap::get().backing(a + 16));
  EXPECT_EQ(places_[8], nullptr);
}

TEST_F(BlockMemoryTest, SharedMemoryIsOneByOffsetAndByAddress) {
  std::byte* const by_offset = write(0, 3, kS + 8, 4, Space::kShared);
  EXPECT_EQ(read(0, 3, memory_.shared_window() + kS + 8), by_offset);
}

TEST_F(BlockMemoryTest, EveryBlockBeginsWithPoison) {
  std::byte* const shared = write(0, 0, kS, 4, Space::kShared);
  std::byte* const local = write(0, 0, memory_.local_window(0), 4, Space::kLocal);
  std::memset(shared, 1, 4);
  std::memset(local, 1, 4);
  next_block();
  EXPECT_EQ(*shared, std::byte{0xFF});
  EXPECT_EQ(*local, std::byte{0xFF});
}

TEST_F(BlockMemoryTest, EveryThreadHasItsOwnLocalMemory) {
  std::set<std::byte*> places;
  for (int thread = 0; thread < kThreads; ++thread)
    places.insert(write(thread / 32, thread % 32, memory_.local_window(thread) + 60, 4, Space::kLocal));
  EXPECT_EQ(places.size(), static_cast<std::size_t>(kThreads));
  EXPECT_EQ(read(1, 2, memory_.local_window(34) + 60), *std::next(places.begin(), 34));
}

TEST_F(BlockMemoryTest, CountsLanes) {
  const Address a = device(4096);
  const std::uint64_t before = memory_.checked_accesses();
  access_row(kRead, Space::kGlobal, 0, a, 4, 4, 0x7);
  read(0, 0, a);
  EXPECT_EQ(memory_.checked_accesses(), before + 4);
}

// ---- bounds

TEST_F(BlockMemoryTest, GlobalReadPastTheEnd) {
  const Address a = device(400);
  read(0, 0, a + 396);
  expect_failure(Kind::kOutOfBounds, "0 bytes past the end of the allocation of test (400 bytes)",
                 [&] { read(0, 0, a + 400); });
}

TEST_F(BlockMemoryTest, GlobalReadBeforeTheBeginning) {
  const Address a = device(400);
  read(0, 0, a);
  expect_failure(Kind::kOutOfBounds, "4 bytes before the allocation of test", [&] { read(0, 0, a - 4); });
}

TEST_F(BlockMemoryTest, RowThatLeavesTheAllocationNamesItsFirstLane) {
  const Address a = device(400);
  expect_failure(Kind::kOutOfBounds, "read of 4 bytes at a.cu:3 by block 0 thread 68 (warp 2 lane 4): device memory",
                 [&] { access_row(kRead, Space::kGlobal, 2, a + 384, 4, 4); });
}

TEST_F(BlockMemoryTest, WideAccessThatEndsOutside) {
  const Address a = device(24);
  read(0, 0, a, 16);
  expect_failure(Kind::kOutOfBounds, "read of 16 bytes", [&] { read(0, 0, a + 16, 16); });
}

TEST_F(BlockMemoryTest, BoundsAreExactToTheByte) {
  const Address a = device(6);
  read(0, 0, a);
  read(0, 0, a + 4, 2);
  read(0, 0, a + 5, 1);
  write(0, 0, a + 4, 2);
  expect_failure(Kind::kOutOfBounds, "0 bytes past the end of the allocation of test (6 bytes)",
                 [&] { read(0, 0, a + 6, 1); });
}

TEST_F(BlockMemoryTest, WordThatIsOnlyPartlyAllocated) {
  const Address a = device(6);
  expect_failure(Kind::kOutOfBounds, "(6 bytes)", [&] { read(0, 0, a + 4, 4); });
}

TEST_F(BlockMemoryTest, BytesOfARowPastTheEnd) {
  const Address a = device(41);
  access_row(kRead, Space::kGlobal, 0, a + 9, 1, 1);
  expect_failure(Kind::kOutOfBounds, "thread 31", [&] { access_row(kRead, Space::kGlobal, 0, a + 10, 1, 1); });
}

TEST_F(BlockMemoryTest, SharedVariablesAreBoundsToo) {
  write_shared(0, 0, kS + kSBytes - 4);
  write_shared(0, 0, kT + 4, 2);
  expect_failure(Kind::kOutOfBounds, "0 bytes past the end of shared variable s (256 bytes)",
                 [&] { write_shared(0, 0, kS + kSBytes); });
}

TEST_F(BlockMemoryTest, SharedByteOutsideByGenericAddress) {
  write(0, 0, memory_.shared_window() + kT + 5, 1);
  expect_failure(Kind::kOutOfBounds, "0 bytes past the end of shared variable t (6 bytes)",
                 [&] { write(0, 0, memory_.shared_window() + kT + 6, 1); });
}

TEST_F(BlockMemoryTest, SharedBeforeTheFirstVariable) {
  expect_failure(Kind::kOutOfBounds, "4 bytes before shared variable s", [&] { write_shared(0, 0, kS - 4); });
}

TEST_F(BlockMemoryTest, SharedBeyondTheWindow) {
  expect_failure(Kind::kOutOfBounds, "outside every variable", [&] { write_shared(0, 0, Address{0} - 4); });
}

TEST_F(BlockMemoryTest, VariablesOfAnEarlierLaunchAreGone) {
  write_shared(0, 0, kS);
  launch_.shared = {{"u", 4096, 16}};
  next_launch();
  write_shared(0, 0, 4096);
  expect_failure(Kind::kOutOfBounds, "shared variable u", [&] { write_shared(0, 0, kS); });
}

TEST_F(BlockMemoryTest, SplitWordsOfAnEarlierLaunchAreGone) {
  write_shared(0, 0, kS, 1);
  launch_.shared = {{"u", 4096, 16}};
  next_launch();
  expect_failure(Kind::kOutOfBounds, "shared variable u", [&] { write_shared(0, 0, kS, 1); });
}

TEST_F(BlockMemoryTest, UseAfterFree) {
  const Address a = device(4096);
  read(0, 0, a + 100);
  read(0, 0, a + 40, 2);
  DeviceHeap::get().release(a);
  expect_failure(Kind::kOutOfBounds, "freed allocation of test (4096 bytes) + 100", [&] { read(0, 0, a + 100); });
  EXPECT_THROW(read(0, 0, a + 40, 2), LaunchFailure);
}

TEST_F(BlockMemoryTest, LocalMemoryHasBounds) {
  const Address local = memory_.local_window(5);
  write(0, 5, local + 60, 4, Space::kLocal);
  write(0, 5, local + 48, 16);
  expect_failure(Kind::kOutOfBounds, "local memory (64 bytes) + 64",
                 [&] { write(0, 5, local + 64, 4, Space::kLocal); });
}

TEST_F(BlockMemoryTest, LocalMemoryPastTheEndByGenericAddress) {
  expect_failure(Kind::kOutOfBounds, "local memory (64 bytes) + 64",
                 [&] { write(0, 5, memory_.local_window(5) + 64); });
}

TEST_F(BlockMemoryTest, LocalMemoryBeforeItsBegin) {
  expect_failure(Kind::kOutOfBounds, "local memory (64 bytes) + -4",
                 [&] { write(0, 5, memory_.local_window(5) - 4, 4, Space::kLocal); });
}

TEST_F(BlockMemoryTest, LocalMemoryOfAnotherThread) {
  write(0, 5, memory_.local_window(5) + 8);
  expect_failure(Kind::kLocalEscape, "local memory of thread 5 (64 bytes) + 8",
                 [&] { read(1, 0, memory_.local_window(5) + 8); });
}

TEST_F(BlockMemoryTest, KernelWithoutLocalMemory) {
  launch_.local_bytes = 0;
  next_launch();
  expect_failure(Kind::kOutOfBounds, "local memory (0 bytes)",
                 [&] { write(0, 0, memory_.local_window(0), 4, Space::kLocal); });
}

// ---- pointers that are none of the device's

TEST_F(BlockMemoryTest, HostPointer) {
  int value = 0;
  expect_failure(Kind::kHostPointer, "a pointer of the host", [&] { read(0, 0, reinterpret_cast<Address>(&value)); });
}

TEST_F(BlockMemoryTest, BackingOfDeviceMemoryIsAHostPointer) {
  const auto inside = reinterpret_cast<Address>(DeviceHeap::get().backing(device(64)));
  expect_failure(Kind::kHostPointer, "", [&] { read(0, 0, inside, 4, Space::kGlobal); });
}

TEST_F(BlockMemoryTest, NullPointer) {
  expect_failure(Kind::kHostPointer, "null pointer + 8", [&] { write(0, 0, 8); });
}

TEST_F(BlockMemoryTest, GlobalAccessToSharedMemory) {
  expect_failure(Kind::kOutOfBounds, "shared variable s (256 bytes) + 4, accessed as global memory",
                 [&] { write(0, 0, memory_.shared_window() + kS + 4, 4, Space::kGlobal); });
}

TEST_F(BlockMemoryTest, OneLaneOfManyWithABadPointer) {
  const Address a = device(4096);
  Address addresses[kWarpSize];
  std::byte* places[kWarpSize];
  for (int lane = 0; lane < kWarpSize; ++lane) addresses[lane] = a + static_cast<Address>(lane) * 4;
  addresses[17] = 0;
  expect_failure(Kind::kHostPointer, "(warp 3 lane 17): null pointer", [&] {
    memory_.access({kRead, Space::kGeneric, false, 3, kAllLanes, 4, 0}, addresses, places);
  });
}

// ---- alignment

TEST_F(BlockMemoryTest, Misaligned) {
  const Address a = device(64);
  read(0, 0, a + 8, 8);
  expect_failure(Kind::kMisaligned, "allocation of test (64 bytes) + 4: not a multiple", [&] { read(0, 0, a + 4, 8); });
}

TEST_F(BlockMemoryTest, MisalignedRow) {
  const Address a = device(4096);
  expect_failure(Kind::kMisaligned, "lane 0", [&] { access_row(kRead, Space::kGlobal, 0, a + 2, 4, 4); });
}

TEST_F(BlockMemoryTest, MisalignedShared) {
  expect_failure(Kind::kMisaligned, "shared variable s", [&] { write_shared(0, 0, kS + 8, 16); });
}

TEST_F(BlockMemoryTest, MisalignedLocal) {
  expect_failure(Kind::kMisaligned, "local memory + 2",
                 [&] { write(0, 0, memory_.local_window(0) + 2, 4, Space::kLocal); });
}

// ---- what was never written

TEST_F(BlockMemoryTest, UninitialisedShared) {
  write_shared(0, 0, kS);
  read_shared(0, 0, kS);
  read_shared(0, 0, kS + 4);
  expect_report(
      Kind::kUninitialisedShared,
      "read of 4 bytes at a.cu:1 by block 0 thread 0 (warp 0 lane 0), shared variable s (256 bytes) + 4: never "
      "written in this block");
}

TEST_F(BlockMemoryTest, SharedMemoryOfTheBlockBeforeIsUninitialised) {
  write_shared(0, 0, kS);
  next_block();
  read_shared(0, 0, kS);
  expect_report(Kind::kUninitialisedShared);
}

TEST_F(BlockMemoryTest, UninitialisedIsExactToTheByte) {
  write_shared(0, 0, kS, 2);
  read_shared(0, 0, kS, 2);
  write_shared(0, 0, kS + 3, 1);
  read_shared(0, 0, kS + 3, 1);
  expect_reports({});
  read_shared(0, 0, kS, 4);
  expect_report(Kind::kUninitialisedShared, "+ 2: never written");
}

TEST_F(BlockMemoryTest, UninitialisedGlobal) {
  const Address a = device(64, false);
  write(0, 0, a + 8);
  read(0, 0, a + 8);
  read(0, 0, a + 12);
  expect_report(Kind::kUninitialisedGlobal, "allocation of test (64 bytes) + 12: never written");
}

TEST_F(BlockMemoryTest, UninitialisedAtomic) {
  atomic_shared(0, 0, kS);
  expect_report(Kind::kUninitialisedShared, "atomic of 4 bytes");
}

TEST_F(BlockMemoryTest, UninitialisedIsSaidOncePerPlace) {
  for (int k = 0; k < 3; ++k) access(kRead, Space::kShared, 0, 0, kS, 4, k == 0 ? "a.cu:1" : "a.cu:9");
  expect_report(Kind::kUninitialisedShared);
}

TEST_F(BlockMemoryTest, CopiesAndKernelsInitialise) {
  const Address a = device(64, false);
  note_host_write(a + 5, 3, Operations::after_all(), "cudaMemset");
  next_launch();
  read(0, 0, a + 5, 1);
  read(0, 0, a + 6, 2);
  write(1, 1, a + 32, 16);
  next_launch();
  read(0, 0, a + 40, 8);
  expect_reports({});
  read(0, 0, a + 4, 4);
  expect_report(Kind::kUninitialisedGlobal, "+ 4: never written");
}

TEST_F(BlockMemoryTest, MemoryAllocatedAnewIsUninitialised) {
  const Address a = device(16384);
  DeviceHeap::get().release(a);
  const Address b = device(16384, false);
  read(0, 0, b + 8192);
  expect_report(Kind::kUninitialisedGlobal);
}

TEST_F(BlockMemoryTest, EveryLaneOfARowIsLookedAt) {
  for (int lane = 0; lane < kWarpSize; ++lane) {
    if (lane != 21) write_shared(0, lane, kS + static_cast<Address>(lane) * 4);
  }
  memory_.block_barrier();
  access_row(kRead, Space::kShared, 0, kS, 4, 4);
  expect_report(Kind::kUninitialisedShared, "lane 21");
}

TEST_F(BlockMemoryTest, EveryByteOfARowOfHalvesIsLookedAt) {
  for (int lane = 0; lane < kWarpSize; ++lane) {
    if (lane != 21) write_shared(0, lane, kS + static_cast<Address>(lane) * 2, 2);
  }
  write_shared(0, 0, kS + 42, 1);
  memory_.block_barrier();
  access_row(kRead, Space::kShared, 0, kS, 2, 2);
  expect_report(Kind::kUninitialisedShared, "lane 21");
}

TEST_F(BlockMemoryTest, RowsOfEverySizeAreSilentWhereAllIsWell) {
  const Address a = device(8192, false);
  for (const std::uint32_t bytes : {1u, 2u, 4u, 8u, 16u}) {
    for (const Address shift : {0u, 1u, 3u, 5u}) {
      const Address first = a + shift * bytes;
      access_row(kWrite, Space::kGlobal, 0, first, bytes, bytes);
      access_row(kRead, Space::kGlobal, 0, first, bytes, bytes);
      memory_.block_barrier();
      access_row(kRead, Space::kGlobal, 1, first + 31 * bytes, -static_cast<std::int64_t>(bytes), bytes);
      access_row(kRead, Space::kGlobal, 1, first, 0, bytes);
      memory_.block_barrier();
    }
  }
}

}  // namespace
}  // namespace emulator

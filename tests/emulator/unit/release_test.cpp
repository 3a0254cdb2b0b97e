/// What a fence and an atomic order between blocks of one launch, and what they do not.
#include "checked_block.h"

namespace emulator {
namespace {

class ReleaseTest : public CheckedBlock {
 protected:
  void SetUp() override {
    CheckedBlock::SetUp();
    counter_ = device(64);
    other_counter_ = counter_ + 8;
    data_ = device(4096);
  }

  /// A ticket: a fence and an atomic of one thread.
  void publish(int warp, int lane, Address counter) {
    memory_.fence(warp, LaneMask{1} << lane);
    atomic(warp, lane, counter);
  }

  Address counter_ = 0, other_counter_ = 0, data_ = 0;
};

TEST_F(ReleaseTest, FenceAndAtomicOrderAWriteBeforeALaterAtomic) {
  write(0, 0, data_);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  read(0, 0, data_);
  write(0, 0, data_);
}

TEST_F(ReleaseTest, TheyOrderReadsToo) {
  read(0, 0, data_);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  write(0, 0, data_);
}

TEST_F(ReleaseTest, ReadBeforeNoFence) {
  read(0, 0, data_);
  atomic(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  write(0, 0, data_);
  expect_report(Kind::kGlobalRace, "the read at a.cu:1 by block 0");
}

TEST_F(ReleaseTest, WithoutAFence) {
  write(0, 0, data_);
  atomic(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace, "the write at a.cu:2 by block 0 warp 0 lane 0");
}

TEST_F(ReleaseTest, WithoutALaterAtomic) {
  write(0, 0, data_);
  publish(0, 0, counter_);
  next_block();
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace);
}

TEST_F(ReleaseTest, AtAnotherAddress) {
  write(0, 0, data_);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 0, other_counter_);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace);
}

TEST_F(ReleaseTest, WriteBetweenFenceAndAtomicStaysPrivate) {
  memory_.fence(0, 0x1);
  write(0, 0, data_);
  atomic(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace);
}

TEST_F(ReleaseTest, WriteAfterTheAtomicStaysPrivate) {
  publish(0, 0, counter_);
  write(0, 0, data_);
  atomic(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace);
}

TEST_F(ReleaseTest, ReleasingAtomicNeedsNoFence) {
  write(0, 0, data_);
  access(AccessKind::kAtomic, Space::kGlobal, 0, 0, counter_, 4, "", true);
  write(0, 0, data_ + 4);
  next_block();
  atomic(0, 0, counter_);
  read(0, 0, data_);
  expect_reports({});
  read(0, 0, data_ + 4);
  expect_report(Kind::kGlobalRace);
}

TEST_F(ReleaseTest, AtomicsOfSharedMemoryOrderNothing) {
  write_shared(0, 0, kS);
  write(0, 0, data_);
  memory_.fence(0, 0x1);
  atomic_shared(0, 0, kS);
  next_block();
  write_shared(0, 0, kS);
  atomic_shared(0, 0, kS);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace);
}

// ---- what other threads of the block did

TEST_F(ReleaseTest, OtherThreadsBeforeABarrierAreCovered) {
  for (int warp = 0; warp < 4; ++warp)
    access_row(AccessKind::kWrite, Space::kGlobal, warp, data_ + 128 * static_cast<Address>(warp), 4, 4);
  memory_.block_barrier();
  publish(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  for (int warp = 0; warp < 4; ++warp) read(0, 0, data_ + 128 * static_cast<Address>(warp), 16);
}

TEST_F(ReleaseTest, OtherThreadsWithoutABarrierAreNot) {
  access_row(AccessKind::kWrite, Space::kGlobal, 1, data_, 4, 4);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  read(0, 0, data_ + 8);
  expect_report(Kind::kGlobalRace, "by block 0 warp 1 lane 2");
}

TEST_F(ReleaseTest, OtherLanesWithoutABarrierAreNot) {
  access_row(AccessKind::kWrite, Space::kGlobal, 0, data_, 4, 4);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  read(0, 0, data_);
  expect_reports({});
  read(0, 0, data_ + 8);
  expect_report(Kind::kGlobalRace, "by block 0 warp 0 lane 2");
}

TEST_F(ReleaseTest, OtherLanesBeforeAWarpBarrierAre) {
  access_row(AccessKind::kWrite, Space::kGlobal, 0, data_, 4, 4);
  memory_.warp_barrier(0, kAllLanes);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  read(0, 0, data_ + 8);
}

TEST_F(ReleaseTest, OtherWarpsBeforeANamedBarrierAre) {
  write(1, 3, data_);
  write(2, 3, data_ + 4);
  memory_.named_barrier(0x3, 0x1);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  read(0, 0, data_);
  expect_reports({});
  read(0, 0, data_ + 4);
  expect_report(Kind::kGlobalRace, "by block 0 warp 2 lane 3");
}

TEST_F(ReleaseTest, FencesOfAllThreadsThenABarrierThenOneAtomic) {
  for (int warp = 0; warp < 4; ++warp) {
    access_row(AccessKind::kWrite, Space::kGlobal, warp, data_ + 128 * static_cast<Address>(warp), 4, 4);
    memory_.fence(warp, kAllLanes);
  }
  memory_.block_barrier();
  atomic(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  for (int warp = 0; warp < 4; ++warp) read(0, 0, data_ + 128 * static_cast<Address>(warp), 16);
}

TEST_F(ReleaseTest, FencesOfSomeThreadsThenABarrierThenOneAtomic) {
  for (int warp = 0; warp < 4; ++warp) {
    access_row(AccessKind::kWrite, Space::kGlobal, warp, data_ + 128 * static_cast<Address>(warp), 4, 4);
    if (warp != 2) memory_.fence(warp, kAllLanes);
  }
  memory_.block_barrier();
  atomic(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  for (const Address warp : {0u, 1u, 3u}) read(0, 0, data_ + 128 * warp, 16);
  expect_reports({});
  read(0, 0, data_ + 256);
  expect_report(Kind::kGlobalRace, "by block 0 warp 2 lane 0");
}

TEST_F(ReleaseTest, FenceOfAnotherThreadIsNotEnough) {
  write(0, 5, data_);
  memory_.fence(0, 0x20);
  memory_.block_barrier();
  atomic(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace);
}

TEST_F(ReleaseTest, FenceOfAnotherThreadInTheSameIntervalDoesNotOrderIt) {
  write(0, 5, data_);
  memory_.fence(0, 0x20);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace, "lane 5");
}

TEST_F(ReleaseTest, FenceOfTheBlockBeforeIsForgotten) {
  memory_.fence(0, kAllLanes);
  next_block();
  write(0, 5, data_);
  memory_.fence(0, 0x20);
  memory_.block_barrier();
  atomic(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace);
}

// ---- who has taken over

TEST_F(ReleaseTest, OnlyTheLaneOfTheAtomicKnowsAtOnce) {
  write(0, 0, data_);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 7, counter_);
  read(0, 8, data_);
  expect_report(Kind::kGlobalRace);
}

TEST_F(ReleaseTest, TheBlockKnowsAfterABarrier) {
  write(0, 0, data_);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 7, counter_);
  memory_.block_barrier();
  read(3, 8, data_);
}

TEST_F(ReleaseTest, TheWarpKnowsAfterItsBarrier) {
  write(0, 0, data_);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 7, counter_);
  memory_.warp_barrier(0, kAllLanes);
  read(0, 8, data_);
  expect_reports({});
  read(1, 8, data_);
  expect_report(Kind::kGlobalRace);
}

TEST_F(ReleaseTest, WarpsKnowAfterANamedBarrier) {
  write(0, 0, data_);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 7, counter_);
  memory_.named_barrier(0x7, 0x2);
  read(1, 8, data_);
  expect_reports({});
  read(2, 8, data_);
  expect_report(Kind::kGlobalRace);
}

TEST_F(ReleaseTest, EveryEarlierBlockIsKnown) {
  for (Address block = 0; block < 3; ++block) {
    write(0, 0, data_ + block * 4);
    publish(0, 0, counter_);
    next_block();
  }
  atomic(0, 0, counter_);
  read(0, 0, data_, 8);
  read(0, 0, data_ + 8);
}

TEST_F(ReleaseTest, WhatIsPublishedAfterItWasTakenOverIsNotHandedOn) {
  write(0, 0, data_);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  publish(0, 0, other_counter_);
  next_block();
  write(0, 0, data_ + 4);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 0, other_counter_);
  read(0, 0, data_);
  expect_reports({});
  read(0, 0, data_ + 4);
  expect_report(Kind::kGlobalRace, "by block 2");
}

TEST_F(ReleaseTest, WhatWasTakenOverIsHandedOn) {
  write(0, 0, data_);
  publish(0, 0, counter_);
  next_block();
  atomic(0, 0, counter_);
  publish(0, 0, other_counter_);
  next_block();
  atomic(0, 0, other_counter_);
  read(0, 0, data_);
}

TEST_F(ReleaseTest, OnlyWhatWasHandedOnBeforeItWasTakenOverCounts) {
  const Address third_counter = counter_ + 16;
  write(0, 0, data_);
  publish(0, 0, counter_);
  next_block();
  publish(0, 0, other_counter_);
  next_block();
  atomic(0, 0, other_counter_);
  publish(0, 0, third_counter);
  next_block();
  atomic(0, 0, counter_);
  publish(0, 0, other_counter_);
  next_block();
  atomic(0, 0, third_counter);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace, "by block 0");
}

TEST_F(ReleaseTest, WhatIsTakenOverAfterwardsIsNotHandedOn) {
  write(0, 0, data_);
  publish(0, 0, counter_);
  next_block();
  publish(0, 0, other_counter_);
  atomic(0, 0, counter_);
  next_block();
  atomic(0, 0, other_counter_);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace);
}

TEST_F(ReleaseTest, NothingOutlivesTheLaunch) {
  const std::uint32_t before = Operations::last_operation();
  next_launch(Operations::of_stream(1, before));
  write(0, 0, data_);
  publish(0, 0, counter_);
  next_launch(Operations::of_stream(2, before));
  atomic(0, 0, counter_);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace, "of stream 1");
}

/// Every block adds up its part; the one with the last ticket reads all parts.
TEST_F(ReleaseTest, LastBlockPattern) {
  constexpr int kBlocks = 70;
  for (int block = 0; block < kBlocks; ++block) {
    write(0, 0, data_ + static_cast<Address>(block) * 4);
    publish(0, 0, counter_);
    memory_.block_barrier();
    if (block < kBlocks - 1) next_block();
  }
  access_row(AccessKind::kRead, Space::kGlobal, 0, data_, 4, 4);
  access_row(AccessKind::kRead, Space::kGlobal, 1, data_ + 128, 4, 4);
}

TEST_F(ReleaseTest, LastBlockPatternWithoutItsFence) {
  for (int block = 0; block < 4; ++block) {
    write(0, 0, data_ + static_cast<Address>(block) * 4);
    atomic(0, 0, counter_);
    memory_.block_barrier();
    if (block < 3) next_block();
  }
  access_row(AccessKind::kRead, Space::kGlobal, 0, data_, 4, 4, 0xF);
  expect_report(Kind::kGlobalRace, "unordered with the write");
}

TEST_F(ReleaseTest, FenceDoesNotDisturbOrderInItsBlock) {
  write(0, 0, data_);
  memory_.fence(0, 0x1);
  write(0, 0, data_);
  memory_.warp_barrier(0, kAllLanes);
  read(0, 9, data_);
  memory_.fence(0, kAllLanes);
  access_row(AccessKind::kWrite, Space::kGlobal, 0, data_ + 512, 4, 4);
  memory_.fence(0, kAllLanes);
  access_row(AccessKind::kRead, Space::kGlobal, 0, data_ + 512, 4, 4);
  expect_reports({});
  read(0, 1, data_ + 512);
  expect_report(Kind::kGlobalRace);
}

}  // namespace
}  // namespace emulator

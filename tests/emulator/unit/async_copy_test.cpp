/// cp.async: when its bytes arrive, and what may happen before.
#include <cstring>

#include "checked_block.h"

namespace emulator {
namespace {

class AsyncCopyTest : public CheckedBlock {
 protected:
  void SetUp() override {
    CheckedBlock::SetUp();
    source_ = device(256);
    for (int byte = 0; byte < 256; ++byte) DeviceHeap::get().backing(source_)[byte] = static_cast<std::byte>(byte);
  }

  void issue(int warp, int lane, Address destination, Address source, std::uint32_t bytes = 16,
             std::uint32_t source_bytes = 16) {
    memory_.issue_async_copy(warp, lane, {destination, source, bytes, source_bytes}, add_site("copy.cu:5"));
  }
  void commit(int warp, LaneMask lanes = kAllLanes) { memory_.commit_async_copies(warp, lanes); }
  void wait(int warp, int pending, LaneMask lanes = kAllLanes) { memory_.wait_async_copies(warp, lanes, pending); }
  const std::byte* shared(Address offset) const {
    return reinterpret_cast<const std::byte*>(memory_.shared_window() + offset);
  }
  bool has_landed(Address destination, Address source, std::size_t bytes = 16) const {
    return std::memcmp(shared(destination), DeviceHeap::get().backing(source), bytes) == 0;
  }
  template <class Body>
  void expect_failure(Kind kind, const std::string& part, Body&& body) {
    EXPECT_THROW(body(), LaunchFailure);
    expect_report(kind, part);
  }

  Address source_ = 0;
};

TEST_F(AsyncCopyTest, LandsAtTheWaitForItsGroup) {
  issue(0, 0, kS, source_ + 32);
  commit(0);
  EXPECT_EQ(*shared(kS), std::byte{0xFF});
  wait(0, 0);
  EXPECT_TRUE(has_landed(kS, source_ + 32));
  read_shared(0, 0, kS, 16);
}

TEST_F(AsyncCopyTest, LatestGroupsMayStayInFlight) {
  for (const Address part : {0u, 16u, 32u}) {
    issue(0, 0, kS + part, source_ + part);
    commit(0);
  }
  wait(0, 1);
  EXPECT_TRUE(has_landed(kS, source_, 32));
  EXPECT_FALSE(has_landed(kS + 32, source_ + 32));
  read_shared(0, 0, kS, 16);
  read_shared(0, 0, kS + 16, 16);
  expect_reports({});
  read_shared(0, 0, kS + 32);
  expect_report(Kind::kAsyncCopy, "shared variable s (256 bytes) + 32: an asynchronous copy to it is in flight");
  wait(0, 0);
  EXPECT_TRUE(has_landed(kS + 32, source_ + 32));
}

TEST_F(AsyncCopyTest, EmptyGroupsCount) {
  issue(0, 0, kS, source_);
  commit(0);
  commit(0);
  wait(0, 1);
  EXPECT_TRUE(has_landed(kS, source_));
}

TEST_F(AsyncCopyTest, CopiesAreCountedByLane) {
  issue(0, 0, kS, source_);
  issue(0, 1, kS + 16, source_ + 16);
  commit(0, 0x1);
  wait(0, 0);
  EXPECT_TRUE(has_landed(kS, source_));
  EXPECT_FALSE(has_landed(kS + 16, source_ + 16));
  memory_.wait_all_async_copies(0, 0x2);
  EXPECT_TRUE(has_landed(kS + 16, source_ + 16));
}

TEST_F(AsyncCopyTest, WaitAllTakesWhatWasNotCommitted) {
  issue(0, 0, kS, source_);
  commit(0);
  issue(0, 0, kS + 16, source_ + 16);
  wait(0, 0);
  EXPECT_FALSE(has_landed(kS + 16, source_ + 16));
  memory_.wait_all_async_copies(0, kAllLanes);
  EXPECT_TRUE(has_landed(kS + 16, source_ + 16));
}

TEST_F(AsyncCopyTest, RestIsFilledWithZeros) {
  issue(0, 0, kS, source_ + 16, 16, 6);
  issue(0, 1, kS + 16, source_ + 250 / 16 * 16, 16, 0);
  memory_.wait_all_async_copies(0, kAllLanes);
  EXPECT_TRUE(has_landed(kS, source_ + 16, 6));
  for (Address byte = 6; byte < 16; ++byte) EXPECT_EQ(*shared(kS + byte), std::byte{0});
  for (Address byte = 16; byte < 32; ++byte) EXPECT_EQ(*shared(kS + byte), std::byte{0});
}

TEST_F(AsyncCopyTest, ReadsItsSourceWhenItLands) {
  issue(0, 0, kS, source_, 4, 4);
  DeviceHeap::get().backing(source_)[0] = std::byte{77};
  memory_.wait_all_async_copies(0, kAllLanes);
  EXPECT_EQ(*shared(kS), std::byte{77});
}

TEST_F(AsyncCopyTest, OfNothingMayPointAnywhere) {
  issue(0, 0, kS, 0, 16, 0);
  memory_.wait_all_async_copies(0, kAllLanes);
}

// ---- what it must not meet

TEST_F(AsyncCopyTest, WriteBeforeItLands) {
  issue(0, 0, kS, source_);
  write_shared(0, 0, kS + 12);
  expect_report(Kind::kAsyncCopy, "write of 4 bytes");
}

TEST_F(AsyncCopyTest, ReadOfAByteBeforeItLands) {
  issue(0, 0, kS, source_, 8, 8);
  memory_.block_barrier();
  read_shared(1, 0, kS + 7, 1);
  expect_report(Kind::kAsyncCopy, "read of 1 bytes");
}

TEST_F(AsyncCopyTest, RowThatMeetsOne) {
  access_row(AccessKind::kWrite, Space::kShared, 0, kS, 4, 4);
  memory_.block_barrier();
  issue(0, 0, kS + 64, source_, 4, 4);
  access_row(AccessKind::kRead, Space::kShared, 1, kS, 4, 4);
  expect_report(Kind::kAsyncCopy, "lane 16), shared variable s (256 bytes) + 64");
}

TEST_F(AsyncCopyTest, AnotherCopyToTheSamePlace) {
  issue(0, 0, kS, source_);
  issue(1, 0, kS, source_);
  expect_report(Kind::kAsyncCopy);
}

TEST_F(AsyncCopyTest, OverwritesWhatOthersStillRead) {
  access_row(AccessKind::kWrite, Space::kShared, 0, kS, 4, 4);
  memory_.block_barrier();
  read_shared(1, 0, kS + 4);
  issue(0, 0, kS, source_);
  expect_report(Kind::kSharedRace, "write of 16 bytes at copy.cu:5");
}

TEST_F(AsyncCopyTest, OverwritesAfterABarrier) {
  access_row(AccessKind::kWrite, Space::kShared, 0, kS, 4, 4);
  memory_.block_barrier();
  read_shared(1, 0, kS + 4);
  memory_.block_barrier();
  issue(0, 0, kS, source_);
  memory_.wait_all_async_copies(0, kAllLanes);
}

TEST_F(AsyncCopyTest, IsAWriteOfItsLaneWhenItLands) {
  issue(0, 0, kS, source_);
  memory_.block_barrier();
  memory_.wait_all_async_copies(0, kAllLanes);
  read_shared(0, 0, kS);
  expect_reports({});
  read_shared(1, 0, kS);
  expect_report(Kind::kSharedRace, "unordered with the write at copy.cu:5 by warp 0 lane 0");
}

TEST_F(AsyncCopyTest, IsKnownToAllAfterWaitAndBarrier) {
  for (int lane = 0; lane < 16; ++lane) issue(0, lane, kS + static_cast<Address>(lane) * 16, source_);
  commit(0);
  wait(0, 0);
  memory_.block_barrier();
  for (int warp = 0; warp < 4; ++warp) access_row(AccessKind::kRead, Space::kShared, warp, kS, 8, 8);
}

TEST_F(AsyncCopyTest, ReadsItsSourceLikeALoad) {
  write(1, 0, source_ + 8);
  issue(0, 0, kS, source_);
  expect_report(Kind::kGlobalRace, "read of 16 bytes at copy.cu:5");
  memory_.wait_all_async_copies(0, kAllLanes);
}

TEST_F(AsyncCopyTest, SourceItDoesNotReadMayBeWritten) {
  write(1, 0, source_ + 8);
  issue(0, 0, kS, source_, 16, 8);
  memory_.wait_all_async_copies(0, kAllLanes);
}

TEST_F(AsyncCopyTest, UninitialisedSource) {
  const Address source = device(64, false);
  issue(0, 0, kS, source);
  expect_report(Kind::kUninitialisedGlobal);
}

// ---- exits

TEST_F(AsyncCopyTest, ExitInFlight) {
  issue(0, 3, kS, source_);
  commit(0);
  memory_.exit_threads(0, kAllLanes, add_site("copy.cu:9"));
  expect_report(
      Kind::kAsyncCopy,
      "write of 16 bytes at copy.cu:5 by block 0 thread 3 (warp 0 lane 3), shared variable s (256 bytes) + 0: "
      "an asynchronous copy that is in flight when its thread exits at copy.cu:9");
}

TEST_F(AsyncCopyTest, ExitAfterTheWait) {
  issue(0, 3, kS, source_);
  memory_.wait_all_async_copies(0, kAllLanes);
  memory_.exit_threads(0, kAllLanes, 0);
}

TEST_F(AsyncCopyTest, NextBlockIsFreeOfAbandonedCopies) {
  issue(0, 3, kS, source_);
  memory_.exit_threads(0, kAllLanes, 0);
  next_block();
  write_shared(0, 0, kS, 16);
  read_shared(0, 0, kS, 16);
  memory_.exit_threads(0, kAllLanes, 0);
  expect_report(Kind::kAsyncCopy);
}

TEST_F(AsyncCopyTest, NextLaunchIsFreeOfCopiesOfAFailedOne) {
  issue(0, 3, kS, source_);
  next_launch();
  write_shared(0, 0, kS, 16);
  memory_.exit_threads(0, kAllLanes, 0);
}

// ---- shapes

TEST_F(AsyncCopyTest, MisalignedDestination) {
  expect_failure(Kind::kMisaligned, "shared variable s (256 bytes) + 8", [&] { issue(0, 0, kS + 8, source_); });
}

TEST_F(AsyncCopyTest, MisalignedSource) {
  expect_failure(Kind::kMisaligned, "the source", [&] { issue(0, 0, kS, source_ + 8); });
}

TEST_F(AsyncCopyTest, DestinationOutOfBounds) {
  expect_failure(Kind::kOutOfBounds, "0 bytes past the end of shared variable s",
                 [&] { issue(0, 0, kS + kSBytes, source_); });
}

TEST_F(AsyncCopyTest, DestinationOutsideTheWindow) {
  expect_failure(Kind::kOutOfBounds, "", [&] { issue(0, 0, BlockMemory::kSharedWindow, source_); });
}

TEST_F(AsyncCopyTest, SourceOutOfBounds) {
  issue(0, 0, kS, source_ + 240);
  expect_failure(Kind::kOutOfBounds, "0 bytes past the end of the allocation of test",
                 [&] { issue(0, 0, kS + 16, source_ + 256); });
}

TEST_F(AsyncCopyTest, SourceOfTheHost) {
  alignas(16) static const char host[16] = {};
  expect_failure(Kind::kHostPointer, "", [&] { issue(0, 0, kS, reinterpret_cast<Address>(host)); });
}

TEST_F(AsyncCopyTest, OtherSizes) {
  expect_failure(Kind::kAsyncCopy, "4, 8 or 16 bytes", [&] { issue(0, 0, kS, source_, 2, 2); });
}

TEST_F(AsyncCopyTest, MoreThanItsSize) {
  expect_failure(Kind::kAsyncCopy, "it reads 8 bytes", [&] { issue(0, 0, kS, source_, 4, 8); });
}

}  // namespace
}  // namespace emulator

/// Races inside a block, between blocks and between launches, and what orders the same accesses.
#include "checked_block.h"

namespace emulator {
namespace {

constexpr AccessKind kRead = AccessKind::kRead, kWrite = AccessKind::kWrite, kAtomic = AccessKind::kAtomic;

// ---- every pair of accesses, everywhere

/// Where the second thread runs, as seen from warp 0 lane 3 of the first block.
enum class Other { kSameThread, kSameWarp, kOtherWarp, kOtherBlock, kLaterLaunch, kOtherStream };

struct Pair {
  AccessKind first, second;
  Other other;
  bool is_shared;
};

bool races(const Pair& pair) {
  const bool conflicts =
      !(pair.first == kRead && pair.second == kRead) && !(pair.first == kAtomic && pair.second == kAtomic);
  return conflicts && pair.other != Other::kSameThread && pair.other != Other::kLaterLaunch;
}

std::string name_of(const Pair& pair) {
  const char* const kinds[] = {"read", "write", "atomic"};
  const char* const others[] = {"same thread", "same warp",    "other warp",
                                "other block", "later launch", "other stream"};
  return std::string(kinds[static_cast<int>(pair.first)]) + ", then " + kinds[static_cast<int>(pair.second)] + " by " +
         others[static_cast<int>(pair.other)] + (pair.is_shared ? " in shared" : " in global") + " memory";
}

class PairTest : public CheckedBlock {
 protected:
  /// Every pair, first `first_bytes` at first_offset and then `second_bytes` at second_offset, races if it can, or
  /// never.
  void check_pairs(Address first_offset, std::uint32_t first_bytes, Address second_offset, std::uint32_t second_bytes,
                   bool overlap) {
    for (const AccessKind first : {kRead, kWrite, kAtomic}) {
      for (const AccessKind second : {kRead, kWrite, kAtomic}) {
        for (const Other other : {Other::kSameThread, Other::kSameWarp, Other::kOtherWarp, Other::kOtherBlock,
                                  Other::kLaterLaunch, Other::kOtherStream}) {
          for (const bool is_shared : {true, false}) {
            if (is_shared && other > Other::kOtherWarp) continue;
            const Pair pair{first, second, other, is_shared};
            SCOPED_TRACE(name_of(pair));
            Reports::get().clear();
            run(pair, first_offset, first_bytes, second_offset, second_bytes);
            expect_races(pair, overlap && races(pair));
          }
        }
      }
    }
  }

 private:
  void run(const Pair& pair, Address first_offset, std::uint32_t first_bytes, Address second_offset,
           std::uint32_t second_bytes) {
    const Address begin = pair.is_shared ? written_shared() : device(64);
    const std::uint32_t before = Operations::last_operation();
    const Space space = pair.is_shared ? Space::kShared : Space::kGlobal;
    access(pair.first, space, 0, 3, begin + first_offset, first_bytes, "first.cu:1");
    int warp = 0, lane = 5;
    switch (pair.other) {
      case Other::kSameThread: lane = 3; break;
      case Other::kSameWarp: break;
      case Other::kOtherWarp: warp = 2, lane = 3; break;
      case Other::kOtherBlock: next_block(); break;
      case Other::kLaterLaunch: next_launch(Operations::of_stream(0)); break;
      case Other::kOtherStream: next_launch(Operations::of_stream(1, before - 1)); break;
    }
    access(pair.second, space, warp, lane, begin + second_offset, second_bytes, "second.cu:2");
  }

  Address written_shared() {
    next_launch();
    access_row(kWrite, Space::kShared, 0, kS, 4, 4);
    memory_.block_barrier();
    return kS;
  }

  void expect_races(const Pair& pair, bool expected) {
    if (!expected) return expect_reports({});
    expect_report(pair.is_shared ? Kind::kSharedRace : Kind::kGlobalRace, "first.cu:1");
    EXPECT_NE(last_report().find("second.cu:2"), std::string::npos);
  }
};

TEST_F(PairTest, SameWord) { check_pairs(0, 4, 0, 4, true); }
TEST_F(PairTest, WordsSideBySide) { check_pairs(0, 4, 4, 4, false); }
TEST_F(PairTest, WideOverAWord) { check_pairs(8, 4, 0, 16, true); }
TEST_F(PairTest, WideBesideAWord) { check_pairs(16, 4, 0, 16, false); }
TEST_F(PairTest, WordUnderAWide) { check_pairs(0, 16, 12, 4, true); }
TEST_F(PairTest, DoubleWordUnderAWide) { check_pairs(0, 16, 8, 8, true); }
TEST_F(PairTest, BytesOfOneWordSideBySide) { check_pairs(0, 2, 2, 2, false); }
TEST_F(PairTest, SameByte) { check_pairs(3, 1, 2, 2, true); }
TEST_F(PairTest, WordOverItsByte) { check_pairs(1, 1, 0, 4, true); }
TEST_F(PairTest, ByteUnderItsWord) { check_pairs(0, 8, 6, 1, true); }
TEST_F(PairTest, WordBesideABytesWord) { check_pairs(3, 1, 4, 4, false); }

// ---- texts

class RaceTest : public CheckedBlock {
 protected:
  void SetUp() override {
    CheckedBlock::SetUp();
    for (Address offset = 0; offset < kSBytes; offset += 128) access_row(kWrite, Space::kShared, 0, kS + offset, 4, 4);
    memory_.block_barrier();
  }
};

TEST_F(RaceTest, SaysWhoAndWhere) {
  read_shared(0, 3, kS + 12);
  access(kWrite, Space::kShared, 1, 5, kS + 12, 4, "a.cu:7");
  expect_reports({Kind::kSharedRace});
  EXPECT_EQ(last_report(),
            "write of 4 bytes at a.cu:7 by block 0 thread 37 (warp 1 lane 5), shared variable s (256 bytes) + 12: "
            "unordered with the read at a.cu:1 by warp 0 lane 3");
}

TEST_F(RaceTest, SaysWhichBlock) {
  const Address a = device(64);
  write(2, 1, a + 8);
  next_block();
  read(0, 0, a + 8);
  expect_reports({Kind::kGlobalRace});
  EXPECT_EQ(last_report(),
            "read of 4 bytes at a.cu:1 by block 1 thread 0 (warp 0 lane 0), allocation of test (64 bytes) + 8: "
            "unordered with the write at a.cu:2 by block 0 warp 2 lane 1");
}

TEST_F(RaceTest, SaysWhichOperation) {
  const Address a = device(64);
  const OperationOrder first = Operations::of_stream(1, Operations::last_operation());
  next_launch(first, 6);
  write(0, 0, a);
  const OperationOrder second = Operations::of_stream(2, first.operation - 1);
  next_launch(second);
  read(0, 0, a);
  expect_report(Kind::kGlobalRace, "unordered with the write at a.cu:2 by block 6 warp 0 lane 0 in operation " +
                                       std::to_string(first.operation) +
                                       " of stream 1, which nothing orders before operation " +
                                       std::to_string(second.operation) + " of stream 2");
}

TEST_F(RaceTest, SaysTheSamePairOfLinesOnce) {
  write_shared(0, 0, kS);
  write_shared(1, 0, kS);
  write_shared(2, 0, kS);
  expect_report(Kind::kSharedRace);
  access(kWrite, Space::kShared, 3, 0, kS, 4, "a.cu:9");
  expect_reports({Kind::kSharedRace, Kind::kSharedRace});
}

TEST_F(RaceTest, GoesOnAfterwards) {
  write_shared(0, 0, kS);
  read_shared(1, 0, kS);
  memory_.block_barrier();
  read_shared(2, 0, kS);
  expect_report(Kind::kSharedRace);
}

// ---- one instruction

TEST_F(RaceTest, LanesThatWriteOnePlaceAtOnce) {
  access_row(kWrite, Space::kShared, 0, kS, 0, 4);
  expect_report(Kind::kSharedRace,
                "lane 1), shared variable s (256 bytes) + 0: unordered with the write at a.cu:4 by "
                "warp 0 lane 0");
}

TEST_F(RaceTest, LanesThatWriteOverlappingPlacesAtOnce) {
  const Address a = device(4096);
  access_row(kWrite, Space::kGlobal, 0, a, 2, 2);
  access_row(kAtomic, Space::kGlobal, 1, a + 64, 0, 4);
  access_row(kRead, Space::kGlobal, 2, a + 128, 0, 16);
  expect_reports({});
  Address addresses[kWarpSize] = {a, a + 4};
  std::byte* places[kWarpSize];
  memory_.access({kWrite, Space::kGlobal, false, 3, 0x1, 8, 0}, addresses, places);
  memory_.access({kWrite, Space::kGlobal, false, 3, 0x2, 4, 0}, addresses, places);
  expect_reports({Kind::kGlobalRace, Kind::kGlobalRace});
}

TEST_F(RaceTest, RowAfterRowShiftedByALane) {
  access_row(kWrite, Space::kShared, 0, kS, 4, 4);
  access_row(kRead, Space::kShared, 0, kS + 4, 4, 4, kAllLanes >> 1);
  expect_report(Kind::kSharedRace,
                "thread 0 (warp 0 lane 0), shared variable s (256 bytes) + 4: unordered with the "
                "write at a.cu:4 by warp 0 lane 1");
}

// ---- many readers

TEST_F(RaceTest, BroadcastReadsByManyWarpsThenAWrite) {
  for (int warp = 0; warp < 4; ++warp) access_row(kRead, Space::kShared, warp, kS, 0, 4);
  write_shared(1, 7, kS);
  expect_report(Kind::kSharedRace, "unordered with the read at a.cu:3 by warp 0");
}

TEST_F(RaceTest, BroadcastReadsByManyWarpsThenABarrierAndAWrite) {
  for (int warp = 0; warp < 4; ++warp) access_row(kRead, Space::kShared, warp, kS, 0, 4);
  memory_.block_barrier();
  write_shared(1, 7, kS);
}

TEST_F(RaceTest, ReadersOfTheWritersOwnWarp) {
  access_row(kRead, Space::kShared, 2, kS, 0, 4);
  write_shared(2, 7, kS);
  expect_report(Kind::kSharedRace, "by warp 2 lane 0");
}

TEST_F(RaceTest, OneReaderAmongTwoIsEnough) {
  read_shared(0, 1, kS);
  read_shared(0, 2, kS);
  write_shared(0, 2, kS);
  expect_report(Kind::kSharedRace, "by warp 0 lane 1");
}

TEST_F(RaceTest, ReadersOfManyBlocksThenAWriteOfOneOfThem) {
  const Address a = device(64);
  for (int block = 0; block < 3; ++block) {
    read(0, 0, a);
    next_block();
  }
  read(0, 0, a);
  write(0, 0, a);
  expect_report(Kind::kGlobalRace, "unordered with the read at a.cu:1 by block 2");
}

TEST_F(RaceTest, ReaderOfAnEarlierBlockIsRememberedWhileTheOwnReads) {
  const Address a = device(64);
  read(0, 0, a);
  next_block();
  for (int k = 0; k < 3; ++k) {
    read(0, 0, a);
    memory_.block_barrier();
  }
  write(0, 0, a);
  expect_report(Kind::kGlobalRace, "by block 0");
}

// ---- what orders: barriers of the block

TEST_F(RaceTest, BlockBarrierOrders) {
  for (int turn = 0; turn < 100; ++turn) {  // more than the epochs of one chunk
    write_shared(turn % 4, 0, kS);
    memory_.block_barrier();
    read_shared((turn + 1) % 4, 9, kS);
    read_shared((turn + 2) % 4, 9, kS);
    memory_.block_barrier();
  }
}

TEST_F(RaceTest, BlockBarrierOrdersGlobalMemory) {
  const Address a = device(64);
  read(3, 1, a);
  next_block();
  for (int turn = 0; turn < 100; ++turn) {
    write(turn % 4, 0, a + 8);
    read(turn % 4, 0, a);
    memory_.block_barrier();
    read((turn + 1) % 4, 9, a + 8);
    memory_.block_barrier();
  }
}

TEST_F(RaceTest, ManyBarriersDoNotHideAnotherBlock) {
  const Address a = device(64);
  for (int turn = 0; turn < 70; ++turn) {
    write(0, 0, a);
    memory_.block_barrier();
  }
  next_block();
  for (int turn = 0; turn < 70; ++turn) memory_.block_barrier();
  read(0, 0, a);
  expect_report(Kind::kGlobalRace, "by block 0");
}

// ---- barriers of a warp

TEST_F(RaceTest, WarpBarrierOrders) {
  for (int turn = 0; turn < 10; ++turn) {
    access_row(kWrite, Space::kShared, 0, kS, 4, 4);
    memory_.warp_barrier(0, kAllLanes);
    access_row(kRead, Space::kShared, 0, kS + 124, -4, 4);
    memory_.warp_barrier(0, kAllLanes);
  }
}

TEST_F(RaceTest, WarpBarrierOrdersOnlyItsWarp) {
  write_shared(0, 0, kS);
  memory_.warp_barrier(0, kAllLanes);
  memory_.warp_barrier(1, kAllLanes);
  read_shared(1, 0, kS);
  expect_report(Kind::kSharedRace);
}

TEST_F(RaceTest, WarpBarrierOfSomeLanesOrdersThem) {
  write_shared(0, 0, kS);
  memory_.warp_barrier(0, 0x3);
  read_shared(0, 1, kS);
  expect_reports({});
  read_shared(0, 2, kS);
  expect_report(Kind::kSharedRace);
}

TEST_F(RaceTest, WarpBarriersOfSomeLanesHandOn) {
  write_shared(0, 0, kS);
  memory_.warp_barrier(0, 0x3);
  memory_.warp_barrier(0, 0x6);
  write_shared(0, 2, kS);
  expect_reports({});
  write_shared(0, 3, kS);
  expect_report(Kind::kSharedRace);
}

TEST_F(RaceTest, ReadersAtDifferentTimes) {
  memory_.warp_barrier(0, 0x3);
  read_shared(0, 0, kS);
  read_shared(0, 2, kS);
  memory_.warp_barrier(0, 0x3);
  read_shared(0, 1, kS);
  memory_.warp_barrier(0, 0xB);
  write_shared(0, 3, kS);
  expect_report(Kind::kSharedRace, "by warp 0 lane 2");
}

TEST_F(RaceTest, ReadersAtDifferentTimesAllKnown) {
  memory_.warp_barrier(0, 0x3);
  read_shared(0, 0, kS);
  read_shared(0, 2, kS);
  memory_.warp_barrier(0, 0x3);
  read_shared(0, 1, kS);
  memory_.warp_barrier(0, 0xF);
  write_shared(0, 3, kS);
}

TEST_F(RaceTest, WordWithManyReadersThatIsSplit) {
  memory_.warp_barrier(0, 0x3);
  read_shared(0, 0, kS);
  read_shared(0, 2, kS);
  read_shared(0, 3, kS, 1);
  write_shared(0, 3, kS, 1);
  expect_report(Kind::kSharedRace);
  memory_.warp_barrier(0, 0xD);
  write_shared(0, 3, kS + 1, 1);
  expect_report(Kind::kSharedRace);
}

TEST_F(RaceTest, PartOfAWarpIsAWholeOneAtTheEndOfABlock) {
  memory_.begin_block(9, 40);
  access_row(kWrite, Space::kShared, 1, kS, 4, 4, 0xff);
  memory_.warp_barrier(1, kAllLanes);
  access_row(kRead, Space::kShared, 1, kS + 28, -4, 4, 0xff);
}

// ---- named barriers

TEST_F(RaceTest, NamedBarrierOrdersItsWarps) {
  write_shared(0, 0, kS);
  memory_.named_barrier(0x3, 0x3);
  write_shared(1, 1, kS);
  expect_reports({});
  write_shared(2, 0, kS);
  expect_report(Kind::kSharedRace, "by warp 1 lane 1");
}

TEST_F(RaceTest, NamedBarrierOrdersOnlyThoseThatWait) {
  write_shared(0, 0, kS);
  write_shared(1, 0, kS + 4);
  memory_.named_barrier(0x3, 0x2);
  read_shared(1, 1, kS);
  expect_reports({});
  read_shared(0, 1, kS + 4);
  expect_report(Kind::kSharedRace);
}

TEST_F(RaceTest, ArrivingDoesNotOrderTheLanesOfAWarp) {
  write_shared(0, 0, kS);
  memory_.named_barrier(0x3, 0x2);
  read_shared(0, 1, kS);
  expect_report(Kind::kSharedRace);
}

TEST_F(RaceTest, WaitingOrdersTheLanesOfAWarp) {
  memory_.warp_barrier(1, 0x7);
  write_shared(1, 0, kS);
  memory_.named_barrier(0x3, 0x2);
  read_shared(1, 30, kS);
}

TEST_F(RaceTest, WhatComesAfterANamedBarrierIsNotOrdered) {
  memory_.named_barrier(0x3, 0x3);
  write_shared(0, 0, kS);
  read_shared(1, 1, kS);
  expect_report(Kind::kSharedRace);
}

TEST_F(RaceTest, NamedBarriersHandOn) {
  write_shared(0, 0, kS);
  memory_.named_barrier(0x3, 0x3);
  memory_.named_barrier(0x6, 0x6);
  memory_.named_barrier(0xC, 0x8);
  write_shared(3, 0, kS);
  expect_reports({});
}

TEST_F(RaceTest, ReadersOfManyWarpsAndNamedBarriers) {
  for (int warp = 0; warp < 3; ++warp) access_row(kRead, Space::kShared, warp, kS, 0, 4);
  memory_.named_barrier(0x7, 0x1);
  write_shared(0, 5, kS);
  expect_reports({});
  access_row(kRead, Space::kShared, 1, kS + 4, 0, 4);
  access_row(kRead, Space::kShared, 2, kS + 4, 0, 4);
  access_row(kRead, Space::kShared, 3, kS + 4, 0, 4);
  memory_.named_barrier(0xB, 0x1);
  write_shared(0, 5, kS + 4);
  expect_report(Kind::kSharedRace, "by warp 2");
}

TEST_F(RaceTest, BlockBarrierEndsNamedOnes) {
  memory_.named_barrier(0x3, 0x3);
  memory_.block_barrier();
  write_shared(0, 0, kS);
  read_shared(1, 0, kS);
  expect_report(Kind::kSharedRace);
}

// ---- atomics

TEST_F(RaceTest, AtomicsOfManyThreadsThenAReadThatIsNotOrdered) {
  for (int warp = 0; warp < 4; ++warp) access_row(kAtomic, Space::kShared, warp, kS, 0, 4);
  memory_.warp_barrier(2, kAllLanes);
  read_shared(2, 0, kS);
  expect_report(Kind::kSharedRace, "unordered with the atomic");
}

TEST_F(RaceTest, AtomicsBetweenBarriers) {
  for (int turn = 0; turn < 3; ++turn) {
    write_shared(0, 0, kS);
    memory_.block_barrier();
    for (int warp = 0; warp < 4; ++warp) access_row(kAtomic, Space::kShared, warp, kS, 0, 4);
    memory_.block_barrier();
    for (int warp = 0; warp < 4; ++warp) access_row(kRead, Space::kShared, warp, kS, 0, 4);
    memory_.block_barrier();
  }
}

TEST_F(RaceTest, ReadsAfterAtomicsDoNotHideThem) {
  const Address a = device(64);
  atomic(0, 0, a);
  read(0, 0, a);
  next_block();
  read(0, 0, a);
  expect_report(Kind::kGlobalRace, "unordered with the atomic at a.cu:2 by block 0 warp 0 lane 0");
}

TEST_F(RaceTest, AtomicsOfManyBlocks) {
  const Address a = device(64);
  for (int block = 0; block < 3; ++block) {
    access_row(kAtomic, Space::kGlobal, block, a, 0, 4);
    access_row(kAtomic, Space::kGlobal, 3, a, 2, 2);
    next_block();
  }
}

// ---- launches

TEST_F(RaceTest, StreamsThatKnowOfEachOther) {
  const Address a = device(64);
  const std::uint32_t before = Operations::last_operation();
  next_launch(Operations::of_stream(1, before));
  write(0, 0, a);
  OperationOrder order = Operations::of_stream(2, before);
  order.known = {0, order.operation - 1};
  next_launch(order);
  write(0, 0, a);
}

TEST_F(RaceTest, StreamsThatKnowTooLittle) {
  const Address a = device(64);
  const std::uint32_t before = Operations::last_operation();
  next_launch(Operations::of_stream(1, before));
  write(0, 0, a);
  next_launch(Operations::of_stream(1, before));
  write(0, 0, a);
  OperationOrder order = Operations::of_stream(2, before);
  order.known = {0, order.operation - 2};
  next_launch(order);
  write(0, 0, a);
  expect_report(Kind::kGlobalRace);
}

TEST_F(RaceTest, ReadersOfTwoStreams) {
  const Address a = device(64);
  const std::uint32_t before = Operations::last_operation();
  next_launch(Operations::of_stream(1, before));
  read(0, 0, a);
  next_launch(Operations::of_stream(2, before));
  read(0, 0, a);
  next_launch(Operations::of_stream(2, before));
  write(0, 0, a);
  expect_report(Kind::kGlobalRace, "of stream 1");
}

TEST_F(RaceTest, ReadersOfTwoBlocksWhileAnotherStreamIsUnordered) {
  const Address a = device(64);
  const std::uint32_t before = Operations::last_operation();
  next_launch(Operations::of_stream(2, before));
  next_launch(Operations::of_stream(1, before));
  write(0, 0, a);
  next_launch(Operations::of_stream(1, before));
  read(0, 0, a);
  next_block();
  read(0, 0, a);
  write(0, 0, a);
  expect_report(Kind::kGlobalRace, "unordered with the read at a.cu:1 by block 0");
}

TEST_F(RaceTest, UnorderedOperationDoesNotHideBehindLaterOnes) {
  const Address a = device(64);
  const std::uint32_t before = Operations::last_operation();
  next_launch(Operations::of_stream(1, before));
  write(0, 0, a);
  for (int k = 0; k < 3; ++k) {
    next_launch(Operations::of_stream(2, before));
    write(0, 0, a + 8);
  }
  read(0, 0, a + 8);
  expect_reports({});
  read(0, 0, a);
  expect_report(Kind::kGlobalRace, "of stream 1");
}

}  // namespace
}  // namespace emulator

/// Blocks of one launch on two host threads.
#include <thread>

#include "checked_block.h"

namespace emulator {
namespace {

constexpr AccessKind kRead = AccessKind::kRead, kWrite = AccessKind::kWrite;

class ParallelMemoryTest : public CheckedBlock {
 protected:
  static constexpr int kBlocks = 64;

  /// Runs body(memory, block) for all blocks of one launch, even ones on one host thread and odd ones on another.
  template <class Body>
  void run(Body&& body) {
    launch_.order = Operations::after_all();
    launch_.is_parallel = true;
    std::thread threads[2];
    for (int half = 0; half < 2; ++half) {
      threads[half] = std::thread([&, half] {
        BlockMemory memory;
        memory.begin_launch(launch_);
        for (int block = half; block < kBlocks; block += 2) {
          memory.begin_block(static_cast<std::uint32_t>(block), kThreads);
          body(memory, block);
        }
        memory.end_launch();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  static void row(BlockMemory& memory, AccessKind kind, Address first, std::uint32_t bytes, std::uint32_t site) {
    Address addresses[kWarpSize];
    std::byte* places[kWarpSize];
    for (Address lane = 0; lane < kWarpSize; ++lane) addresses[lane] = first + lane * bytes;
    memory.access({kind, Space::kGlobal, false, 0, kAllLanes, bytes, site}, addresses, places);
  }
};

TEST_F(ParallelMemoryTest, DisjointData) {
  const Address in = device(4096), out = device(kBlocks * 512);
  run([&](BlockMemory& memory, int block) {
    for (Address part = 0; part < 4096; part += 128) row(memory, kRead, in + part, 4, 1);
    // Neighbouring blocks write halves of one line, so that they meet at its lock.
    const Address own = out + static_cast<Address>(block) * 64;
    for (int turn = 0; turn < 50; ++turn) {
      row(memory, kWrite, own, 2, 2);
      row(memory, kRead, own, 2, 3);
      memory.block_barrier();
    }
    row(memory, kWrite, out + kBlocks * 64 + static_cast<Address>(block) * 128, 4, 4);
  });
  expect_reports({});
}

TEST_F(ParallelMemoryTest, OverlappingData) {
  const Address out = device(4096);
  run([&](BlockMemory& memory, int block) {
    const Address first = out + static_cast<Address>(block % 16) * 128;
    row(memory, kWrite, first, 4, 1);
  });
  expect_report(Kind::kGlobalRace, "unordered with the write");
}

TEST_F(ParallelMemoryTest, ReadersAndAWriter) {
  const Address data = device(128);
  run([&](BlockMemory& memory, int block) { row(memory, block == 33 ? kWrite : kRead, data, 4, 1); });
  const Kinds kinds = reported();
  expects_reports_ = true;
  ASSERT_FALSE(kinds.empty());
  for (const Kind kind : kinds) EXPECT_EQ(kind, Kind::kGlobalRace);
}

TEST_F(ParallelMemoryTest, TheNextLaunchKnowsAllBlocks) {
  const Address data = device(kBlocks * 128);
  run([&](BlockMemory& memory, int block) { row(memory, kWrite, data + static_cast<Address>(block) * 128, 4, 1); });
  run([&](BlockMemory& memory, int block) {
    row(memory, kRead, data + static_cast<Address>(kBlocks - 1 - block) * 128, 4, 2);
  });
  expect_reports({});
}

/// Two blocks that take turns on one host thread, so that neither has all its epochs in a row.
class InterleavedBlocksTest : public ParallelMemoryTest {
 protected:
  // A block has 31 intervals before it needs more epochs.
  static constexpr int kManyBarriers = 40;

  void SetUp() override {
    CheckedBlock::SetUp();
    data_ = device(256);
    launch_.is_parallel = true;
    next_launch();
    second_.begin_launch(launch_);
    second_.begin_block(1, kThreads);
  }
  void TearDown() override {
    second_.end_launch();
    CheckedBlock::TearDown();
  }
  void many_barriers() {
    for (int k = 0; k < kManyBarriers; ++k) memory_.block_barrier();
  }

  BlockMemory second_;
  Address data_ = 0;
};

TEST_F(InterleavedBlocksTest, EpochsBetweenOnesOwnAreAnothers) {
  row(second_, kWrite, data_, 4, 1);
  many_barriers();
  row(memory_, kRead, data_, 4, 2);
  expect_report(Kind::kGlobalRace, "by block 1");
}

TEST_F(InterleavedBlocksTest, OnesOwnEarlierEpochsAreOrdered) {
  row(memory_, kWrite, data_, 4, 1);
  row(memory_, kRead, data_ + 128, 4, 1);
  many_barriers();
  row(memory_, kRead, data_, 4, 2);
  row(memory_, kWrite, data_ + 128, 4, 2);
}

TEST_F(InterleavedBlocksTest, OnesOwnEarlierReadsDoNotHideAnothers) {
  row(second_, kRead, data_, 4, 1);
  row(memory_, kRead, data_, 4, 2);
  many_barriers();
  row(memory_, kRead, data_, 4, 3);
  row(memory_, kWrite, data_, 4, 4);
  expect_report(Kind::kGlobalRace, "by block 1");
}

}  // namespace
}  // namespace emulator

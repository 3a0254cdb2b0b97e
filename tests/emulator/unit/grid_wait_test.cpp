/// Launches that may overlap the kernel before them, until griddepcontrol.wait.
#include "checked_block.h"

namespace emulator {
namespace {

class GridWaitTest : public CheckedBlock {
 protected:
  void SetUp() override {
    CheckedBlock::SetUp();
    data_ = device(4096);
    counter_ = device(64);
    known_ = Operations::last_operation();
  }

  /// A kernel after all that was launched in the stream.
  OperationOrder launch() {
    const OperationOrder order = Operations::of_stream(1, known_);
    next_launch(order);
    return order;
  }
  /// One that until its wait is only after what `first` is after: `first` and all since may run.
  OperationOrder overlap(const OperationOrder& first) {
    const OperationOrder order = Operations::of_stream(1, known_);
    OperationOrder before_wait = order;
    before_wait.known[1] = first.operation - 1;
    next_launch(order, 0, before_wait);
    return order;
  }
  /// A kernel that wrote data_, and one that overlaps it. Returns the order of the first.
  OperationOrder overlap_a_write() {
    const OperationOrder first = launch();
    write(0, 0, data_);
    overlap(first);
    return first;
  }
  void wait(int warp, int lane) { memory_.grid_dependency_wait(warp, LaneMask{1} << lane); }

  Address data_ = 0, counter_ = 0;
  std::uint32_t known_ = 0;
};

TEST_F(GridWaitTest, ReadBeforeTheWait) {
  const OperationOrder first = launch();
  write(0, 0, data_);
  const OperationOrder second = overlap(first);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace, "unordered with the write at a.cu:2 by block 0 warp 0 lane 0 in operation " +
                                       std::to_string(first.operation) + " of stream 1, which operation " +
                                       std::to_string(second.operation) +
                                       " of stream 1 may overlap: a grid-dependency wait "
                                       "(cudaGridDependencySynchronize) is missing");
}

TEST_F(GridWaitTest, WriteBeforeTheWait) {
  const OperationOrder first = launch();
  read(0, 0, data_);
  overlap(first);
  write(0, 0, data_);
  expect_report(Kind::kGlobalRace, "the read at a.cu:1");
}

TEST_F(GridWaitTest, AccessesAfterTheWait) {
  const OperationOrder first = launch();
  access_row(AccessKind::kWrite, Space::kGlobal, 0, data_, 4, 4);
  read(1, 0, data_ + 512);
  overlap(first);
  memory_.grid_dependency_wait(0, kAllLanes);
  access_row(AccessKind::kRead, Space::kGlobal, 0, data_, 4, 4);
  write(0, 3, data_ + 512);
  next_block();
  memory_.grid_dependency_wait(0, kAllLanes);
  access_row(AccessKind::kRead, Space::kGlobal, 0, data_, 4, 4);
}

TEST_F(GridWaitTest, MemoryOfItsOwnNeedsNoWait) {
  overlap_a_write();
  write(0, 0, data_ + 4);
  read(0, 0, data_ + 4);
  wait(0, 0);
  write(0, 0, data_ + 4);
}

TEST_F(GridWaitTest, WhatTheFirstKernelKnewNeedsNoWait) {
  launch();
  write(0, 0, data_);
  const OperationOrder first = launch();
  read(0, 1, data_);
  overlap(first);
  read(0, 0, data_);
}

TEST_F(GridWaitTest, TheWaitOfALaneIsItsOwn) {
  overlap_a_write();
  wait(0, 0);
  read(0, 0, data_);
  expect_reports({});
  read(0, 1, data_);
  expect_report(Kind::kGlobalRace, "thread 1 ");
}

TEST_F(GridWaitTest, TheWaitOfABlockIsItsOwn) {
  overlap_a_write();
  wait(0, 0);
  memory_.block_barrier();
  next_block();
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace, "by block 1");
}

TEST_F(GridWaitTest, BarriersHandItOn) {
  overlap_a_write();
  wait(0, 0);
  memory_.warp_barrier(0, 0x3);
  read(0, 1, data_);
  memory_.named_barrier(0x3, 0x2);
  read(1, 7, data_);
  memory_.block_barrier();
  read(3, 31, data_);
  memory_.block_barrier();
  read(2, 31, data_);
}

TEST_F(GridWaitTest, ABarrierBeforeTheWaitDoesNot) {
  overlap_a_write();
  memory_.block_barrier();
  memory_.warp_barrier(0, kAllLanes);
  wait(0, 0);
  read(0, 1, data_);
  expect_report(Kind::kGlobalRace);
}

TEST_F(GridWaitTest, AFenceAndAnAtomicHandItToOtherBlocks) {
  overlap_a_write();
  wait(0, 0);
  memory_.fence(0, 1);
  atomic(0, 0, counter_);
  next_block();
  atomic(1, 0, counter_);
  read(1, 0, data_);
  expect_reports({});
  read(1, 1, data_);
  expect_report(Kind::kGlobalRace, "by block 1 thread 33");
}

TEST_F(GridWaitTest, AnAtomicWithoutAFenceDoesNot) {
  overlap_a_write();
  wait(0, 0);
  atomic(0, 0, counter_);
  next_block();
  atomic(1, 0, counter_);
  read(1, 0, data_);
  expect_report(Kind::kGlobalRace);
}

TEST_F(GridWaitTest, AChainMayOverlapAllOfIt) {
  const OperationOrder first = overlap_a_write();
  wait(0, 0);
  write(0, 0, data_ + 4);
  overlap(first);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace, "in operation " + std::to_string(first.operation));
  wait(0, 0);
  read(0, 0, data_);
  read(0, 0, data_ + 4);
  expect_reports({Kind::kGlobalRace});
}

TEST_F(GridWaitTest, OrdinaryLaunchesAreAfterKernelsThatNeverWaited) {
  overlap_a_write();
  write(0, 0, data_ + 4);
  launch();
  read(0, 0, data_);
  read(0, 0, data_ + 4);
  wait(0, 0);  // for nothing
  read(0, 0, data_);
}

TEST_F(GridWaitTest, AWaitOrdersNothingOfOtherStreams) {
  const OperationOrder first = launch();
  next_launch(Operations::of_stream(2, known_));
  write(0, 0, data_);
  overlap(first);
  wait(0, 0);
  read(0, 0, data_);
  expect_report(Kind::kGlobalRace, "which nothing orders before operation");
}

TEST_F(GridWaitTest, AnAsynchronousCopyReadsWhereItIsIssued) {
  overlap_a_write();
  memory_.issue_async_copy(0, 0, {kS, data_, 4, 4}, add_site("a.cu:5"));
  wait(0, 0);
  memory_.wait_all_async_copies(0, 1);
  expect_report(Kind::kGlobalRace, "a.cu:5");
}

}  // namespace
}  // namespace emulator

/// Copies and memsets as the checker of device memory sees them.
#include "checked_block.h"

namespace emulator {
namespace {

class HostOperationTest : public CheckedBlock {
 protected:
  OperationOrder unordered() { return Operations::of_stream(2, known_); }
  /// Operations in streams 1 and 2 from here on do not know of each other.
  void part_streams() { known_ = Operations::last_operation(); }
  void launch_in_stream_1() { next_launch(Operations::of_stream(1, known_)); }

  std::uint32_t known_ = 0;
};

TEST_F(HostOperationTest, CopyWhileAKernelWrites) {
  const Address a = device(64);
  part_streams();
  launch_in_stream_1();
  write(0, 0, a + 8);
  const OperationOrder order = unordered();
  note_host_read(a, 64, order, "cudaMemcpyAsync");
  expect_reports({Kind::kGlobalRace});
  EXPECT_EQ(last_report(), "cudaMemcpyAsync (operation " + std::to_string(order.operation) +
                               " of stream 2) reads allocation of test (64 bytes) + 8: unordered with the write at "
                               "a.cu:2 by block 0 in operation " +
                               std::to_string(order.operation - 1) +
                               " of stream 1, which nothing orders before operation " +
                               std::to_string(order.operation) + " of stream 2");
}

TEST_F(HostOperationTest, CopyWhileAKernelReads) {
  const Address a = device(64);
  part_streams();
  launch_in_stream_1();
  read(0, 0, a + 8);
  note_host_read(a, 64, unordered(), "cudaMemcpyAsync");
  expect_reports({});
  note_host_write(a, 8, unordered(), "cudaMemcpyAsync");
  note_host_write(a + 12, 52, unordered(), "cudaMemcpyAsync");
  expect_reports({});
  note_host_write(a + 11, 1, unordered(), "cudaMemcpyAsync");
  expect_report(Kind::kGlobalRace, "writes allocation of test (64 bytes) + 11: unordered with the read");
}

TEST_F(HostOperationTest, KernelWhileACopyWrites) {
  const Address a = device(64);
  part_streams();
  note_host_write(a, 64, unordered(), "cudaMemsetAsync");
  launch_in_stream_1();
  read(0, 0, a + 8);
  expect_report(Kind::kGlobalRace, "unordered with the write by cudaMemsetAsync (operation ");
}

TEST_F(HostOperationTest, KernelWhileACopyReads) {
  const Address a = device(64);
  part_streams();
  note_host_read(a + 7, 2, unordered(), "cudaMemcpyAsync");
  launch_in_stream_1();
  write(0, 0, a + 4, 2);
  write(0, 0, a + 6, 1);
  write(0, 0, a + 9, 1);
  expect_reports({});
  write(0, 0, a + 7, 1);
  expect_report(Kind::kGlobalRace, "unordered with the read by cudaMemcpyAsync");
}

TEST_F(HostOperationTest, CopiesOfTwoStreams) {
  const Address a = device(4096);
  part_streams();
  note_host_read(a, 4096, Operations::of_stream(1, known_), "cudaMemcpyAsync");
  note_host_read(a, 4096, unordered(), "cudaMemcpyAsync");
  expect_reports({});
  note_host_write(a + 100, 4, Operations::of_stream(1, known_), "cudaMemcpyAsync");
  expect_report(Kind::kGlobalRace, "of stream 2");
}

TEST_F(HostOperationTest, CopyAfterAnAtomic) {
  const Address a = device(64);
  part_streams();
  launch_in_stream_1();
  atomic(0, 0, a);
  atomic(0, 1, a);
  note_host_read(a, 4, unordered(), "cudaMemcpyAsync");
  expect_report(Kind::kGlobalRace, "unordered with the atomic");
}

TEST_F(HostOperationTest, OrderedCopyDoesNotHideAnAtomic) {
  const Address a = device(64);
  part_streams();
  launch_in_stream_1();
  atomic(0, 0, a);
  note_host_read(a, 4, Operations::of_stream(1, known_), "cudaMemcpyAsync");
  expect_reports({});
  next_launch(unordered());
  read(0, 0, a);
  expect_report(Kind::kGlobalRace, "unordered with the atomic at a.cu:2");
}

TEST_F(HostOperationTest, EventsAndStreamsOrder) {
  const Address a = device(64);
  part_streams();
  launch_in_stream_1();
  write(0, 0, a);
  read(0, 1, a + 4);
  OperationOrder order = unordered();
  order.known = {0, order.operation - 1};
  note_host_read(a, 64, order, "cudaMemcpyAsync");
  note_host_write(a, 64, unordered(), "cudaMemcpyAsync");
}

TEST_F(HostOperationTest, OneOperationThatReadsAndWrites) {
  const Address a = device(64);
  part_streams();
  const OperationOrder order = unordered();
  note_host_read(a, 32, order, "cudaMemcpy");
  note_host_write(a + 16, 32, order, "cudaMemcpy");
}

TEST_F(HostOperationTest, WritesJoinWordsOfWhichPartsWereWritten) {
  const Address a = device(64);
  write(0, 0, a + 1, 1);
  read(1, 0, a + 6, 2);
  note_host_write(a, 64, Operations::after_all(), "cudaMemcpy");
  next_launch();
  access_row(AccessKind::kRead, Space::kGlobal, 0, a, 4, 4, 0xffff);
  write(0, 3, a + 12);
}

TEST_F(HostOperationTest, ReadsOfUnwrittenMemoryAreSilent) {
  const Address a = device(64, false);
  note_host_read(a, 64, Operations::after_all(), "cudaMemcpy");
  next_launch();
  read(0, 0, a);
  expect_report(Kind::kUninitialisedGlobal);
}

TEST_F(HostOperationTest, OddEnds) {
  const Address a = device(7, false);
  note_host_write(a + 1, 6, Operations::after_all(), "cudaMemset");
  next_launch();
  read(0, 0, a + 1, 1);
  read(0, 0, a + 2, 2);
  read(0, 0, a + 4, 2);
  read(0, 0, a + 6, 1);
  expect_reports({});
  read(0, 0, a, 1);
  expect_report(Kind::kUninitialisedGlobal);
}

}  // namespace
}  // namespace emulator

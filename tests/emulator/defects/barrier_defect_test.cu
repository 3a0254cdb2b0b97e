#include <gtest/gtest.h>

#include <cstdint>

#include "defects/reports.h"
#include "self_test/device_array.h"

/// Barriers left out, joined by the wrong threads, or waited for in vain; each beside a twin that is right.
namespace emulator::defects {
namespace {

constexpr const char* kFile = "barrier_defect_test.cu";
constexpr unsigned kThreads = 128, kBlocks = 5;

class BarrierDefect : public ReportTest {};

void run_once(void (*kernel)(unsigned*), unsigned blocks, unsigned threads) {
  const DeviceArray<unsigned> out(kBlocks * kThreads);
  run_kernel(kernel, blocks, threads, out.data());
}

// ---- the last block adds up what all threads of all blocks wrote

enum class TicketOrder { kFenceThenBarrier, kBarrierThenFence, kNoBarrier };

template <TicketOrder kOrder>
__global__ void ticket_kernel(unsigned* partials, unsigned* ticket, unsigned* total) {
  __shared__ bool is_last;
  partials[blockIdx.x * blockDim.x + threadIdx.x] = blockIdx.x + threadIdx.x;
  if (kOrder == TicketOrder::kFenceThenBarrier) __threadfence();
  if (kOrder != TicketOrder::kNoBarrier) __syncthreads();  // all partials are written before the ticket is drawn
  if (threadIdx.x == 0) {
    __threadfence();
    is_last = atomicAdd(ticket, 1u) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();  // the answer is written before the others read it
  if (!is_last || threadIdx.x != 0) return;
  unsigned sum = 0;
  for (unsigned i = 0; i < gridDim.x * blockDim.x; ++i) sum += partials[i];
  *total = sum;
}

template <TicketOrder kOrder>
void draw_tickets() {
  const DeviceArray<unsigned> partials(kBlocks * kThreads), total(1);
  const auto ticket = DeviceArray<unsigned>::zeros(1);
  run_kernel(ticket_kernel<kOrder>, kBlocks, kThreads, partials.data(), ticket.data(), total.data());
}

TEST_F(BarrierDefect, MissingBeforeTheTicket) {
  expect_silence(draw_tickets<TicketOrder::kFenceThenBarrier>);
  expect_silence(draw_tickets<TicketOrder::kBarrierThenFence>);
  expect_report("GlobalRace", kFile, draw_tickets<TicketOrder::kNoBarrier>);
}

// ---- named barriers

enum class Handover { kArrive, kSync, kNone };

/// The first half of the threads writes, the second reads.
template <Handover kHandover>
__global__ void handover_kernel(unsigned* out) {
  __shared__ unsigned slot[kThreads / 2];
  const unsigned i = threadIdx.x;
  if (i < kThreads / 2) {
    slot[i] = i;
    if (kHandover == Handover::kArrive) asm volatile("bar.arrive 1, 128;" ::: "memory");
    if (kHandover == Handover::kSync) asm volatile("bar.sync 1, 128;" ::: "memory");
  } else {
    if (kHandover != Handover::kNone) asm volatile("bar.sync 1, 128;" ::: "memory");
    out[i] = slot[kThreads - 1 - i];
  }
}

TEST_F(BarrierDefect, MissingBetweenProducerAndConsumer) {
  expect_silence([] { run_once(handover_kernel<Handover::kArrive>, 1, kThreads); });
  expect_silence([] { run_once(handover_kernel<Handover::kSync>, 1, kThreads); });
  expect_report("SharedRace", kFile, [] { run_once(handover_kernel<Handover::kNone>, 1, kThreads); });
}

template <unsigned kCountOfSecondWarp>
__global__ void counts_kernel(unsigned* out) {
  if (threadIdx.x < 32)
    asm volatile("bar.sync 1, 64;" ::: "memory");
  else if (threadIdx.x < 64)
    asm volatile("bar.sync 1, %0;" ::"n"(kCountOfSecondWarp) : "memory");
  out[threadIdx.x] = threadIdx.x;
}

TEST_F(BarrierDefect, NamedWithTwoCounts) {
  expect_silence([] { run_once(counts_kernel<64>, 1, kThreads); });
  expect_report("DivergentBarrier", kFile, [] { run_once(counts_kernel<96>, 1, kThreads); });
}

/// Half of the threads wait at barrier 1, where nobody else comes; the others at barrier 0.
template <bool kIsDefective>
__global__ void hanging_kernel(unsigned* out) {
  if (threadIdx.x < kThreads / 2 || !kIsDefective) {
    asm volatile("bar.sync 1, 128;" ::: "memory");
    out[threadIdx.x] = 1;
  } else {
    __syncthreads();
    out[threadIdx.x] = 2;
  }
}

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_F(BarrierDefect, NamedThatNobodyElseJoins) {
  expect_silence([] { run_once(hanging_kernel<false>, 1, kThreads); });
  const KeptReports reports = expect_report("Deadlock", kFile, [] { run_once(hanging_kernel<true>, 1, kThreads); });
  ASSERT_FALSE(reports.empty());
  EXPECT_EQ(count_of(reports[0].text, std::string(kFile) + ":"), 2) << "who waits where: " << reports[0].text;
  EXPECT_GE(count_of(reports[0].text, "64"), 2) << "how many: " << reports[0].text;
}

// ---- warps

template <bool kIsDefective>
__global__ void half_warp_kernel(unsigned* out) {
  const unsigned lane = threadIdx.x;
  const unsigned own_half = lane < 16 ? 0x0000FFFF : 0xFFFF0000;
  if (lane < 16) __syncwarp(kIsDefective ? 0xFFFFFFFF : own_half);
  __syncthreads();
  out[lane] = lane;
}

TEST_F(BarrierDefect, OfAWarpInADivergentBranch) {
  expect_silence([] { run_once(half_warp_kernel<false>, 1, 32); });
  expect_report("Deadlock", kFile, [] { run_once(half_warp_kernel<true>, 1, 32); });
}

template <bool kIsDefective>
__global__ void foreign_mask_kernel(unsigned* out) {
  const unsigned lane = threadIdx.x;
  if (lane < 16) __syncwarp(kIsDefective ? 0xFFFF0000 : 0x0000FFFF);
  out[lane] = lane;
}

TEST_F(BarrierDefect, OfAWarpWithoutTheCaller) {
  expect_silence([] { run_once(foreign_mask_kernel<false>, 1, 32); });
  expect_report("WarpMismatch", kFile, [] { run_once(foreign_mask_kernel<true>, 1, 32); });
}

/// Lanes 8 to 15 are in both masks.
template <bool kIsDefective>
__global__ void overlapping_masks_kernel(unsigned* out) {
  const unsigned lane = threadIdx.x;
  const unsigned upper = kIsDefective ? 0xFFFFFF00 : 0xFFFF0000;
  out[lane] = __ballot_sync(lane < 16 ? 0x0000FFFF : upper, lane % 2 == 0);
}

TEST_F(BarrierDefect, VotesWithOverlappingMasks) {
  expect_silence([] { run_once(overlapping_masks_kernel<false>, 1, 32); });
  expect_report("WarpMismatch", kFile, [] { run_once(overlapping_masks_kernel<true>, 1, 32); });
}

template <int kSource>
__global__ void shuffle_kernel(unsigned* out) {
  const unsigned lane = threadIdx.x;
  if (lane < 16) out[lane] = __shfl_sync(0x0000FFFF, lane, kSource);
}

TEST_F(BarrierDefect, ShuffleFromALaneThatTakesNoPart) {
  expect_silence([] { run_once(shuffle_kernel<3>, 1, 32); });
  expect_report("InactiveLane", kFile, [] { run_once(shuffle_kernel<20>, 1, 32); });
}

template <int kSource>
__global__ void shuffle_after_exit_kernel(unsigned* out) {
  const unsigned lane = threadIdx.x;
  if (lane >= 16) return;
  out[lane] = __shfl_sync(0xFFFFFFFF, lane, kSource);
}

TEST_F(BarrierDefect, ShuffleFromALaneThatHasExited) {
  expect_silence([] { run_once(shuffle_after_exit_kernel<3>, 1, 32); });
  expect_report("InactiveLane", kFile, [] { run_once(shuffle_after_exit_kernel<20>, 1, 32); });
}

/// A matrix instruction takes the whole warp.
template <bool kIsDefective>
__global__ void matrix_kernel(unsigned* out) {
  if (kIsDefective && threadIdx.x >= 16) return;
  unsigned transposed;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(transposed) : "r"(threadIdx.x));
  out[threadIdx.x] = transposed;
}

TEST_F(BarrierDefect, MatrixInstructionWithoutAllLanes) {
  expect_silence([] { run_once(matrix_kernel<false>, 1, 32); });
  expect_report("WarpMismatch", kFile, [] { run_once(matrix_kernel<true>, 1, 32); });
}

}  // namespace
}  // namespace emulator::defects

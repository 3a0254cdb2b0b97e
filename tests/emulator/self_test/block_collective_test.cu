#include <gtest/gtest.h>

#include <algorithm>
#include <cub/block/block_histogram.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_scan.cuh>
#include <cub/warp/warp_reduce.cuh>
#include <cub/warp/warp_scan.cuh>
#include <numeric>

#include "self_test/checks.h"
#include "self_test/device_array.h"
#include "self_test/values.h"

/// CUB's block and warp collectives: reductions, scans, histograms.
namespace emulator::self_test {
namespace {

constexpr int kThreads = 128;

struct Maximum {
  __device__ u32 operator()(u32 a, u32 b) const { return a < b ? b : a; }
};

/// Sum and maximum of all, and the sum of the first `count` threads.
template <cub::BlockReduceAlgorithm kAlgorithm>
__global__ void reduce_kernel(const u32* in, int count, u32* out) {
  using Reduce = cub::BlockReduce<u32, kThreads, kAlgorithm>;
  __shared__ typename Reduce::TempStorage storage;
  const u32 value = in[threadIdx.x];
  const u32 sum = Reduce(storage).Sum(value);
  __syncthreads();
  const u32 largest = Reduce(storage).Reduce(value, Maximum{});
  __syncthreads();
  const u32 part = Reduce(storage).Sum(value, count);
  if (threadIdx.x == 0) {
    out[0] = sum;
    out[1] = largest;
    out[2] = part;
  }
}

template <cub::BlockReduceAlgorithm kAlgorithm>
void check_reduce(const char* name) {
  constexpr int kCount = 77;
  const std::vector<u32> values = random_words(kThreads, 17);
  const DeviceArray<u32> in(values), out(3);
  run_kernel(reduce_kernel<kAlgorithm>, 1, kThreads, in.data(), kCount, out.data());
  Checks(name).same_elements(
      out.read(), {std::accumulate(values.begin(), values.end(), 0u), *std::max_element(values.begin(), values.end()),
                   std::accumulate(values.begin(), values.begin() + kCount, 0u)});
}

TEST(BlockCollectives, Reduce) {
  check_reduce<cub::BLOCK_REDUCE_RAKING>("cub::BlockReduce, raking");
  check_reduce<cub::BLOCK_REDUCE_RAKING_COMMUTATIVE_ONLY>("cub::BlockReduce, raking of commutative sums");
  check_reduce<cub::BLOCK_REDUCE_WARP_REDUCTIONS>("cub::BlockReduce, warp reductions");
}

/// Every partial sum is exact, so the order of the additions is free.
__global__ void reduce_double_kernel(const double* in, double* out) {
  using Reduce = cub::BlockReduce<double, kThreads>;
  __shared__ typename Reduce::TempStorage storage;
  const double sum = Reduce(storage).Sum(in[threadIdx.x]);
  if (threadIdx.x == 0) *out = sum;
}

TEST(BlockCollectives, ReduceDoubles) {
  std::vector<double> values(kThreads);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i * i) + 0.25;
  const DeviceArray<double> in(values), out(1);
  run_kernel(reduce_double_kernel, 1, kThreads, in.data(), out.data());
  Checks("cub::BlockReduce of doubles").same_elements(out.read(), {std::accumulate(values.begin(), values.end(), 0.0)});
}

/// Two values per thread.
template <cub::BlockScanAlgorithm kAlgorithm>
__global__ void scan_kernel(const u32* in, u32* inclusive, u32* exclusive, u32* total) {
  using Scan = cub::BlockScan<u32, kThreads, kAlgorithm>;
  __shared__ typename Scan::TempStorage storage;
  const u32 i = threadIdx.x;
  u32 values[2] = {in[2 * i], in[2 * i + 1]}, sums[2], sum_of_all;
  Scan(storage).InclusiveSum(values, sums);
  inclusive[2 * i] = sums[0];
  inclusive[2 * i + 1] = sums[1];
  __syncthreads();
  Scan(storage).ExclusiveSum(values, sums, sum_of_all);
  exclusive[2 * i] = sums[0];
  exclusive[2 * i + 1] = sums[1];
  if (i == 5) *total = sum_of_all;
}

template <cub::BlockScanAlgorithm kAlgorithm>
void check_scan(const char* name) {
  const std::vector<u32> values = random_words(2 * kThreads, 18);
  const DeviceArray<u32> in(values), inclusive(values.size()), exclusive(values.size()), total(1);
  run_kernel(scan_kernel<kAlgorithm>, 1, kThreads, in.data(), inclusive.data(), exclusive.data(), total.data());
  std::vector<u32> wanted_inclusive(values.size()), wanted_exclusive(values.size());
  std::partial_sum(values.begin(), values.end(), wanted_inclusive.begin());
  for (std::size_t i = 0; i < values.size(); ++i) wanted_exclusive[i] = wanted_inclusive[i] - values[i];
  Checks checks(name);
  checks.same_elements(inclusive.read(), wanted_inclusive);
  checks.same_elements(exclusive.read(), wanted_exclusive);
  checks.same_elements(total.read(), {wanted_inclusive.back()});
}

TEST(BlockCollectives, Scan) {
  check_scan<cub::BLOCK_SCAN_RAKING>("cub::BlockScan, raking");
  check_scan<cub::BLOCK_SCAN_RAKING_MEMOIZE>("cub::BlockScan, raking with memory");
  check_scan<cub::BLOCK_SCAN_WARP_SCANS>("cub::BlockScan, warp scans");
}

/// Reductions of whole warps and of groups of 8 lanes, and a scan of whole warps.
__global__ void warp_kernel(const u32* in, u32* sums, u32* sums_of_eight, u32* scans) {
  using Reduce = cub::WarpReduce<u32>;
  using ReduceEight = cub::WarpReduce<u32, 8>;
  using Scan = cub::WarpScan<u32>;
  __shared__ typename Reduce::TempStorage reduce_storage[kThreads / 32];
  __shared__ typename ReduceEight::TempStorage eight_storage[kThreads / 8];
  __shared__ typename Scan::TempStorage scan_storage[kThreads / 32];
  const u32 i = threadIdx.x, value = in[i];
  const u32 sum = Reduce(reduce_storage[i / 32]).Sum(value);
  const u32 sum_of_eight = ReduceEight(eight_storage[i / 8]).Sum(value);
  u32 scan;
  Scan(scan_storage[i / 32]).InclusiveSum(value, scan);
  if (i % 32 == 0) sums[i / 32] = sum;
  if (i % 8 == 0) sums_of_eight[i / 8] = sum_of_eight;
  scans[i] = scan;
}

std::vector<u32> sums_of_groups(const std::vector<u32>& values, std::size_t size) {
  std::vector<u32> sums(values.size() / size);
  for (std::size_t i = 0; i < values.size(); ++i) sums[i / size] += values[i];
  return sums;
}

TEST(BlockCollectives, Warps) {
  const std::vector<u32> values = random_words(kThreads, 19);
  const DeviceArray<u32> in(values), sums(kThreads / 32), sums_of_eight(kThreads / 8), scans(kThreads);
  run_kernel(warp_kernel, 1, kThreads, in.data(), sums.data(), sums_of_eight.data(), scans.data());
  std::vector<u32> wanted(kThreads);
  for (std::size_t i = 0; i < kThreads; ++i) wanted[i] = values[i] + (i % 32 == 0 ? 0 : wanted[i - 1]);
  Checks checks("cub::WarpReduce and cub::WarpScan");
  checks.same_elements(sums.read(), sums_of_groups(values, 32));
  checks.same_elements(sums_of_eight.read(), sums_of_groups(values, 8));
  checks.same_elements(scans.read(), wanted);
}

constexpr int kBins = 16;

template <cub::BlockHistogramAlgorithm kAlgorithm>
__global__ void histogram_kernel(const u8* in, u32* out) {
  using Histogram = cub::BlockHistogram<u8, kThreads, 2, kBins, kAlgorithm>;
  __shared__ typename Histogram::TempStorage storage;
  __shared__ u32 bins[kBins];
  u8 samples[2] = {in[2 * threadIdx.x], in[2 * threadIdx.x + 1]};
  Histogram(storage).Histogram(samples, bins);
  __syncthreads();
  if (threadIdx.x < kBins) out[threadIdx.x] = bins[threadIdx.x];
}

template <cub::BlockHistogramAlgorithm kAlgorithm>
void check_histogram(const char* name) {
  std::vector<u8> samples;
  std::vector<u32> wanted(kBins);
  for (const u32 word : random_words(2 * kThreads, 20)) {
    samples.push_back(static_cast<u8>((word & 7) + (word >> 4 & 7)));
    ++wanted[samples.back()];
  }
  const DeviceArray<u8> in(samples);
  const DeviceArray<u32> out(kBins);
  run_kernel(histogram_kernel<kAlgorithm>, 1, kThreads, in.data(), out.data());
  Checks(name).same_elements(out.read(), wanted);
}

TEST(BlockCollectives, Histogram) {
  check_histogram<cub::BLOCK_HISTO_ATOMIC>("cub::BlockHistogram, atomics");
  check_histogram<cub::BLOCK_HISTO_SORT>("cub::BlockHistogram, sort");
}

}  // namespace
}  // namespace emulator::self_test

#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "self_test/checks.h"
#include "self_test/device_array.h"
#include "self_test/values.h"

/// Cooperative groups: blocks, tiles of warps, coalesced and labelled groups.
namespace emulator::self_test {
namespace {

namespace groups = cooperative_groups;

constexpr u32 kThreads = 96;

struct Block {
  u32 rank, size, neighbour;
};

__global__ void block_kernel(Block* out) {
  __shared__ u32 staged[kThreads];
  const groups::thread_block block = groups::this_thread_block();
  const u32 rank = block.thread_rank();
  staged[rank] = rank * 3;
  block.sync();
  out[rank] = {rank, static_cast<u32>(block.size()), staged[(rank + 1) % kThreads]};
}

TEST(CooperativeGroups, Block) {
  const DeviceArray<Block> out(kThreads);
  block_kernel<<<1, dim3(8, 4, 3)>>>(out.data());
  const std::vector<Block> got = out.read();
  Checks checks("cooperative_groups::thread_block");
  for (u32 i = 0; i < kThreads; ++i) {
    const auto where = [&] { return std::to_string(i); };
    checks.same(got[i].rank, i, where);
    checks.same(got[i].size, kThreads, where);
    checks.same(got[i].neighbour, (i + 1) % kThreads * 3, where);
  }
}

struct Tile {
  u32 rank, index, tiles, sum, largest, from_next, rotated, ballot, scan;
  float float_sum;
};

template <int kSize>
__global__ void tile_kernel(const u32* in, Tile* out) {
  const auto tile = groups::tiled_partition<kSize>(groups::this_thread_block());
  const u32 value = in[threadIdx.x], rank = tile.thread_rank();
  Tile result;
  result.rank = rank;
  result.index = tile.meta_group_rank();
  result.tiles = tile.meta_group_size();
  result.sum = groups::reduce(tile, value, groups::plus<u32>());
  result.largest = groups::reduce(tile, value, groups::greater<u32>());
  result.from_next = tile.shfl_down(value, 1);
  result.rotated = tile.shfl(value, static_cast<int>((rank + 1) % kSize)) + tile.shfl_xor(value, 1);
  result.ballot = tile.ballot(value % 2 == 1);
  result.scan = groups::inclusive_scan(tile, value, groups::plus<u32>());
  result.float_sum = groups::reduce(tile, static_cast<float>(value % 100), groups::plus<float>());
  out[threadIdx.x] = result;
}

/// What thread i of tiles of `size` gets.
Tile expected_tile(const std::vector<u32>& values, u32 i, u32 size) {
  const u32 rank = i % size, first = i - rank;
  Tile tile = {rank, i / size, kThreads / size, 0, 0, values[rank + 1 < size ? i + 1 : i], 0, 0, 0, 0};
  tile.rotated = values[first + (rank + 1) % size] + values[i ^ 1];
  for (u32 j = 0; j < size; ++j) {
    const u32 value = values[first + j];
    tile.sum += value;
    tile.largest = std::max(tile.largest, value);
    tile.ballot |= value % 2 << j;
    tile.float_sum += static_cast<float>(value % 100);  // small integers: exact in any order
    if (j <= rank) tile.scan += value;
  }
  return tile;
}

template <int kSize>
void check_tiles(const char* name) {
  const std::vector<u32> values = random_words(kThreads, 23);
  const DeviceArray<u32> in(values);
  const DeviceArray<Tile> out(kThreads);
  run_kernel(tile_kernel<kSize>, 1, kThreads, in.data(), out.data());
  const std::vector<Tile> got = out.read();
  Checks checks(name);
  for (u32 i = 0; i < kThreads; ++i)
    checks.same(got[i], expected_tile(values, i, kSize), [&] { return "thread " + std::to_string(i); });
}

TEST(CooperativeGroups, Tiles) {
  check_tiles<32>("cooperative_groups::tiled_partition<32>");
  check_tiles<16>("cooperative_groups::tiled_partition<16>");
  check_tiles<4>("cooperative_groups::tiled_partition<4>");
}

/// Every third thread meets its like. Whether all meet in one group is left to the hardware: the host sees only what
/// holds for any number of groups.
__global__ void coalesced_kernel(const u32* in, u32* sum, u32* results) {
  const u32 i = threadIdx.x;
  if (i % 3 != 0) return;
  const groups::coalesced_group group = groups::coalesced_threads();
  const u32 rank = group.thread_rank(), size = static_cast<u32>(group.size());
  const u32 first = group.shfl(i, 0), sum_of_group = groups::reduce(group, in[i], groups::plus<u32>());
  const bool is_first_right = group.shfl(in[i], 0) == in[first] && first <= i && first % 3 == 0;
  if (rank == 0) atomicAdd(sum, sum_of_group);
  results[i] = is_first_right && rank < size && size <= 11 ? 1 : 0;
}

TEST(CooperativeGroups, Coalesced) {
  const std::vector<u32> values = random_words(32, 24);
  const DeviceArray<u32> in(values);
  const auto sum = DeviceArray<u32>::zeros(1), results = DeviceArray<u32>::zeros(32);
  run_kernel(coalesced_kernel, 1, 32, in.data(), sum.data(), results.data());
  std::vector<u32> wanted(32);
  u32 wanted_sum = 0;
  for (u32 i = 0; i < 32; i += 3) {
    wanted[i] = 1;
    wanted_sum += values[i];
  }
  Checks checks("cooperative_groups::coalesced_threads");
  checks.same_elements(sum.read(), {wanted_sum});
  checks.same_elements(results.read(), wanted);
}

struct Labelled {
  u32 rank, size, sum;
};

__global__ void labelled_kernel(const u32* in, Labelled* out) {
  const auto warp = groups::tiled_partition<32>(groups::this_thread_block());
  const u32 value = in[threadIdx.x];
  const auto group = groups::labeled_partition(warp, value % 5);
  out[threadIdx.x] = {group.thread_rank(), static_cast<u32>(group.size()),
                      groups::reduce(group, value, groups::plus<u32>())};
}

TEST(CooperativeGroups, Labelled) {
  const std::vector<u32> values = random_words(32, 25);
  const DeviceArray<u32> in(values);
  const DeviceArray<Labelled> out(32);
  run_kernel(labelled_kernel, 1, 32, in.data(), out.data());
  const std::vector<Labelled> got = out.read();
  Checks checks("cooperative_groups::labeled_partition");
  for (u32 i = 0; i < 32; ++i) {
    Labelled wanted = {0, 0, 0};
    for (u32 j = 0; j < 32; ++j) {
      if (values[j] % 5 != values[i] % 5) continue;
      wanted.rank += j < i ? 1 : 0;
      ++wanted.size;
      wanted.sum += values[j];
    }
    const auto where = [&] { return "thread " + std::to_string(i); };
    checks.same(got[i].rank, wanted.rank, where);
    checks.same(got[i].size, wanted.size, where);
    checks.same(got[i].sum, wanted.sum, where);
  }
}

}  // namespace
}  // namespace emulator::self_test

#include <gtest/gtest.h>

#include <algorithm>
#include <cub/block/block_load.cuh>
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_store.cuh>

#include "self_test/checks.h"
#include "self_test/device_array.h"
#include "self_test/values.h"

/// CUB's block-wide loads, stores and sorts.
namespace emulator::self_test {
namespace {

constexpr int kThreads = 64, kItems = 4, kTile = kThreads * kItems;

/// Each thread marks its items with their rank in the thread, on the way from in to out.
template <cub::BlockLoadAlgorithm kLoad, cub::BlockStoreAlgorithm kStore>
__global__ void move_kernel(const u32* in, u32* out, int valid) {
  using Load = cub::BlockLoad<u32, kThreads, kItems, kLoad>;
  using Store = cub::BlockStore<u32, kThreads, kItems, kStore>;
  __shared__ union {
    typename Load::TempStorage load;
    typename Store::TempStorage store;
  } storage;
  u32 items[kItems];
  Load(storage.load).Load(in, items, valid, 0u);
  for (u32 j = 0; j < kItems; ++j) items[j] = items[j] * 16 + j;
  __syncthreads();
  Store(storage.store).Store(out, items, valid);
}

template <cub::BlockLoadAlgorithm kLoad, cub::BlockStoreAlgorithm kStore>
void check_move(const char* name, bool is_striped = false) {
  const std::vector<u32> values = random_words(kTile, 21);
  const DeviceArray<u32> in(values);
  for (const int valid : {kTile, kTile - 37}) {
    const auto out = DeviceArray<u32>::zeros(kTile);
    run_kernel(move_kernel<kLoad, kStore>, 1, kThreads, in.data(), out.data(), valid);
    std::vector<u32> wanted(kTile);
    for (u32 i = 0; i < static_cast<u32>(valid); ++i)
      wanted[i] = values[i] * 16 + (is_striped ? i / kThreads : i % kItems);
    Checks(name).same_elements(out.read(), wanted);
  }
}

TEST(BlockExchange, LoadAndStore) {
  check_move<cub::BLOCK_LOAD_DIRECT, cub::BLOCK_STORE_DIRECT>("cub::BlockLoad, direct");
  check_move<cub::BLOCK_LOAD_STRIPED, cub::BLOCK_STORE_STRIPED>("cub::BlockLoad, striped", true);
  check_move<cub::BLOCK_LOAD_VECTORIZE, cub::BLOCK_STORE_VECTORIZE>("cub::BlockLoad, vectors");
  check_move<cub::BLOCK_LOAD_TRANSPOSE, cub::BLOCK_STORE_TRANSPOSE>("cub::BlockLoad, transposed");
  check_move<cub::BLOCK_LOAD_WARP_TRANSPOSE, cub::BLOCK_STORE_WARP_TRANSPOSE>("cub::BlockLoad, transposed in warps");
}

template <class Key>
__global__ void sort_kernel(const Key* keys, const u32* values, Key* sorted_keys, u32* sorted_values) {
  using Sort = cub::BlockRadixSort<Key, kThreads, kItems, u32>;
  __shared__ typename Sort::TempStorage storage;
  Key own_keys[kItems];
  u32 own_values[kItems];
  for (u32 j = 0; j < kItems; ++j) {
    own_keys[j] = keys[threadIdx.x * kItems + j];
    own_values[j] = values[threadIdx.x * kItems + j];
  }
  Sort(storage).Sort(own_keys, own_values);
  for (u32 j = 0; j < kItems; ++j) {
    sorted_keys[threadIdx.x * kItems + j] = own_keys[j];
    sorted_values[threadIdx.x * kItems + j] = own_values[j];
  }
}

/// The sort is stable: equal keys keep their order, which the values show.
template <class Key>
void check_sort(const char* name, const std::vector<Key>& keys) {
  std::vector<u32> order(kTile);
  for (u32 i = 0; i < kTile; ++i) order[i] = i;
  const DeviceArray<Key> device_keys(keys), sorted_keys(kTile);
  const DeviceArray<u32> values(order), sorted_values(kTile);
  run_kernel(sort_kernel<Key>, 1, kThreads, device_keys.data(), values.data(), sorted_keys.data(),
             sorted_values.data());
  std::stable_sort(order.begin(), order.end(), [&](u32 a, u32 b) { return keys[a] < keys[b]; });
  std::vector<Key> wanted;
  for (const u32 i : order) wanted.push_back(keys[i]);
  Checks checks(name);
  checks.same_elements(sorted_keys.read(), wanted);
  checks.same_elements(sorted_values.read(), order);
}

TEST(BlockExchange, RadixSort) {
  std::vector<u32> keys = random_words(kTile, 22);
  check_sort("cub::BlockRadixSort of u32", keys);
  check_sort("cub::BlockRadixSort of s32", as<s32>(keys));
  std::vector<float> floats;
  for (u32& key : keys) {
    key &= 15;  // many equal ones
    floats.push_back(static_cast<float>(key) - 7.5f);
  }
  check_sort("cub::BlockRadixSort of equal keys", keys);
  check_sort("cub::BlockRadixSort of f32", floats);
}

}  // namespace
}  // namespace emulator::self_test

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/digest.h"
#include "runtime/handles.h"
#include "runtime/host_memory.h"

namespace emulator::runtime {
namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

Execution call(std::uint64_t number, std::uint32_t step = 0) {
  Execution execution;
  execution.call = number;
  execution.step = step;
  return execution;
}

void add(Digest& digest, const Execution& execution, const std::string& payload) {
  digest.add(execution, bytes_of(payload).data(), payload.size(), payload.size(), 1);
}

std::uint64_t digest_of(const std::vector<std::string>& payloads) {
  Digest digest;
  std::uint64_t number = 0;
  for (const std::string& payload : payloads) add(digest, call(++number), payload);
  return digest.value();
}

TEST(DigestTest, EveryByteEveryLengthAndTheOrderCount) {
  const std::vector<std::vector<std::string>> runs{
      {},          {""},       {"", ""},   {"a"},        {std::string(1, '\0')}, {std::string(2, '\0')}, {"ab"},
      {"ba"},      {"a", "b"}, {"b", "a"}, {"abcdefgh"}, {"abcdefghi"},          {"abcdefg", "h"},       {"Abcdefgh"},
      {"abcdefgH"}};
  std::set<std::uint64_t> values;
  for (const auto& run : runs) values.insert(digest_of(run));
  EXPECT_EQ(values.size(), runs.size());
}

TEST(DigestTest, EveryBitOfAPayloadCounts) {
  std::string payload(24, 'x');
  std::set<std::uint64_t> values{digest_of({payload})};
  for (std::size_t bit = 0; bit < payload.size() * 8; ++bit) {
    std::string changed = payload;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    values.insert(digest_of({changed}));
  }
  EXPECT_EQ(values.size(), payload.size() * 8 + 1);
}

TEST(DigestTest, TheScheduleDoesNotCount) {
  Digest in_order;
  add(in_order, call(1), "a");
  add(in_order, call(2, 0), "b");
  add(in_order, call(2, 1), "c");
  Digest reversed;
  add(reversed, call(2, 1), "c");
  add(reversed, call(2, 0), "b");
  add(reversed, call(1), "a");
  EXPECT_EQ(in_order.value(), reversed.value());
  EXPECT_EQ(in_order.num_copies(), 3u);
}

TEST(DigestTest, GapsBetweenRowsDoNotCount) {
  Digest first;
  first.add(call(1), bytes_of("ab..cd").data(), 4, 2, 2);
  Digest second;
  second.add(call(1), bytes_of("ab--cd").data(), 4, 2, 2);
  Digest other;
  other.add(call(1), bytes_of("ab--ce").data(), 4, 2, 2);
  EXPECT_EQ(first.value(), second.value());
  EXPECT_NE(first.value(), other.value());
}

TEST(HandlesTest, GarbageAndRemovedHandlesAreFound) {
  Handles<int, int**> handles;
  int** const first = handles.add(std::make_unique<int>(1));
  int** const second = handles.add(std::make_unique<int>(2));
  EXPECT_NE(first, second);
  ASSERT_NE(handles.find(first), nullptr);
  EXPECT_EQ(*handles.find(first), 1);
  EXPECT_EQ(handles.find(nullptr), nullptr);
  EXPECT_EQ(handles.find(reinterpret_cast<int**>(0x1)), nullptr);
  EXPECT_NE(handles.remove(first), nullptr);
  EXPECT_EQ(handles.remove(first), nullptr);
  EXPECT_EQ(handles.find(first), nullptr);
  EXPECT_NE(handles.add(std::make_unique<int>(3)), first);
}

TEST(HostMemoryTest, FindsOnlyWhatARangeCovers) {
  HostMemory memory;
  auto* const pointer = static_cast<std::byte*>(memory.allocate(100, 3));
  ASSERT_NE(pointer, nullptr);
  ASSERT_NE(memory.find(pointer), nullptr);
  EXPECT_EQ(memory.find(pointer)->flags, 3u);
  EXPECT_NE(memory.find(pointer + 60, 40), nullptr);
  EXPECT_EQ(memory.find(pointer + 60, 41), nullptr);
  EXPECT_EQ(memory.find(pointer + 100), nullptr);
  EXPECT_EQ(memory.find(pointer - 1), nullptr);
  EXPECT_FALSE(memory.release(pointer + 1));
  EXPECT_TRUE(memory.release(pointer));
  EXPECT_FALSE(memory.release(pointer));
  EXPECT_EQ(memory.find(pointer), nullptr);
}

TEST(HostMemoryTest, RegisteredRangesDoNotOverlap) {
  HostMemory memory;
  std::vector<std::byte> buffer(100);
  std::byte* const begin = buffer.data();
  EXPECT_TRUE(memory.lock(begin + 20, 20, 0));
  EXPECT_FALSE(memory.lock(begin + 20, 1, 0));
  EXPECT_FALSE(memory.lock(begin + 39, 5, 0));
  EXPECT_FALSE(memory.lock(begin, 21, 0));
  EXPECT_TRUE(memory.lock(begin, 20, 0));
  EXPECT_TRUE(memory.lock(begin + 40, 20, 0));
  EXPECT_FALSE(memory.release(begin));
  EXPECT_FALSE(memory.unlock(begin + 21));
  EXPECT_TRUE(memory.unlock(begin + 20));
  EXPECT_EQ(memory.find(begin + 20), nullptr);
  EXPECT_NE(memory.find(begin + 40), nullptr);
}

}  // namespace
}  // namespace emulator::runtime

#include "plan/ledger.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>

namespace arloss {
namespace {

constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();

TEST(Ledger, StartsEmpty) {
  const Ledger ledger;
  EXPECT_EQ(ledger.total(), 0u);
  EXPECT_TRUE(ledger.bookings().empty());
  EXPECT_EQ(workspace_bytes(ledger), 0u);
}

TEST(Ledger, BooksApartAtCacheLinesWithExactBytes) {
  Ledger ledger;
  EXPECT_EQ(ledger.book<char>("one", {1}), 0u);
  EXPECT_EQ(ledger.book<double>("eight", {2, 4}), 64u);
  EXPECT_EQ(ledger.book<float>("more", {3, 5, 7}), 128u);
  EXPECT_EQ(ledger.book<char>("last", {65}), 576u);
  EXPECT_EQ(ledger.total(), 704u);
  const std::size_t bytes[] = {1, 64, 420, 65}, offsets[] = {0, 64, 128, 576};
  ASSERT_EQ(ledger.bookings().size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(ledger.bookings()[i].bytes, bytes[i]);
    EXPECT_EQ(ledger.bookings()[i].offset, offsets[i]);
  }
  EXPECT_EQ(ledger.bookings()[2].name, "more");
}

TEST(Ledger, NeverOverlapsWhateverTheSizes) {
  Ledger ledger;
  for (std::int64_t bytes = 1; bytes < 300; ++bytes) ledger.book<char>("part", {bytes});
  std::size_t end = 0;
  for (const Booking& booking : ledger.bookings()) {
    EXPECT_EQ(booking.offset % Ledger::kAlignment, 0u);
    EXPECT_GE(booking.offset, end);
    EXPECT_LT(booking.offset, end + Ledger::kAlignment);
    end = booking.offset + booking.bytes;
  }
  EXPECT_GE(ledger.total(), end);
}

TEST(Ledger, AZeroCountTakesNoRoom) {
  Ledger ledger;
  ledger.book<double>("none", {100, 0, 3});
  EXPECT_EQ(ledger.total(), 0u);
  EXPECT_EQ(ledger.book<double>("some", {1}), 0u);
  EXPECT_EQ(ledger.book<double>("none again", {0}), 64u);
  EXPECT_EQ(ledger.total(), 64u);
  EXPECT_EQ(ledger.bookings().back().bytes, 0u);
}

template <class T>
std::string refusal_of(Ledger ledger, std::initializer_list<std::int64_t> counts) {
  try {
    ledger.book<T>("the table", counts);
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.status(), ARLOSS_STATUS_INVALID_ARGUMENT);
    return refusal.what();
  }
  return "booked";
}

TEST(Ledger, RefusesWhatOverflows64Bits) {
  const std::string expected =
      "problem.batch, classes and sizes are too large together: \"the table\" overflows 64-bit bytes";
  EXPECT_EQ(refusal_of<double>(Ledger(), {kHuge}), expected);
  EXPECT_EQ(refusal_of<double>(Ledger(), {kHuge / 8, 1 << 20, 1 << 20}), expected);
  EXPECT_EQ(refusal_of<char>(Ledger(), {-1}), expected);
  // The product fits; rounding it up to a cache line does not.
  EXPECT_EQ(refusal_of<char>(Ledger(), {kHuge, 2}), expected);
  EXPECT_EQ(refusal_of<std::int64_t>(Ledger(), {std::int64_t{1} << 60, 1}), "booked");
}

TEST(Ledger, RefusesATotalThatOverflows64Bits) {
  Ledger ledger;
  ledger.book<char>("half of everything", {kHuge});
  EXPECT_EQ(refusal_of<char>(ledger, {kHuge - 256}), "booked");
  EXPECT_NE(refusal_of<char>(ledger, {kHuge}), "booked");
}

TEST(Ledger, WorkspaceBytesCoverTheMoveUpToACacheLine) {
  Ledger ledger;
  ledger.book<char>("part", {100});
  EXPECT_EQ(workspace_bytes(ledger), ledger.total() + 48);
  alignas(64) char buffer[256];
  for (std::size_t shift = 0; shift < 64; shift += 16) {
    const auto* moved = static_cast<const char*>(aligned(buffer + shift));
    EXPECT_EQ(moved, shift == 0 ? buffer : buffer + 64);
    EXPECT_LE(moved + ledger.total(), buffer + shift + workspace_bytes(ledger));
  }
}

TEST(Ledger, AtIsTheElementOfABooking) {
  Ledger ledger;
  ledger.book<char>("first", {3});
  const std::size_t offset = ledger.book<double>("second", {2});
  alignas(64) char buffer[256] = {};
  at<double>(static_cast<void*>(buffer), offset)[1] = 0.5;
  EXPECT_EQ(at<double>(static_cast<const void*>(buffer), offset + sizeof(double))[0], 0.5);
  EXPECT_EQ(static_cast<void*>(at<double>(static_cast<void*>(buffer), offset)), buffer + 64);
}

}  // namespace
}  // namespace arloss

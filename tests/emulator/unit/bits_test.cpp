/// Instructions on bits and integers against the bit-by-bit definitions of the PTX ISA.
#include "semantics/bits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "semantics/integer.h"

namespace emulator::semantics {
namespace {

using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;
__extension__ using s128 = __int128;

/// Bits that are often all alike over long runs.
u64 random_bits(std::mt19937_64& random) {
  const u64 choice = random();
  if (choice % 3 == 0) return random();
  if (choice % 3 == 1) return random() >> (choice >> 8 & 63);
  return (choice & 4 ? ~u64{0} : 0) << (choice >> 8 & 63) ^ u64 { 1 } << (choice >> 16 & 63);
}

bool bit(u64 value, int position) { return (value >> position & 1) != 0; }

template <class Int>
struct FieldTest : testing::Test {};
using FieldTypes = testing::Types<u32, u64, s32, s64>;
TYPED_TEST_SUITE(FieldTest, FieldTypes);

TYPED_TEST(FieldTest, ExtractAndInsert) {
  using Bits = std::make_unsigned_t<TypeParam>;
  constexpr int kMsb = kWidth<TypeParam> - 1;
  std::mt19937_64 random(1);
  for (int sample = 0; sample < 200000; ++sample) {
    const auto value = static_cast<Bits>(random_bits(random)), base = static_cast<Bits>(random_bits(random));
    const u32 position = static_cast<u32>(random() % (sample % 2 ? 70 : 600)),
              length = static_cast<u32>(random() % (sample % 4 > 1 ? 70 : 600));
    const int pos = position & 0xFF, len = length & 0xFF;
    const bool sign = std::is_signed_v<TypeParam> && len != 0 && bit(value, std::min(pos + len - 1, kMsb));
    Bits extracted = 0, inserted = base;
    for (int i = 0; i <= kMsb; ++i) {
      const bool is_set = i < len && pos + i <= kMsb ? bit(value, pos + i) : sign;
      extracted |= static_cast<Bits>(Bits{is_set} << i);
    }
    for (int i = 0; i < len && pos + i <= kMsb; ++i)
      inserted = static_cast<Bits>((inserted & ~(Bits{1} << (pos + i))) | Bits{bit(value, i)} << (pos + i));
    ASSERT_EQ(static_cast<Bits>(extract_field(static_cast<TypeParam>(value), position, length)), extracted)
        << value << ' ' << position << ' ' << length;
    ASSERT_EQ(insert_field(value, base, position, length), inserted) << value << ' ' << position << ' ' << length;
  }
}

TYPED_TEST(FieldTest, CountsAndHighestBit) {
  using Bits = std::make_unsigned_t<TypeParam>;
  constexpr int kMsb = kWidth<TypeParam> - 1;
  std::mt19937_64 random(2);
  for (int sample = 0; sample < 200000; ++sample) {
    const auto value = static_cast<Bits>(sample == 0 ? 0 : sample == 1 ? ~u64{0} : random_bits(random));
    const bool is_negative = std::is_signed_v<TypeParam> && bit(value, kMsb);
    u32 ones = 0, zeros = 0, highest = ~0u;
    Bits reversed = 0;
    for (int i = 0; i <= kMsb; ++i) {
      ones += bit(value, i);
      reversed |= static_cast<Bits>(Bits{bit(value, i)} << (kMsb - i));
      if (bit(value, i) != is_negative) highest = static_cast<u32>(i);
    }
    while (zeros <= kMsb && !bit(value, kMsb - static_cast<int>(zeros))) ++zeros;
    ASSERT_EQ(count_ones(value), ones);
    ASSERT_EQ(leading_zeros(value), zeros);
    ASSERT_EQ(reverse_bits(value), reversed);
    ASSERT_EQ(find_highest(static_cast<TypeParam>(value)), highest);
    ASSERT_EQ(find_highest(static_cast<TypeParam>(value), true), highest == ~0u ? ~0u : kMsb - highest);
  }
}

template <class Int>
void check_shifts() {
  using Bits = std::make_unsigned_t<Int>;
  std::mt19937_64 random(3);
  for (u32 amount = 0; amount < 300; ++amount)
    for (int sample = 0; sample < 50; ++sample) {
      const auto value = static_cast<Int>(random());
      u64 left = static_cast<Bits>(value);
      Int right = value;
      for (u32 step = 0; step < amount; ++step) {
        left = static_cast<Bits>(left * 2);
        right = static_cast<Int>(right < 0 ? (s64{right} - 1) / 2 : right / 2);
      }
      ASSERT_EQ(shift_left(static_cast<Bits>(value), amount), left);
      ASSERT_EQ(shift_right(value, amount), right) << +value << ' ' << amount;
    }
  EXPECT_EQ(shift_right(static_cast<Int>(-1), ~0u), std::is_signed_v<Int> ? static_cast<Int>(-1) : Int{0});
}

TEST(BitsTest, ShiftsBeyondTheWidth) {
  check_shifts<u16>();
  check_shifts<u32>();
  check_shifts<s16>();
  check_shifts<s32>();
  EXPECT_EQ(shift_right(std::numeric_limits<s64>::min(), 63), -1);
  EXPECT_EQ(shift_right(~u64{0}, 64), 0u);
  EXPECT_EQ(shift_left(u64{1}, 63), u64{1} << 63);
  EXPECT_EQ(shift_left(u64{1}, 64), 0u);
}

TEST(BitsTest, FunnelShifts) {
  std::mt19937_64 random(4);
  for (u32 amount = 0; amount < 100; ++amount) {
    const auto low = static_cast<u32>(random()), high = static_cast<u32>(random());
    for (const ShiftMode mode : {ShiftMode::kClamp, ShiftMode::kWrap}) {
      const u32 n = mode == ShiftMode::kClamp ? std::min(amount, 32u) : amount % 32;
      u32 left = 0, right = 0;
      for (u32 i = 0; i < 32; ++i) {
        const auto bit_of_both = [&](u32 position) {
          return position < 32 ? bit(low, static_cast<int>(position)) : bit(high, static_cast<int>(position) - 32);
        };
        left |= u32{bit_of_both(32 + i - n)} << i;
        right |= u32{bit_of_both(i + n)} << i;
      }
      EXPECT_EQ(funnel_left(low, high, amount, mode), left) << amount;
      EXPECT_EQ(funnel_right(low, high, amount, mode), right) << amount;
    }
  }
}

TEST(BitsTest, MasksAndExtensions) {
  for (u32 a = 0; a < 80; ++a)
    for (u32 b = 0; b < 80; ++b)
      for (const ShiftMode mode : {ShiftMode::kClamp, ShiftMode::kWrap}) {
        const bool is_clamped = mode == ShiftMode::kClamp;
        const u32 position = is_clamped ? a : a % 32, length = is_clamped ? b : b % 32;
        u32 mask = 0;
        for (u32 i = 0; i < 32; ++i) mask |= u32{i >= position && i - position < length} << i;
        ASSERT_EQ(bit_mask(a, b, mode), mask) << a << ' ' << b;

        const u32 value = a * 0x9E3779B9u;
        u32 zero_extended = 0;
        for (u32 i = 0; i < std::min(length, 32u); ++i) zero_extended |= value & (1u << i);
        const bool sign = length != 0 && length < 32 && bit(value, static_cast<int>(length) - 1);
        const u32 sign_extended = zero_extended | (sign ? ~0u << length : 0);
        ASSERT_EQ(extend_field(value, b, mode), zero_extended) << value << ' ' << b;
        ASSERT_EQ(static_cast<u32>(extend_field(static_cast<s32>(value), b, mode)), sign_extended) << value << ' ' << b;
      }
}

TEST(BitsTest, GenericPermutation) {
  std::mt19937_64 random(5);
  for (u32 selector = 0; selector <= 0xFFFF; ++selector) {
    const auto low = static_cast<u32>(random()), high = static_cast<u32>(random());
    u32 expected = 0;
    for (int byte = 0; byte < 4; ++byte) {
      const u32 choice = selector >> (4 * byte) & 15, index = choice & 7;
      const u32 chosen = (index < 4 ? low : high) >> (8 * (index % 4)) & 0xFF;
      expected |= (choice < 8 ? chosen : chosen >= 128 ? 0xFFu : 0u) << (8 * byte);
    }
    ASSERT_EQ(permute_bytes(low, high, selector | 0xABCD0000u), expected) << selector;
  }
}

TEST(BitsTest, SpecialPermutations) {
  const u32 low = 0xF3E2D1C0u, high = 0xB7A69584u;
  const u64 both = u64{high} << 32 | low;
  for (int control = 0; control < 4; ++control) {
    const auto check = [&](PermuteMode mode, auto source) {
      u32 expected = 0;
      for (int byte = 0; byte < 4; ++byte)
        expected |= static_cast<u32>(both >> (8 * source(byte)) & 0xFF) << (8 * byte);
      EXPECT_EQ(permute_bytes(low, high, static_cast<u32>(control) | 0xFFFFFFF0u, mode), expected) << control;
    };
    check(PermuteMode::kF4e, [&](int byte) { return control + byte; });
    check(PermuteMode::kB4e, [&](int byte) { return (control - byte + 8) % 8; });
    check(PermuteMode::kRc8, [&](int) { return control; });
    check(PermuteMode::kEcl, [&](int byte) { return std::max(byte, control); });
    check(PermuteMode::kEcr, [&](int byte) { return std::min(byte, control); });
    check(PermuteMode::kRc16, [&](int byte) { return control % 2 * 2 + byte % 2; });
  }
}

TEST(BitsTest, EveryTableOfThreeInputs) {
  std::mt19937_64 random(6);
  for (u32 table = 0; table < 256; ++table) {
    const u64 a = random(), b = random(), c = random();
    u64 expected = 0;
    for (int i = 0; i < 64; ++i) expected |= u64{bit(table, bit(a, i) * 4 + bit(b, i) * 2 + bit(c, i))} << i;
    ASSERT_EQ(logic3(a, b, c, table), expected) << table;
    ASSERT_EQ(logic3(static_cast<u32>(a), static_cast<u32>(b), static_cast<u32>(c), table), static_cast<u32>(expected));
  }
  EXPECT_EQ(logic3(0xF0u, 0xCCu, 0xAAu, 0x80u) & 0xFF, 0x80u);
}

TEST(BitsTest, NthSetBit) {
  std::mt19937_64 random(7);
  for (int sample = 0; sample < 100000; ++sample) {
    const auto mask = static_cast<u32>(random_bits(random)), base = static_cast<u32>(random() % 32);
    const auto offset = static_cast<s32>(random() % 70) - 35;
    std::vector<u32> found;
    for (int position = static_cast<int>(base); position >= 0 && position<32; position += offset> 0 ? 1 : -1)
      if (bit(mask, position)) found.push_back(static_cast<u32>(position));
    u32 expected = ~0u;
    if (offset == 0 && bit(mask, static_cast<int>(base))) expected = base;
    if (offset != 0 && static_cast<std::size_t>(std::abs(offset)) <= found.size())
      expected = found[static_cast<std::size_t>(std::abs(offset)) - 1];
    ASSERT_EQ(find_nth_set(mask, base, offset), expected) << mask << ' ' << base << ' ' << offset;
  }
  EXPECT_EQ(find_nth_set(~0u, 0, std::numeric_limits<s32>::min()), ~0u);
  EXPECT_EQ(find_nth_set(~0u, 32, -1), ~0u);
}

// ---- integers

template <class Int>
struct IntegerTest : testing::Test {};
using Integers = testing::Types<u16, u32, u64, s16, s32, s64>;
TYPED_TEST_SUITE(IntegerTest, Integers);

TYPED_TEST(IntegerTest, ArithmeticIsThatOf128Bits) {
  using Limits = std::numeric_limits<TypeParam>;
  std::mt19937_64 random(8);
  for (int sample = 0; sample < 200000; ++sample) {
    const auto a = static_cast<TypeParam>(random_bits(random)), b = static_cast<TypeParam>(random_bits(random)),
               c = static_cast<TypeParam>(random_bits(random));
    const auto wide = [](TypeParam value) { return s128{value}; };
    const auto clamp = [](s128 value) {
      return static_cast<TypeParam>(std::min<s128>(std::max<s128>(value, Limits::min()), Limits::max()));
    };
    // Signed products fit; unsigned 64-bit ones do in the unsigned type.
    __extension__ using Product = std::conditional_t<std::is_signed_v<TypeParam>, __int128, unsigned __int128>;
    const Product product = Product(a) * Product(b);
    const auto high = static_cast<TypeParam>(product >> kWidth<TypeParam>);
    ASSERT_EQ(wrapping_add(a, b), static_cast<TypeParam>(wide(a) + b));
    ASSERT_EQ(wrapping_subtract(a, b), static_cast<TypeParam>(wide(a) - b));
    ASSERT_EQ(wrapping_multiply(a, b), static_cast<TypeParam>(product));
    ASSERT_EQ(wrapping_negate(a), static_cast<TypeParam>(-wide(a)));
    ASSERT_EQ(wrapping_absolute(a), static_cast<TypeParam>(a < 0 ? -wide(a) : wide(a)));
    ASSERT_EQ(saturating_add(a, b), clamp(wide(a) + b));
    ASSERT_EQ(saturating_subtract(a, b), clamp(wide(a) - b));
    ASSERT_EQ(multiply_high(a, b), high);
    ASSERT_EQ(multiply_high_add(a, b, c), static_cast<TypeParam>(wide(high) + c));
    ASSERT_EQ(sum_absolute_difference(a, b, c), static_cast<TypeParam>((a < b ? wide(b) - a : wide(a) - b) + c));
    ASSERT_EQ(relu(a), a < 0 ? 0 : a);
    if (b != 0) {
      ASSERT_EQ(divide_integer(a, b), static_cast<TypeParam>(wide(a) / b));
      ASSERT_EQ(remainder_integer(a, b), static_cast<TypeParam>(wide(a) % b));
    }
  }
}

TYPED_TEST(IntegerTest, DivisionOutsideMathematics) {
  const TypeParam smallest = std::numeric_limits<TypeParam>::min(), minus_one = static_cast<TypeParam>(-1);
  EXPECT_EQ(divide_integer(TypeParam{7}, TypeParam{0}), minus_one);
  EXPECT_EQ(remainder_integer(TypeParam{7}, TypeParam{0}), TypeParam{7});
  if (std::is_signed_v<TypeParam>) {
    EXPECT_EQ(divide_integer(smallest, minus_one), smallest);
    EXPECT_EQ(remainder_integer(smallest, minus_one), TypeParam{0});
  }
}

TEST(IntegerTest, ProductsOf24Bits) {
  EXPECT_EQ(multiply24_low(0xFF000003u, 5u), 15u);
  EXPECT_EQ(multiply24_low(0x00FFFFFF, 5), -5);
  EXPECT_EQ(multiply24_high(0x00FFFFFFu, 0x00FFFFFFu), static_cast<u32>((u64{0xFFFFFF} * 0xFFFFFF) >> 16));
  EXPECT_EQ(multiply24_high(0x00800000, 0x00800000), s32{1} << 30);
  EXPECT_EQ(multiply24_high(0x00800000, 0x007FFFFF), static_cast<s32>((s64{-0x800000} * 0x7FFFFF) >> 16));
  EXPECT_EQ(multiply_high_add_saturating(0x40000000, 0x40000000, 0x7FFFFFFF), 0x7FFFFFFF);
}

TEST(IntegerTest, DotProducts) {
  const u32 a = 0xFF7F8001u, b = 0x80FF0203u;  // bytes 1, -128, 127, -1 and 3, 2, -1, -128
  EXPECT_EQ((dot_product4<std::int8_t, std::int8_t>(a, b, 10)), static_cast<u32>(10 + 3 - 256 - 127 + 128));
  EXPECT_EQ((dot_product4<std::uint8_t, std::uint8_t>(a, b, 10)),
            static_cast<u32>(10 + 3 + 256 + 127 * 255 + 255 * 128));
  EXPECT_EQ((dot_product4<std::int8_t, std::uint8_t>(a, b, 0)), static_cast<u32>(3 - 256 + 127 * 255 - 128));
  EXPECT_EQ((dot_product4<std::uint8_t, std::uint8_t>(a, b, ~0u)),
            static_cast<u32>(-1 + 3 + 256 + 127 * 255 + 255 * 128));
  // halves -32767 (0x8001) and -129 (0xFF7F)
  EXPECT_EQ((dot_product2<s16, std::int8_t>(a, b, 1, false)), static_cast<u32>(1 - 32767 * 3 - 129 * 2));
  EXPECT_EQ((dot_product2<s16, std::int8_t>(a, b, 1, true)), static_cast<u32>(1 + 32767 + 129 * 128));
  EXPECT_EQ((dot_product2<u16, std::uint8_t>(a, b, 1, true)), static_cast<u32>(1 + 0x8001 * 255 + 0xFF7F * 128));
}

}  // namespace
}  // namespace emulator::semantics

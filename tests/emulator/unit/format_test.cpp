/// printf of kernels: arguments packed as on the device, texts as the C library prints them.
#include "semantics/format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace emulator::semantics {
namespace {

/// Packs arguments as a kernel does: each at a multiple of its size.
class Packed {
 public:
  template <class... Values>
  explicit Packed(Values... values) {
    (add(values), ...);
  }
  const std::byte* data() const { return bytes_.data(); }

 private:
  template <class Value>
  void add(Value value) {
    static_assert(sizeof(Value) == 4 || sizeof(Value) == 8);
    bytes_.resize((bytes_.size() + sizeof value - 1) / sizeof value * sizeof value, std::byte{0xEE});
    const auto* const begin = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), begin, begin + sizeof value);
  }
  std::vector<std::byte> bytes_ = std::vector<std::byte>(0);
};

std::string read_string(std::uint64_t address) { return "<" + std::to_string(address) + ">"; }

template <class... Values>
std::string print(const std::string& format, Values... values) {
  return format_printf(format, Packed(values...).data(), read_string);
}

/// As the C library prints the same.
template <class... Values>
void expect_like_c(const char* format, Values... values) {
  char text[1000];
  std::snprintf(text, sizeof text, format, values...);
  EXPECT_EQ(print(format, values...), text) << format;
}

TEST(FormatTest, PlainText) {
  EXPECT_EQ(print(""), "");
  EXPECT_EQ(print("no conversion\n"), "no conversion\n");
  EXPECT_EQ(print("100%% of %%d"), "100% of %d");
}

TEST(FormatTest, Integers) {
  for (const char* format :
       {"%d", "%i", "%u", "%o", "%x", "%X", "%#x", "%#o", "%+d", "% d", "%08d", "%-8d|", "%8.3d", "%.0d"})
    for (const int value : {0, 1, -1, 123456, std::numeric_limits<int>::min()}) expect_like_c(format, value);
  for (const char* format : {"%hd", "%hhd", "%hu", "%hhu", "%hx", "%hhX"})
    for (const int value : {0, -1, 0x12345, 0x180, 0x7F}) expect_like_c(format, value);
  for (const char* format :
       {"%ld", "%lld", "%lu", "%llx", "%lo", "%zu", "%zd", "%td", "%jd", "%ju", "%-20ld|", "%020llX"})
    for (const long value : {0L, -1L, 1L << 40, std::numeric_limits<long>::min()}) expect_like_c(format, value);
}

TEST(FormatTest, Floats) {
  for (const char* format :
       {"%f", "%F", "%e", "%E", "%g", "%G", "%a", "%A", "%.3f", "%10.2e", "%-12g|", "%+.0f", "%#.0f", "%012.4f"})
    for (const double value : {0.0, -1.5, 3.14159e100, 1e-300, static_cast<double>(NAN), -HUGE_VAL})
      expect_like_c(format, value);
  EXPECT_EQ(print("%lf %Lf", 1.5, 2.5), "1.500000 2.500000");
}

TEST(FormatTest, CharactersStringsAndPointers) {
  expect_like_c("%c%c%3c|%-3c|", int{'a'}, int{'%'}, int{'b'}, int{'c'});
  EXPECT_EQ(print("%c", 0), std::string(1, '\0'));
  EXPECT_EQ(print("%s", std::uint64_t{77}), "<77>");
  EXPECT_EQ(print("%6s|%-6s|%.2s", std::uint64_t{7}, std::uint64_t{8}, std::uint64_t{9}), "   <7>|<8>   |<9");
  EXPECT_EQ(print("%s", std::uint64_t{0}), "(null)");
  expect_like_c("%p", reinterpret_cast<void*>(std::uint64_t{0x12345678ABCD}));
}

TEST(FormatTest, ArgumentsAreAlignedToTheirSizes) {
  EXPECT_EQ(print("%d %f %d %d %lld %s", 1, 2.0, 3, 4, 5LL, std::uint64_t{6}), "1 2.000000 3 4 5 <6>");
  EXPECT_EQ(print("%d %d %lld", 1, 2, 3LL), "1 2 3");
}

TEST(FormatTest, StarsTakeArguments) {
  EXPECT_EQ(print("%*d|%-*d|%*d|", 5, 1, 5, 2, -5, 3), "    1|2    |3    |");
  EXPECT_EQ(print("%.*f %.*f", 2, 1.0, -1, 1.0), "1.00 1.000000");
  EXPECT_EQ(print("%*.*f|", 8, 3, 1.0), "   1.000|");
}

TEST(FormatTest, UnknownConversionsStandAsTheyAre) {
  EXPECT_EQ(print("%y %d", 5), "%y 5");
  EXPECT_EQ(print("%n %d", 5), "%n 5");
  EXPECT_EQ(print("%-5.3lq %d", 5), "%-5.3lq 5");
  EXPECT_EQ(print("%ls %hf %lld", 5LL), "%ls %hf 5");
  EXPECT_EQ(print("%*y %d", 5), "%*y 5");
  EXPECT_EQ(print("the end %"), "the end %");
  EXPECT_EQ(print("the end %-5"), "the end %-5");
  EXPECT_EQ(print("% %d", 3), "% 3");
}

TEST(FormatTest, LongTexts) {
  const std::string text = print("%500d", 1);
  EXPECT_EQ(text.size(), 500u);
  EXPECT_EQ(text.back(), '1');
}

}  // namespace
}  // namespace emulator::semantics

#include "plan/message.h"

#include <gtest/gtest.h>

#include <clocale>
#include <cstdint>
#include <limits>
#include <locale>
#include <stdexcept>
#include <string>

#include "plan/refusal.h"

namespace arloss {
namespace {

/// The longest text a message keeps.
constexpr std::size_t kCapacity = 1023;

TEST(Message, StartsEmptyAndJoinsItsParts) {
  EXPECT_STREQ(Message().text(), "");
  const Message message = Message() << "scales[" << 3 << "] is " << std::string("odd") << std::string_view("!?", 1);
  EXPECT_STREQ(message.text(), "scales[3] is odd!");
}

TEST(Message, WritesNumbersExactly) {
  const auto written = [](auto number) { return std::string((Message() << number).text()); };
  EXPECT_EQ(written(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(written(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(written(0.1f), "0.1");
  EXPECT_EQ(written(-0.25), "-0.25");
  EXPECT_EQ(written(std::numeric_limits<double>::denorm_min()), "5e-324");
  EXPECT_EQ(written(-std::numeric_limits<double>::max()), "-1.7976931348623157e+308");
  EXPECT_EQ(written(std::numeric_limits<float>::infinity()), "inf");
  EXPECT_EQ(written(std::numeric_limits<float>::quiet_NaN()), "nan");
}

TEST(Message, IsCutWhereItIsFull) {
  for (const std::size_t length : {kCapacity - 1, kCapacity, kCapacity + 1, 3 * kCapacity}) {
    const std::string text(length, 'x');
    EXPECT_EQ(std::string((Message() << text).text()), text.substr(0, kCapacity)) << length;
  }
}

TEST(Message, KeepsNothingPastTheCut) {
  Message message;
  message << std::string(kCapacity - 2, 'x') << 12345 << "more" << 6;
  EXPECT_EQ(std::string(message.text()), std::string(kCapacity - 2, 'x') + "12");
}

TEST(Message, CopiesAreIndependent) {
  Message first;
  first << "one";
  Message second = first;
  second << " two";
  EXPECT_STREQ(first.text(), "one");
  EXPECT_STREQ(second.text(), "one two");
}

TEST(Message, NumbersDoNotDependOnTheLocale) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  const char* found = nullptr;
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "de_DE"})
    if (found == nullptr) found = std::setlocale(LC_ALL, name);
  if (found == nullptr) GTEST_SKIP() << "the locale de_DE is not installed";
  const std::locale classic = std::locale::global(std::locale(found));
  const std::string text = (Message() << 1234567.5 << " " << 1234567).text();
  std::locale::global(classic);
  std::setlocale(LC_ALL, before.c_str());
  EXPECT_EQ(text, "1234567.5 1234567");
}

TEST(Refusal, IsAnExceptionThatCarriesStatusAndText) {
  try {
    throw Refusal(ARLOSS_STATUS_UNSUPPORTED, Message() << "problem.classes is " << 99999);
  } catch (const std::exception& error) {
    EXPECT_STREQ(error.what(), "problem.classes is 99999");
    EXPECT_EQ(dynamic_cast<const Refusal&>(error).status(), ARLOSS_STATUS_UNSUPPORTED);
  }
}

}  // namespace
}  // namespace arloss

#include "ptx/lexer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ptx/syntax.h"

namespace emulator::ptx {
namespace {

using Kind = Token::Kind;

/// The texts of all tokens but the last, which must be the end.
std::vector<std::string> texts(const std::string& ptx) {
  std::vector<std::string> found;
  for (const Token& token : tokenize(ptx)) found.emplace_back(token.text);
  EXPECT_EQ(found.back(), "");
  found.pop_back();
  return found;
}

std::vector<Kind> kinds(const std::string& ptx) {
  std::vector<Kind> found;
  for (const Token& token : tokenize(ptx)) found.push_back(token.kind);
  return found;
}

std::string error_of(const std::string& ptx) {
  try {
    tokenize(ptx);
  } catch (const SyntaxError& error) {
    return error.what();
  }
  return "";
}

using Texts = std::vector<std::string>;

TEST(Lexer, EmptyTextIsItsEnd) {
  EXPECT_EQ(kinds(""), std::vector<Kind>{Kind::kEnd});
  EXPECT_EQ(kinds(" \t\r\n"), std::vector<Kind>{Kind::kEnd});
}

TEST(Lexer, PointsAndDoubleColonsJoinTheWordsOfMnemonicsAndNames) {
  EXPECT_EQ(texts("ld.shared::cta.v4.f32 %tid.x"), (Texts{"ld.shared::cta.v4.f32", "%tid.x"}));
  EXPECT_EQ(texts("cp.async.ca.shared.global.L2::128B"), (Texts{"cp.async.ca.shared.global.L2::128B"}));
  EXPECT_EQ(texts("_ZN1aE$_0 $L__BB0_1"), (Texts{"_ZN1aE$_0", "$L__BB0_1"}));
}

TEST(Lexer, SingleColonEndsALabel) {
  EXPECT_EQ(texts("$L__BB0_1:"), (Texts{"$L__BB0_1", ":"}));
  EXPECT_EQ(texts("loop:bra"), (Texts{"loop", ":", "bra"}));
}

TEST(Lexer, DirectiveEndsWhereTheNextBegins) {
  EXPECT_EQ(texts(".reg.b32 %r<5>;"), (Texts{".reg", ".b32", "%r", "<", "5", ">", ";"}));
  EXPECT_EQ(texts(".shared::cta.b8"), (Texts{".shared::cta", ".b8"}));
}

TEST(Lexer, NumbersOfAllForms) {
  EXPECT_EQ(texts("12 0xFFU 0f3F800000 0d3FF0000000000000 017 0b101 1.5"),
            (Texts{"12", "0xFFU", "0f3F800000", "0d3FF0000000000000", "017", "0b101", "1.5"}));
}

TEST(Lexer, SignBelongsToANumberOnlyInAnExponent) {
  EXPECT_EQ(texts("1.5e-3"), (Texts{"1.5e-3"}));
  EXPECT_EQ(texts("2E+4"), (Texts{"2E+4"}));
  EXPECT_EQ(texts("0x1E-3"), (Texts{"0x1E", "-", "3"}));
  EXPECT_EQ(texts("0f3E80000e+4"), (Texts{"0f3E80000e", "+", "4"}));
  EXPECT_EQ(texts("-7"), (Texts{"-", "7"}));
}

TEST(Lexer, KindsOfTokens) {
  EXPECT_EQ(kinds(".file 1 \"a b.cu\""), (std::vector<Kind>{Kind::kWord, Kind::kNumber, Kind::kString, Kind::kEnd}));
  EXPECT_EQ(kinds("@!%p1"), (std::vector<Kind>{Kind::kPunctuation, Kind::kPunctuation, Kind::kWord, Kind::kEnd}));
}

TEST(Lexer, StringsKeepTheirQuotesAndHoldCommentMarks) {
  EXPECT_EQ(texts("\"/usr//a.cu\" x"), (Texts{"\"/usr//a.cu\"", "x"}));
}

TEST(Lexer, CommentsAreNoTokens) {
  EXPECT_EQ(texts("a // b ; \"\n c"), (Texts{"a", "c"}));
  EXPECT_EQ(texts("a/* b\n\n * c */d"), (Texts{"a", "d"}));
  EXPECT_EQ(texts("a // at the end"), (Texts{"a"}));
}

TEST(Lexer, LinesCountFromOneAndThroughComments) {
  const std::vector<Token> tokens = tokenize("a\nb // x\n/* y\n\n*/ c\r\n\nd");
  ASSERT_EQ(tokens.size(), 5u);
  EXPECT_EQ(tokens[0].line, 1u);
  EXPECT_EQ(tokens[1].line, 2u);
  EXPECT_EQ(tokens[2].line, 5u);
  EXPECT_EQ(tokens[3].line, 7u);
}

TEST(Lexer, TokensAreViewsOfTheText) {
  const std::string ptx = "mov.u32 %r1, 5;";
  const std::vector<Token> tokens = tokenize(ptx);
  EXPECT_EQ(tokens[1].text.data(), ptx.data() + 8);
  EXPECT_EQ(tokens[1].end(), ptx.data() + 11);
}

TEST(Lexer, ErrorsNameLineAndReason) {
  EXPECT_EQ(error_of("a\n  \\"), "line 2: a character that PTX does not know: `\\`");
  EXPECT_EQ(error_of("a . b"), "line 1: a character that PTX does not know: `.`");
  EXPECT_EQ(error_of("a\n/* b"), "line 2: a comment without an end");
  EXPECT_EQ(error_of("\n\n\"abc\n\""), "line 3: a string without an end");
  EXPECT_EQ(error_of("\"abc"), "line 1: a string without an end");
}

}  // namespace
}  // namespace emulator::ptx

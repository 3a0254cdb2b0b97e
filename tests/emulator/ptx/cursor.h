#ifndef ARLOSS_TESTS_EMULATOR_PTX_CURSOR_H
#define ARLOSS_TESTS_EMULATOR_PTX_CURSOR_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ptx/lexer.h"

namespace emulator::ptx {

/// A place in the tokens of a PTX text, with the statement it is in for messages. All errors are SyntaxErrors.
class Cursor {
 public:
  /// `text` must outlive the cursor and every view taken from it.
  explicit Cursor(std::string_view text);

  const Token& peek(std::size_t ahead = 0) const;
  const Token& take();
  bool is_at_end() const { return peek().kind == Token::Kind::kEnd; }

  bool is_at(char mark) const;
  bool is_at_word(std::string_view word) const;
  bool is_at_directive() const;

  /// Takes the token if it is this one.
  bool accept(char mark);
  bool accept_word(std::string_view word);

  void expect(char mark);
  /// The next word, which must not be a directive; `what` says what it stands for: "a register".
  std::string_view expect_name(const char* what);
  std::string_view expect_directive(const char* what);
  /// The next number, an integer; a minus sign before it makes it two's complement.
  std::uint64_t expect_integer(const char* what);
  /// One of .align, .file and their like: an integer below 2^32.
  std::uint32_t expect_index(const char* what);
  /// The next string without its quotes.
  std::string_view expect_string(const char* what);

  /// Passes over everything up to and including the next mark outside brackets of all kinds.
  void skip_past(char mark);
  /// Passes over a bracketed part; the cursor is at `open`.
  void skip_brackets(char open, char close);

  /// The next token is the first of a statement.
  void begin_statement() { statement_ = position_; }
  /// The tokens taken since begin_statement, in one line.
  std::string statement_text() const { return joined(statement_, position_); }

  /// Throws SyntaxError with the line, the reason and the statement around the next token.
  [[noreturn]] void fail(const std::string& reason) const;
  /// As fail: "expected WHAT, found `next token`".
  [[noreturn]] void fail_expected(const std::string& what) const;

 private:
  std::string joined(std::size_t begin, std::size_t end) const;

  std::vector<Token> tokens_;
  std::size_t position_ = 0;
  std::size_t statement_ = 0;
};

}  // namespace emulator::ptx

#endif

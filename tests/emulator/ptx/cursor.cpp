#include "ptx/cursor.h"

#include <algorithm>

#include "ptx/literal.h"
#include "ptx/syntax.h"

namespace emulator::ptx {

Cursor::Cursor(std::string_view text) : tokens_(tokenize(text)) {}

const Token& Cursor::peek(std::size_t ahead) const { return tokens_[std::min(position_ + ahead, tokens_.size() - 1)]; }

const Token& Cursor::take() {
  const Token& taken = peek();
  if (position_ + 1 < tokens_.size()) ++position_;
  return taken;
}

bool Cursor::is_at(char mark) const { return peek().kind == Token::Kind::kPunctuation && peek().text.front() == mark; }

bool Cursor::is_at_word(std::string_view word) const {
  return peek().kind == Token::Kind::kWord && peek().text == word;
}

bool Cursor::is_at_directive() const { return peek().kind == Token::Kind::kWord && peek().text.front() == '.'; }

bool Cursor::accept(char mark) {
  if (!is_at(mark)) return false;
  take();
  return true;
}

bool Cursor::accept_word(std::string_view word) {
  if (!is_at_word(word)) return false;
  take();
  return true;
}

void Cursor::expect(char mark) {
  if (!accept(mark)) fail_expected("`" + std::string(1, mark) + "`");
}

std::string_view Cursor::expect_name(const char* what) {
  if (peek().kind != Token::Kind::kWord || is_at_directive()) fail_expected(what);
  return take().text;
}

std::string_view Cursor::expect_directive(const char* what) {
  if (!is_at_directive()) fail_expected(what);
  return take().text;
}

std::uint64_t Cursor::expect_integer(const char* what) {
  const bool is_negative = accept('-');
  if (peek().kind != Token::Kind::kNumber) fail_expected(what);
  const auto literal = parse_literal(peek().text, is_negative);
  if (!literal || literal->form != Operand::Form::kInteger) fail_expected(what);
  take();
  return literal->value;
}

std::uint32_t Cursor::expect_index(const char* what) {
  const Token& token = peek();
  if (token.kind != Token::Kind::kNumber) fail_expected(what);
  const auto literal = parse_literal(token.text, false);
  if (!literal || literal->form != Operand::Form::kInteger || literal->value > UINT32_MAX) fail_expected(what);
  take();
  return static_cast<std::uint32_t>(literal->value);
}

std::string_view Cursor::expect_string(const char* what) {
  if (peek().kind != Token::Kind::kString) fail_expected(what);
  const std::string_view quoted = take().text;
  return quoted.substr(1, quoted.size() - 2);
}

void Cursor::skip_past(char mark) {
  while (!is_at(mark)) {
    if (is_at_end()) fail_expected("`" + std::string(1, mark) + "`");
    if (is_at('{')) {
      skip_brackets('{', '}');
    } else if (is_at('(')) {
      skip_brackets('(', ')');
    } else {
      take();
    }
  }
  take();
}

void Cursor::skip_brackets(char open, char close) {
  int depth = 0;
  do {
    if (is_at_end()) fail_expected("`" + std::string(1, close) + "`");
    depth += is_at(open) - is_at(close);
    take();
  } while (depth > 0);
}

void Cursor::fail(const std::string& reason) const {
  // A body without a semicolon would otherwise put the whole module into the message.
  constexpr std::size_t kMostTokens = 32;
  std::size_t end = position_;
  const std::size_t last = std::min(statement_ + kMostTokens, tokens_.size() - 1);
  while (end < last && tokens_[end].text != ";") ++end;
  const std::string place = joined(statement_, end);
  throw SyntaxError("line " + std::to_string(peek().line) + ": " + reason +
                    (place.empty() ? "" : " in `" + place + "`"));
}

void Cursor::fail_expected(const std::string& what) const {
  fail("expected " + what + ", found " + (is_at_end() ? "the end" : "`" + std::string(peek().text) + "`"));
}

std::string Cursor::joined(std::size_t begin, std::size_t end) const {
  std::string line;
  for (std::size_t i = begin; i < end; ++i) {
    const bool is_apart = i > begin && tokens_[i - 1].end() != tokens_[i].text.data();
    if (is_apart) line += ' ';
    line += tokens_[i].text;
  }
  return line;
}

}  // namespace emulator::ptx

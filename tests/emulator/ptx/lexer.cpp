#include "ptx/lexer.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "ptx/syntax.h"

namespace emulator::ptx {
namespace {

enum CharacterClass : std::uint8_t { kOther, kSpace, kLetter, kDigit, kPoint, kMark };

constexpr std::array<CharacterClass, 256> classify() {
  std::array<CharacterClass, 256> classes{};
  for (const char c : {' ', '\t', '\r', '\n', '\v', '\f'}) classes[static_cast<unsigned char>(c)] = kSpace;
  for (int c = 'a'; c <= 'z'; ++c) classes[static_cast<std::size_t>(c)] = kLetter;
  for (int c = 'A'; c <= 'Z'; ++c) classes[static_cast<std::size_t>(c)] = kLetter;
  for (const char c : {'_', '$', '%'}) classes[static_cast<unsigned char>(c)] = kLetter;
  for (int c = '0'; c <= '9'; ++c) classes[static_cast<std::size_t>(c)] = kDigit;
  classes['.'] = kPoint;
  for (const char c : {'{', '}', '[', ']', '(', ')', '<', '>', ',', ';', ':', '+', '-', '*', '/', '!', '@', '|', '='}) {
    classes[static_cast<unsigned char>(c)] = kMark;
  }
  return classes;
}

constexpr std::array<CharacterClass, 256> kClasses = classify();

CharacterClass class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

bool continues_word(char c) {
  const CharacterClass found = class_of(c);
  return found == kLetter || found == kDigit || found == kPoint;
}

/// The parts after 0 that make a number's letters digits or marks rather than an exponent: 0x1E, 0f3E800000.
bool has_radix_prefix(std::string_view number) {
  return number.size() >= 2 && number[0] == '0' && class_of(number[1]) == kLetter && number[1] != 'e' &&
         number[1] != 'E';
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    // nvcc's PTX has a token every 4 to 5 characters.
    tokens_.reserve(text_.size() / 4 + 1);
    while (skip_blanks()) take_token();
    tokens_.push_back({Token::Kind::kEnd, line_, text_.substr(text_.size())});
    return std::move(tokens_);
  }

 private:
  char at(std::size_t position) const { return position < text_.size() ? text_[position] : '\0'; }

  [[noreturn]] void fail(const std::string& what) const {
    throw SyntaxError("line " + std::to_string(line_) + ": " + what);
  }

  /// Goes to the next token; false at the end of the text.
  bool skip_blanks() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '\n') ++line_;
      if (class_of(c) == kSpace) {
        ++position_;
      } else if (c == '/' && at(position_ + 1) == '/') {
        position_ = std::min(text_.find('\n', position_), text_.size());
      } else if (c == '/' && at(position_ + 1) == '*') {
        skip_block_comment();
      } else {
        return true;
      }
    }
    return false;
  }

  void skip_block_comment() {
    const std::size_t end = text_.find("*/", position_ + 2);
    if (end == std::string_view::npos) fail("a comment without an end");
    for (const char c : text_.substr(position_, end - position_)) line_ += c == '\n';
    position_ = end + 2;
  }

  void take_token() {
    switch (class_of(text_[position_])) {
      case kLetter: return push(Token::Kind::kWord, word_end());
      case kDigit: return push(Token::Kind::kNumber, number_end());
      case kPoint:
        if (class_of(at(position_ + 1)) != kLetter) break;
        return push(Token::Kind::kWord, word_end());
      case kMark: return push(Token::Kind::kPunctuation, position_ + 1);
      default:
        if (text_[position_] != '"') break;
        return push(Token::Kind::kString, string_end());
    }
    fail("a character that PTX does not know: `" + std::string(1, text_[position_]) + "`");
  }

  void push(Token::Kind kind, std::size_t end) {
    tokens_.push_back({kind, line_, text_.substr(position_, end - position_)});
    position_ = end;
  }

  /// The end of a word. A double colon belongs to it (shared::cta), a single one ends a label. Points join the parts of
  /// mnemonics and names, but a directive ends where the next begins (.reg.b32).
  std::size_t word_end() const {
    const bool is_directive = text_[position_] == '.';
    std::size_t end = position_ + 1;
    for (;;) {
      if (is_directive && at(end) == '.') return end;
      if (continues_word(at(end))) {
        ++end;
      } else if (at(end) == ':' && at(end + 1) == ':' && continues_word(at(end + 2))) {
        end += 2;
      } else {
        return end;
      }
    }
  }

  std::size_t number_end() const {
    std::size_t end = position_ + 1;
    for (;;) {
      const std::string_view number = text_.substr(position_, end - position_);
      const bool is_exponent = (number.back() == 'e' || number.back() == 'E') && !has_radix_prefix(number);
      if (!continues_word(at(end)) && !(is_exponent && (at(end) == '+' || at(end) == '-'))) return end;
      ++end;
    }
  }

  std::size_t string_end() const {
    const std::size_t end = text_.find_first_of("\"\n", position_ + 1);
    if (end == std::string_view::npos || text_[end] == '\n') fail("a string without an end");
    return end + 1;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::uint32_t line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text) { return Lexer(text).run(); }

}  // namespace emulator::ptx

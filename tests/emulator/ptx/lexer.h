#ifndef ARLOSS_TESTS_EMULATOR_PTX_LEXER_H
#define ARLOSS_TESTS_EMULATOR_PTX_LEXER_H

#include <cstdint>
#include <string_view>
#include <vector>

namespace emulator::ptx {

struct Token {
  enum class Kind : std::uint8_t {
    kWord,         // names, mnemonics and directives, with their points: %tid.x, ld.shared::cta.u32, .reg
    kNumber,       // 12, 0xFFU, 0f3F800000, 1.5e-3; a sign is a kPunctuation before it
    kString,       // "nounroll", with its quotes
    kPunctuation,  // one character
    kEnd,          // after the last token; empty text
  };
  Kind kind = Kind::kEnd;
  std::uint32_t line = 0;  // 1 is the first
  std::string_view text;   // a part of the text given to tokenize

  /// Where the text of this token ends.
  const char* end() const { return text.data() + text.size(); }
};

/// The tokens of a PTX text without its comments; the last is kEnd. Throws SyntaxError for characters that PTX does not
/// know and for comments and strings without an end.
std::vector<Token> tokenize(std::string_view text);

}  // namespace emulator::ptx

#endif

#include "ptx/initializer_parser.h"

#include <cstring>
#include <string>

#include "ptx/literal.h"

namespace emulator::ptx {
namespace {

class InitializerParser {
 public:
  InitializerParser(Cursor& cursor, ElementType type, const std::vector<std::size_t>& level_bytes, Variable& variable)
      : cursor_(cursor), type_(type), level_bytes_(level_bytes), variable_(variable) {}

  /// A value or a list for the object of nesting depth `level` that begins at byte `offset`.
  void parse(std::size_t level, std::size_t offset) {
    if (!cursor_.is_at('{')) return parse_value(offset);
    if (level + 1 == level_bytes_.size()) cursor_.fail("a list where one value is wanted");
    parse_list(level, offset);
  }

 private:
  void parse_list(std::size_t level, std::size_t begin) {
    const bool is_open = level_bytes_[level] == kUnknownExtent;
    const std::size_t end = is_open ? kUnknownExtent : begin + level_bytes_[level];
    std::size_t offset = begin;
    cursor_.expect('{');
    while (!cursor_.is_at('}')) {
      const std::size_t bytes = cursor_.is_at('{') ? level_bytes_[level + 1] : type_.bytes;
      const bool is_room = bytes != 0 && offset + bytes <= end;
      if (!is_room) cursor_.fail("more values than `" + variable_.name + "` has room for");
      if ((offset - begin) % bytes != 0) cursor_.fail("a list in the middle of an element of `" + variable_.name + "`");
      parse(level + 1, offset);
      offset += bytes;
      if (!cursor_.accept(',')) break;
    }
    cursor_.expect('}');
  }

  void parse_value(std::size_t offset) {
    if (cursor_.peek().kind == Token::Kind::kWord) return parse_reference(offset);
    const bool is_negative = cursor_.accept('-');
    if (cursor_.peek().kind != Token::Kind::kNumber) cursor_.fail_expected("a value");
    const auto literal = parse_literal(cursor_.peek().text, is_negative);
    if (!literal) cursor_.fail_expected("a number of at most 64 bits");
    if (cursor_.peek(1).text == "(") {
      const std::string masked = std::string(cursor_.peek().text) + "(" + std::string(cursor_.peek(2).text) + ")";
      cursor_.fail("a masked address, `" + masked + "`, is not supported");
    }
    store(offset, bits(*literal));
    cursor_.take();
  }

  /// symbol, symbol+4, generic(symbol), generic(symbol)+4.
  void parse_reference(std::size_t offset) {
    if (type_.bytes != 8) cursor_.fail("an address in a variable that is not of 64-bit numbers");
    std::string_view symbol = cursor_.expect_name("a symbol");
    if (cursor_.is_at('(')) {
      if (symbol != "generic") cursor_.fail("an address by `" + std::string(symbol) + "(...)` is not supported");
      cursor_.take();
      symbol = cursor_.expect_name("a symbol");
      cursor_.expect(')');
    }
    std::uint64_t addend = 0;
    if (cursor_.accept('+') || cursor_.is_at('-')) addend = cursor_.expect_integer("an integer offset");
    store(offset, 0);
    variable_.references.push_back({offset, std::string(symbol), static_cast<std::int64_t>(addend)});
  }

  /// The number as this variable's type holds it.
  std::uint64_t bits(const Literal& literal) const {
    const bool is_integer = literal.form == Operand::Form::kInteger;
    const bool has_own_width = (literal.form == Operand::Form::kFloat32 && type_.bytes == 4) ||
                               (literal.form == Operand::Form::kFloat64 && type_.bytes == 8);
    if (has_own_width || (is_integer && !type_.is_float)) return literal.value;
    if (!type_.is_float || type_.bytes < 4) cursor_.fail("a value of another type than the variable's");
    return float_bits(number(literal));
  }

  static double number(const Literal& literal) {
    if (literal.form == Operand::Form::kInteger) return static_cast<double>(static_cast<std::int64_t>(literal.value));
    if (literal.form == Operand::Form::kFloat32) {
      float single = 0;
      std::memcpy(&single, &literal.value, sizeof(single));
      return static_cast<double>(single);
    }
    double value = 0;
    std::memcpy(&value, &literal.value, sizeof(value));
    return value;
  }

  std::uint64_t float_bits(double value) const {
    std::uint64_t bits = 0;
    if (type_.bytes == 8) {
      std::memcpy(&bits, &value, sizeof(value));
    } else {
      const float single = static_cast<float>(value);
      std::memcpy(&bits, &single, sizeof(single));
    }
    return bits;
  }

  void store(std::size_t offset, std::uint64_t value) {
    if (type_.bytes > sizeof(value)) cursor_.fail("initial values of 128-bit variables are not supported");
    if (variable_.initial.size() < offset + type_.bytes) variable_.initial.resize(offset + type_.bytes);
    std::memcpy(variable_.initial.data() + offset, &value, type_.bytes);
  }

  Cursor& cursor_;
  const ElementType type_;
  const std::vector<std::size_t>& level_bytes_;
  Variable& variable_;
};

}  // namespace

void parse_initializer(Cursor& cursor, ElementType type, const std::vector<std::size_t>& level_bytes,
                       Variable& variable) {
  InitializerParser(cursor, type, level_bytes, variable).parse(0, 0);
}

}  // namespace emulator::ptx

#include "ptx/literal.h"

#include <charconv>
#include <cstring>

namespace emulator::ptx {
namespace {

std::optional<std::uint64_t> parse_digits(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// 0f3F800000 and 0d3FF0000000000000.
std::optional<Literal> parse_float_bits(std::string_view text, bool is_negative) {
  const bool is_double = text[1] == 'd' || text[1] == 'D';
  const std::size_t digits = is_double ? 16 : 8;
  if (text.size() != digits + 2) return std::nullopt;
  const auto bits = parse_digits(text.substr(2), 16);
  if (!bits) return std::nullopt;
  const std::uint64_t sign = is_double ? 1ull << 63 : 1ull << 31;
  return Literal{is_double ? Operand::Form::kFloat64 : Operand::Form::kFloat32, is_negative ? *bits ^ sign : *bits};
}

std::optional<Literal> parse_decimal_float(std::string_view text, bool is_negative) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  if (is_negative) value = -value;
  Literal literal{Operand::Form::kFloat64, 0};
  std::memcpy(&literal.value, &value, sizeof(value));
  return literal;
}

std::optional<std::uint64_t> parse_integer(std::string_view text) {
  if (text.size() > 1 && (text.back() == 'U' || text.back() == 'u')) text.remove_suffix(1);
  if (text.size() < 2 || text[0] != '0') return parse_digits(text, 10);
  if (text[1] == 'x' || text[1] == 'X') return parse_digits(text.substr(2), 16);
  if (text[1] == 'b' || text[1] == 'B') return parse_digits(text.substr(2), 2);
  return parse_digits(text.substr(1), 8);
}

}  // namespace

std::optional<Literal> parse_literal(std::string_view text, bool is_negative) {
  if (text.size() > 2 && text[0] == '0' && std::strchr("fFdD", text[1]) != nullptr) {
    return parse_float_bits(text, is_negative);
  }
  const bool is_hexadecimal = text.size() > 2 && (text[1] == 'x' || text[1] == 'X');
  if (!is_hexadecimal && text.find_first_of(".eE") != std::string_view::npos) {
    return parse_decimal_float(text, is_negative);
  }
  const auto magnitude = parse_integer(text);
  if (!magnitude) return std::nullopt;
  return Literal{Operand::Form::kInteger, is_negative ? 0 - *magnitude : *magnitude};
}

}  // namespace emulator::ptx

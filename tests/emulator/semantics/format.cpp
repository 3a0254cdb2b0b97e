#include "semantics/format.h"

#include <cstdio>
#include <cstring>
#include <optional>

namespace emulator::semantics {
namespace {

/// Reads packed arguments one after another.
class Arguments {
 public:
  explicit Arguments(const std::byte* bytes) : bytes_(bytes) {}

  template <class Value>
  Value next() {
    offset_ = (offset_ + sizeof(Value) - 1) / sizeof(Value) * sizeof(Value);
    Value value;
    std::memcpy(&value, bytes_ + offset_, sizeof value);
    offset_ += sizeof value;
    return value;
  }

 private:
  const std::byte* bytes_;
  std::size_t offset_ = 0;
};

/// One conversion, as far as the text alone tells it.
struct Conversion {
  std::string flags, width, precision;  // width may be "*", precision begins with its point
  std::string length;                   // h, hh, l, ll, z, t, j, L
  char letter = 0;
  std::size_t end = 0;  // behind it in the format
};

bool is_one_of(char character, const char* set) { return character != 0 && std::strchr(set, character) != nullptr; }

std::string take_while(const std::string& text, std::size_t& position, const char* set) {
  const std::size_t begin = position;
  while (position < text.size() && is_one_of(text[position], set)) ++position;
  return text.substr(begin, position - begin);
}

std::string take_number(const std::string& text, std::size_t& position) {
  if (position < text.size() && text[position] == '*') {
    ++position;
    return "*";
  }
  return take_while(text, position, "0123456789");
}

bool is_length_of(const std::string& length, char letter) {
  if (is_one_of(letter, "csp")) return length.empty();
  if (is_one_of(letter, "fFeEgGaA")) return length.empty() || length == "l" || length == "L";
  for (const char* known : {"", "h", "hh", "l", "ll", "z", "t", "j"})
    if (length == known) return true;
  return false;
}

/// The conversion that begins at `position`, behind its percent sign; nothing where C has none like it.
std::optional<Conversion> parse_conversion(const std::string& format, std::size_t position) {
  Conversion conversion;
  conversion.flags = take_while(format, position, "-+ #0");
  conversion.width = take_number(format, position);
  if (position < format.size() && format[position] == '.') {
    ++position;
    conversion.precision = "." + take_number(format, position);
  }
  conversion.length = take_while(format, position, "hlztjL");
  if (position == format.size() || !is_one_of(format[position], "diuoxXcspfFeEgGaA")) return std::nullopt;
  conversion.letter = format[position];
  conversion.end = position + 1;
  if (!is_length_of(conversion.length, conversion.letter)) return std::nullopt;
  return conversion;
}

/// A star's argument as text: a negative width is a flag and a width, a negative precision is none.
void fill_in_stars(Conversion& conversion, Arguments& arguments) {
  if (conversion.width == "*") conversion.width = std::to_string(arguments.next<std::int32_t>());
  if (conversion.precision == ".*") {
    const auto precision = arguments.next<std::int32_t>();
    conversion.precision = precision < 0 ? "" : "." + std::to_string(precision);
  }
}

template <class Value>
std::string print(const Conversion& conversion, const char* length, Value value) {
  const std::string format =
      "%" + conversion.flags + conversion.width + conversion.precision + length + conversion.letter;
  const int size = std::snprintf(nullptr, 0, format.c_str(), value);
  if (size < 0) return "";
  std::string text(static_cast<std::size_t>(size) + 1, '\0');
  std::snprintf(text.data(), text.size(), format.c_str(), value);
  text.pop_back();
  return text;
}

std::string print_integer(const Conversion& conversion, Arguments& arguments) {
  const bool is_long = is_one_of(conversion.length.empty() ? '\0' : conversion.length[0], "lztj");
  if (is_long) return print(conversion, "ll", arguments.next<long long>());
  return print(conversion, conversion.length.c_str(), arguments.next<std::int32_t>());  // h and hh cut it off
}

std::string print_string(const Conversion& conversion, std::uint64_t address,
                         const std::function<std::string(std::uint64_t)>& read_string) {
  const std::string text = address != 0 ? read_string(address) : "(null)";
  return print(conversion, "", text.c_str());
}

std::string print_conversion(Conversion conversion, Arguments& arguments,
                             const std::function<std::string(std::uint64_t)>& read_string) {
  fill_in_stars(conversion, arguments);
  switch (conversion.letter) {
    case 's': return print_string(conversion, arguments.next<std::uint64_t>(), read_string);
    case 'p': return print(conversion, "", reinterpret_cast<void*>(arguments.next<std::uint64_t>()));
    case 'c': return print(conversion, "", arguments.next<std::int32_t>());
    case 'd':
    case 'i':
    case 'u':
    case 'o':
    case 'x':
    case 'X': return print_integer(conversion, arguments);
    default: return print(conversion, "", arguments.next<double>());
  }
}

}  // namespace

std::string format_printf(const std::string& format, const std::byte* arguments,
                          const std::function<std::string(std::uint64_t address)>& read_string) {
  Arguments remaining(arguments);
  std::string text;
  for (std::size_t position = 0; position < format.size();) {
    const bool is_percent = format[position] == '%';
    if (is_percent && position + 1 < format.size() && format[position + 1] == '%') {
      text += '%';
      position += 2;
      continue;
    }
    const auto conversion = is_percent ? parse_conversion(format, position + 1) : std::nullopt;
    if (conversion) {
      text += print_conversion(*conversion, remaining, read_string);
      position = conversion->end;
    } else {
      text += format[position++];
    }
  }
  return text;
}

}  // namespace emulator::semantics

#include "ptx/variable_parser.h"

#include <array>
#include <string>
#include <utility>

#include "ptx/initializer_parser.h"

namespace emulator::ptx {
namespace {

/// What the declarators of one declaration share.
struct Head {
  Variable::Space space = Variable::Space::kGlobal;
  bool is_extern = false;
  std::size_t alignment = 0;  // 0: none given
  std::size_t vector_width = 1;
  ElementType type;
};

std::size_t parse_alignment(Cursor& cursor) {
  const std::size_t alignment = cursor.expect_index("an alignment");
  if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
    cursor.fail("an alignment that is no power of two: " + std::to_string(alignment));
  }
  return alignment;
}

std::size_t vector_width(std::string_view directive) {
  if (directive == ".v2") return 2;
  if (directive == ".v4") return 4;
  return directive == ".v8" ? 8 : 1;
}

Head parse_head(Cursor& cursor, bool is_extern) {
  Head head;
  head.is_extern = is_extern;
  const auto space = variable_space(cursor.peek().text);
  if (!space) cursor.fail_expected("a space of memory");
  head.space = *space;
  cursor.take();
  for (;;) {
    if (cursor.accept_word(".align")) {
      head.alignment = parse_alignment(cursor);
    } else if (cursor.accept_word(".attribute")) {
      cursor.skip_brackets('(', ')');
    } else if (vector_width(cursor.peek().text) > 1) {
      head.vector_width = vector_width(cursor.take().text);
    } else {
      break;
    }
  }
  if (!cursor.is_at_directive()) cursor.fail_expected("a type");
  const std::string_view type = cursor.peek().text.substr(1);
  const auto bytes = type_bytes(type);
  if (!bytes) cursor.fail("a variable of type ." + std::string(type) + " is not supported");
  head.type = {*bytes, type == "f32" || type == "f64"};
  cursor.take();
  return head;
}

/// .ptr .global .align 16 speaks of what a parameter points to, not of the parameter.
void skip_pointer_attributes(Cursor& cursor) {
  if (!cursor.accept_word(".ptr")) return;
  if (variable_space(cursor.peek().text)) cursor.take();
  if (cursor.accept_word(".align")) parse_alignment(cursor);
}

std::vector<std::size_t> parse_extents(Cursor& cursor) {
  std::vector<std::size_t> extents;
  while (cursor.accept('[')) {
    const bool is_open = cursor.is_at(']');
    if (is_open && !extents.empty()) cursor.fail("only the first dimension may be left out");
    extents.push_back(is_open ? kUnknownExtent : cursor.expect_index("a dimension"));
    cursor.expect(']');
  }
  return extents;
}

std::size_t checked_product(const Cursor& cursor, std::size_t a, std::size_t b) {
  // No device has a tebibyte; beyond it the product could wrap.
  constexpr std::size_t kMostBytes = std::size_t{1} << 40;
  if (b != 0 && a > kMostBytes / b) cursor.fail("a variable of more than a tebibyte");
  return a * b;
}

/// Bytes of the whole, of its elements, of their elements, ..., of one number.
std::vector<std::size_t> level_bytes(const Cursor& cursor, const std::vector<std::size_t>& extents,
                                     std::size_t number_bytes) {
  std::vector<std::size_t> levels(extents.size() + 1, number_bytes);
  for (std::size_t i = extents.size(); i-- > 0;) {
    const bool is_unknown = extents[i] == kUnknownExtent;
    levels[i] = is_unknown ? kUnknownExtent : checked_product(cursor, extents[i], levels[i + 1]);
  }
  return levels;
}

Variable parse_declarator(Cursor& cursor, const Head& head) {
  Variable variable;
  variable.space = head.space;
  variable.is_extern = head.is_extern;
  variable.name = cursor.expect_name("a variable's name");
  const std::size_t natural = head.type.bytes * head.vector_width;
  variable.alignment = head.alignment != 0 ? head.alignment : natural;
  std::vector<std::size_t> extents = parse_extents(cursor);
  if (head.vector_width > 1) extents.push_back(head.vector_width);
  const std::vector<std::size_t> levels = level_bytes(cursor, extents, head.type.bytes);
  variable.bytes = levels.front() == kUnknownExtent ? 0 : levels.front();
  if (cursor.accept('=')) {
    parse_initializer(cursor, head.type, levels, variable);
    if (levels.front() == kUnknownExtent) variable.bytes = variable.initial.size();
  }
  return variable;
}

}  // namespace

std::optional<std::size_t> type_bytes(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, std::size_t>, 19> kTypes = {{{"b8", 1},
                                                                                       {"u8", 1},
                                                                                       {"s8", 1},
                                                                                       {"b16", 2},
                                                                                       {"u16", 2},
                                                                                       {"s16", 2},
                                                                                       {"f16", 2},
                                                                                       {"bf16", 2},
                                                                                       {"b32", 4},
                                                                                       {"u32", 4},
                                                                                       {"s32", 4},
                                                                                       {"f32", 4},
                                                                                       {"b64", 8},
                                                                                       {"u64", 8},
                                                                                       {"f16x2", 4},
                                                                                       {"bf16x2", 4},
                                                                                       {"s64", 8},
                                                                                       {"f64", 8},
                                                                                       {"b128", 16}}};
  for (const auto& [name, bytes] : kTypes) {
    if (name == type) return bytes;
  }
  return std::nullopt;
}

std::optional<Variable::Space> variable_space(std::string_view directive) {
  if (directive == ".global") return Variable::Space::kGlobal;
  if (directive == ".const") return Variable::Space::kConst;
  if (directive == ".shared" || directive == ".shared::cta") return Variable::Space::kShared;
  if (directive == ".local") return Variable::Space::kLocal;
  if (directive == ".param") return Variable::Space::kParam;
  return std::nullopt;
}

std::vector<Variable> parse_variables(Cursor& cursor, bool is_extern) {
  const Head head = parse_head(cursor, is_extern);
  std::vector<Variable> variables;
  do {
    variables.push_back(parse_declarator(cursor, head));
  } while (cursor.accept(','));
  return variables;
}

Variable parse_parameter(Cursor& cursor) {
  if (!cursor.is_at_word(".param")) cursor.fail_expected("a .param");
  const Head head = parse_head(cursor, false);
  skip_pointer_attributes(cursor);
  return parse_declarator(cursor, head);
}

}  // namespace emulator::ptx

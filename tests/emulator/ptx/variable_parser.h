#ifndef ARLOSS_TESTS_EMULATOR_PTX_VARIABLE_PARSER_H
#define ARLOSS_TESTS_EMULATOR_PTX_VARIABLE_PARSER_H

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "ptx/cursor.h"
#include "ptx/syntax.h"

namespace emulator::ptx {

/// Bytes of a PTX type without its point: 4 for "b32". Empty for types that are no plain numbers ("pred", "texref").
std::optional<std::size_t> type_bytes(std::string_view type);

/// The space a directive names: kShared for ".shared" and ".shared::cta". Empty for other directives.
std::optional<Variable::Space> variable_space(std::string_view directive);

/// A declaration from its space directive on (".global .align 4 .b8 a[4] = {1}, b[2]"), up to its semicolon, which is
/// left to the caller.
std::vector<Variable> parse_variables(Cursor& cursor, bool is_extern);

/// A parameter of a function, from its .param on, up to the comma or parenthesis behind it.
Variable parse_parameter(Cursor& cursor);

}  // namespace emulator::ptx

#endif

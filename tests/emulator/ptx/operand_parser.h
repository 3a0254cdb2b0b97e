#ifndef ARLOSS_TESTS_EMULATOR_PTX_OPERAND_PARSER_H
#define ARLOSS_TESTS_EMULATOR_PTX_OPERAND_PARSER_H

#include <string>
#include <string_view>
#include <vector>

#include "ptx/cursor.h"
#include "ptx/syntax.h"

namespace emulator::ptx {

/// The operand that begins at the cursor. Throws SyntaxError for forms that syntax.h has no place for.
Operand parse_operand(Cursor& cursor);

/// An instruction without its guard, from its mnemonic up to its semicolon, which is left. Leaves guard, location and
/// text alone.
void parse_operation(Cursor& cursor, Instruction& instruction);

/// "ld.global.f32" split at its points.
std::vector<std::string> split_mnemonic(std::string_view mnemonic);

}  // namespace emulator::ptx

#endif

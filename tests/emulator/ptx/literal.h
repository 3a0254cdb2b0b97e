#ifndef ARLOSS_TESTS_EMULATOR_PTX_LITERAL_H
#define ARLOSS_TESTS_EMULATOR_PTX_LITERAL_H

#include <cstdint>
#include <optional>
#include <string_view>

#include "ptx/syntax.h"

namespace emulator::ptx {

/// The value of a number as PTX writes it.
struct Literal {
  Operand::Form form = Operand::Form::kInteger;  // kInteger, kFloat32 or kFloat64
  std::uint64_t value = 0;                       // two's complement, or the bits
};

/// 12, 0xFF, 017, 0b11 (each may end in U), 0f and 8 hexadecimal digits, 0d and 16, 1.5e-3 (as PTX has it, a 64-bit
/// float). Empty if `text` is none of these or does not fit 64 bits.
std::optional<Literal> parse_literal(std::string_view text, bool is_negative);

}  // namespace emulator::ptx

#endif

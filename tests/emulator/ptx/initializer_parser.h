#ifndef ARLOSS_TESTS_EMULATOR_PTX_INITIALIZER_PARSER_H
#define ARLOSS_TESTS_EMULATOR_PTX_INITIALIZER_PARSER_H

#include <cstddef>
#include <limits>
#include <vector>

#include "ptx/cursor.h"
#include "ptx/syntax.h"

namespace emulator::ptx {

/// Stands for the extent, and the bytes, of an array whose first dimension is left out.
constexpr std::size_t kUnknownExtent = std::numeric_limits<std::size_t>::max();

struct ElementType {
  std::size_t bytes = 1;
  bool is_float = false;  // f32 or f64; initial values of the shorter ones are their bits
};

/// What follows the "=" of a declaration: a number, a symbol's address or nested lists of them, written to
/// variable.initial and variable.references. `level_bytes`: bytes of the whole variable, of one of its elements, ...
/// and last of a single number; the first may be kUnknownExtent.
void parse_initializer(Cursor& cursor, ElementType type, const std::vector<std::size_t>& level_bytes,
                       Variable& variable);

}  // namespace emulator::ptx

#endif

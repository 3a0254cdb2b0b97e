#ifndef ARLOSS_TESTS_EMULATOR_PTX_FUNCTION_PARSER_H
#define ARLOSS_TESTS_EMULATOR_PTX_FUNCTION_PARSER_H

#include <cstdint>

#include "ptx/cursor.h"
#include "ptx/location_table.h"
#include "ptx/syntax.h"

namespace emulator::ptx {

/// The numbers of a .loc, whose word has been taken, entered into the table. Returns the index into Module::locations.
std::uint32_t parse_location(Cursor& cursor, LocationTable& locations);

/// A function from its .entry or .func on, to the end of its body or the semicolon of its declaration. `location`: the
/// .loc in force where it begins.
Function parse_function(Cursor& cursor, LocationTable& locations, std::uint32_t location);

}  // namespace emulator::ptx

#endif

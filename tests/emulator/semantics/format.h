#ifndef ARLOSS_TESTS_EMULATOR_SEMANTICS_FORMAT_H
#define ARLOSS_TESTS_EMULATOR_SEMANTICS_FORMAT_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace emulator::semantics {

/// What printf of a kernel prints. `arguments` are packed as vprintf takes them on the device: ints of 4 bytes, longs,
/// pointers and doubles of 8, each at a multiple of its size. `read_string` gives the text at an address of the device
/// (%s; a null pointer is printed as "(null)" without asking).
///
/// Conversions: d i u o x X c s p f F e E g G a A and %%, with the flags, widths, precisions (* too) and length
/// modifiers of C. Others, %n among them, are printed as they stand and take no argument. Promises nothing about
/// arguments that do not fit the format.
std::string format_printf(const std::string& format, const std::byte* arguments,
                          const std::function<std::string(std::uint64_t address)>& read_string);

}  // namespace emulator::semantics

#endif

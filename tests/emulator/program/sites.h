#ifndef ARLOSS_TESTS_EMULATOR_PROGRAM_SITES_H
#define ARLOSS_TESTS_EMULATOR_PROGRAM_SITES_H

#include <cstdint>
#include <string>

namespace emulator {

/// Numbers of places in CUDA source. 24 bits are enough for every instruction of every kernel of a process.
/// Site 0 is "an unknown line".
std::uint32_t add_site(const std::string& text);
/// "pair_kernels.cuh:120, inlined at pair_kernels.cuh:210"
std::string site_text(std::uint32_t site);

}  // namespace emulator

#endif

#ifndef ARLOSS_TESTS_EMULATOR_FATBIN_FAT_BINARY_H
#define ARLOSS_TESTS_EMULATOR_FATBIN_FAT_BINARY_H

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace emulator::fatbin {

/// Which devices besides those of exactly its compute capability take a PTX text.
enum class Reach {
  kNewer,   // compute_90: all newer ones
  kFamily,  // compute_100f: newer ones of the same major version
  kNone,    // compute_90a
};

/// One PTX text of a fat binary, as nvcc embeds it.
struct Ptx {
  int architecture = 0;  // compute capability times 10: 80 for compute_80
  Reach reach = Reach::kNewer;
  std::string text;
};

struct FormatError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// All PTX entries of the fat binary that starts at `data` (the .nv_fatbin contents a __fatBinC_Wrapper_t points to),
/// decompressed where they are compressed (LZ4 or Zstandard). Entries of machine code are passed over. Throws
/// FormatError, naming what is wrong, for anything that is not a fat binary or a compression not known.
std::vector<Ptx> read_ptx(const void* data);

/// The entry a device of this compute capability times 10 would compile: of those whose reach includes it the newest,
/// and of two for one capability the one that reaches less; for 0 a device as new as the newest entry. Throws
/// FormatError naming what is there where none fits.
const Ptx& choose(const std::vector<Ptx>& entries, int architecture);

}  // namespace emulator::fatbin

#endif

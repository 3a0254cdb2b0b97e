#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_DIGEST_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_DIGEST_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/streams.h"

namespace emulator::runtime {

/// 64 bits that differ for different bytes, lengths or predecessors (`hash`).
std::uint64_t mix_bytes(std::uint64_t hash, const std::byte* bytes, std::size_t count);

/// A digest of all bytes the process copied from the device to the host, in the order of its calls: two runs that
/// differ only in the schedule must agree.
class Digest {
 public:
  /// One copy's payload, `height` rows of `width` bytes.
  void add(const Execution& execution, const std::byte* bytes, std::size_t pitch, std::size_t width,
           std::size_t height);
  std::size_t num_copies() const { return copies_.size(); }
  std::uint64_t value() const;

 private:
  struct Copy {
    std::uint64_t call;
    std::uint32_t step;
    std::uint64_t hash;
  };
  std::vector<Copy> copies_;
};

}  // namespace emulator::runtime

#endif

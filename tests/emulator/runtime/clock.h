#ifndef ARLOSS_TESTS_EMULATOR_RUNTIME_CLOCK_H
#define ARLOSS_TESTS_EMULATOR_RUNTIME_CLOCK_H

#include <algorithm>
#include <cstdint>
#include <vector>

namespace emulator::runtime {

/// Which executed operations are known to have ended: a vector clock over streams. Operations are numbered from 1 in
/// the order of their execution.
struct Clock {
  /// known[s]: the last operation of stream s; streams past the end: none.
  std::vector<std::uint32_t> known;
  /// Operations up to this one, whatever their stream.
  std::uint32_t all = 0;

  void join(const Clock& other) {
    all = std::max(all, other.all);
    if (known.size() < other.known.size()) known.resize(other.known.size());
    for (std::size_t s = 0; s < other.known.size(); ++s) known[s] = std::max(known[s], other.known[s]);
  }

  bool covers(std::uint32_t stream, std::uint32_t operation) const {
    return operation <= all || (stream < known.size() && operation <= known[stream]);
  }

  void learn(std::uint32_t stream, std::uint32_t operation) {
    if (known.size() <= stream) known.resize(stream + 1);
    known[stream] = std::max(known[stream], operation);
  }
};

}  // namespace emulator::runtime

#endif

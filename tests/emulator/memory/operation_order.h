#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_OPERATION_ORDER_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_OPERATION_ORDER_H

#include <cstdint>
#include <vector>

namespace emulator {

/// Which operations (kernel launches, copies, memsets) surely ended before one began: those before it in its stream,
/// those its stream waited for through events, and everything before the host's last synchronisation that covers them.
/// Operations are numbered from 1 in the order in which they are executed.
class OperationOrder {
 public:
  std::uint32_t operation = 0;  // this one
  std::uint32_t stream = 0;     // index of its stream
  /// known[s]: the last operation of stream s, its own among them, that is ordered before this one; streams past the
  /// end: none.
  std::vector<std::uint32_t> known;
  /// Operations up to this one are ordered before, whatever their stream.
  std::uint32_t known_all = 0;

  bool is_after(std::uint32_t earlier, std::uint32_t earlier_stream) const {
    if (earlier <= known_all) return true;
    return earlier_stream < known.size() && earlier <= known[earlier_stream];
  }
};

}  // namespace emulator

#endif

#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_SHARED_LAYOUT_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_SHARED_LAYOUT_H

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "memory/block_memory.h"

namespace emulator {

/// The variables of shared memory and what lies where.
class SharedLayout {
 public:
  SharedLayout() = default;
  explicit SharedLayout(std::vector<LaunchMemory::SharedVariable> variables) : variables_(std::move(variables)) {}

  const std::vector<LaunchMemory::SharedVariable>& variables() const { return variables_; }
  /// Bytes of the window up to the end of the last variable.
  std::size_t end() const;
  /// Whether one variable covers all of [offset, offset + bytes).
  bool contains(std::size_t offset, std::size_t bytes) const;
  /// "shared variable tile (132 bytes) + 12", or "shared memory outside every variable", with the nearest one.
  std::string describe(std::size_t offset) const;

 private:
  std::vector<LaunchMemory::SharedVariable> variables_;
};

}  // namespace emulator

#endif

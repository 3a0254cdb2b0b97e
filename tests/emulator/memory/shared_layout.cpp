#include "memory/shared_layout.h"

#include <algorithm>
#include <limits>

namespace emulator {
namespace {

std::string name(const LaunchMemory::SharedVariable& variable) {
  return "shared variable " + variable.name + " (" + std::to_string(variable.bytes) + " bytes)";
}

}  // namespace

std::size_t SharedLayout::end() const {
  std::size_t end = 0;
  for (const auto& variable : variables_) end = std::max(end, variable.offset + variable.bytes);
  return end;
}

bool SharedLayout::contains(std::size_t offset, std::size_t bytes) const {
  return std::any_of(variables_.begin(), variables_.end(), [&](const auto& variable) {
    return offset >= variable.offset && offset - variable.offset < variable.bytes &&
           bytes <= variable.bytes - (offset - variable.offset);
  });
}

std::string SharedLayout::describe(std::size_t offset) const {
  std::string nearest;
  std::size_t distance = std::numeric_limits<std::size_t>::max();
  for (const auto& variable : variables_) {
    const std::size_t end = variable.offset + variable.bytes;
    if (offset >= variable.offset && offset < end)
      return name(variable) + " + " + std::to_string(offset - variable.offset);
    const bool is_past = offset >= end;
    const std::size_t away = is_past ? offset - end : variable.offset - offset;
    if (away >= distance) continue;
    distance = away;
    nearest = ", " + std::to_string(away) + (is_past ? " bytes past the end of " : " bytes before ") + name(variable);
  }
  return "shared memory outside every variable" + nearest;
}

}  // namespace emulator

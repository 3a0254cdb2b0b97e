#ifndef ARLOSS_TESTS_EMULATOR_UNIT_PTX_TEXTS_H
#define ARLOSS_TESTS_EMULATOR_UNIT_PTX_TEXTS_H

#include <string>
#include <vector>

#include "ptx/syntax.h"

namespace emulator::ptx {

using Names = std::vector<std::string>;

/// What every module begins with; three lines.
inline const std::string kHead = ".version 9.0\n.target sm_80\n.address_size 64\n";

/// A module of one kernel with this body.
inline Module parse_body(const std::string& body) { return parse(kHead + ".visible .entry k()\n{\n" + body + "\n}\n"); }

/// The names of operands, variables or labels in their order.
template <class T>
Names names_of(const std::vector<T>& named) {
  Names names;
  for (const T& one : named) names.push_back(one.name);
  return names;
}

}  // namespace emulator::ptx

#endif

/// Golden cases: small problems with float64 answers obtained apart from both the library and the oracle. The files and
/// their meaning: tests/data/README.md.
#ifndef ARLOSS_TESTS_GOLDEN_H
#define ARLOSS_TESTS_GOLDEN_H

#include <string>
#include <vector>

#include "oracle.h"

namespace oracle {

struct Golden {
  std::string name;
  Problem problem;
  Inputs inputs;                  // logits and weights hold float32 values
  double loss = 0;                // reduced; for kNone the sum
  std::vector<double> per_image;  // [batch] before reduction, one value for span kBatch
  std::vector<double> grad;       // as logits, upstream gradient 1
  double e0 = 0;
};

/// Names of all golden cases, sorted.
std::vector<std::string> golden_names();

/// Reads one case. Throws std::runtime_error naming the file where one is missing or has the wrong size.
Golden load_golden(const std::string& name);

}  // namespace oracle

#endif

#include "support/golden_case.h"

namespace support {

Case golden_case(const oracle::Golden& golden, arloss_layout_t layout, arloss_dtype_t labels_dtype) {
  CaseSpec spec;
  spec.problem = golden.problem;
  spec.layout = layout;
  spec.labels_dtype = labels_dtype;
  Case test = build_case(spec, golden.inputs);
  test.expected.loss = {golden.loss};
  test.expected.grad = golden.grad;
  test.expected.e0 = golden.e0;
  return test;
}

}  // namespace support

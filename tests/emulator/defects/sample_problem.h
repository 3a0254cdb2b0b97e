#ifndef ARLOSS_TESTS_EMULATOR_DEFECTS_SAMPLE_PROBLEM_H
#define ARLOSS_TESTS_EMULATOR_DEFECTS_SAMPLE_PROBLEM_H

#include <vector>

namespace emulator::defects {

/// What the sample kernels are given.
struct Problem {
  int num_classes, num_pixels;
  std::vector<float> logits;  // [num_classes][num_pixels]
  std::vector<int> labels;    // [num_pixels], below num_classes
};

/// The same for the same sizes.
Problem make_problem(int num_classes, int num_pixels);

/// Gram matrix [num_classes][num_classes] of the rows s = sqrt(softmax), in float64.
std::vector<double> reference_gram(const Problem& problem);
/// Sum over all ordered pairs of |<s_i, s_j> - [y_i = y_j]|, in float64.
double reference_pair_sum(const Problem& problem);

/// Within what float32 sums of this many terms lose: 1e-5 of (1 + the entry); the errors met are near 1e-7.
bool is_right_gram(const Problem& problem, const std::vector<float>& gram);
/// Within what rows in float16 lose: 2^-10 for every pixel's pair with itself, and 1e-4 of the sum, of whose other
/// terms the errors average out to less than 1e-5.
bool is_right_pair_sum(const Problem& problem, double pair_sum);

}  // namespace emulator::defects

#endif

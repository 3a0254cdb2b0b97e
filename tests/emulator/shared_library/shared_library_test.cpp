// A release library with CUDA kernels, loaded by a program that knows nothing of CUDA.
#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "row_sums.h"

namespace {

TEST(SharedLibrary, RunsItsKernels) {
  constexpr std::int64_t kRows = 3, kLength = 2500;
  std::vector<float> values(kRows * kLength);
  // Multiples of 1/8 below 128: sums of 2,500 of them are exact.
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(k * 37 % 1024) * 0.125f;
  std::vector<double> expected(kRows, 0), totals(kRows, -1);
  for (std::size_t k = 0; k < values.size(); ++k) expected[k / kLength] += static_cast<double>(values[k]);
  ASSERT_EQ(row_sums(values.data(), kRows, kLength, totals.data()), 0);
  EXPECT_EQ(totals, expected);
}

}  // namespace

/// The pair kernel by itself against float64, and copies of it with an operand of tensor cores in the wrong place: no
/// checker of memory can know, the numbers must.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/tile/launch_blocks.h"
#include "planted/as_it_is.h"
#include "planted/columns_swapped.h"
#include "planted/rows_swapped.h"
#include "planted/slopes_swapped.h"
#include "planted/weights_reversed.h"
#include "support/device_memory.h"
#include "support/half.h"
#include "support/random.h"

namespace kernel_tests {
namespace {

using namespace arloss::kernels;
using support::check;
using support::DeviceInput;
using support::DeviceOutput;

/// Two strips, two splits, and a tile that is not whole; padded classes.
constexpr int kRows = 150, kClasses = 19, kOctets = 3, kStripRows = 128, kThreads = 128, kPieces = 2 * kOctets;
constexpr double kDelta = 0.1;

/// s, of random softmaxes, and u, of hard labels.
struct Rows {
  std::vector<double> s, u;  // [row][class]
  std::vector<float> weights;

  Rows() : s(kRows * kClasses), u(kRows * kClasses), weights(kRows) {
    support::Random random(1);
    for (int i = 0; i < kRows; ++i) {
      double sum = 0;
      for (int c = 0; c < kClasses; ++c) sum += s[i * kClasses + c] = std::exp(2 * random.normal());
      for (int c = 0; c < kClasses; ++c) s[i * kClasses + c] = std::sqrt(s[i * kClasses + c] / sum);
      u[i * kClasses + static_cast<int>(random.below(kClasses))] = 1;
      weights[i] = static_cast<float>(random.uniform(0.5, 2));
    }
  }
  double difference(int i, int j) const {
    double sum = 0;
    for (int c = 0; c < kClasses; ++c)
      sum += s[i * kClasses + c] * s[j * kClasses + c] - u[i * kClasses + c] * u[j * kClasses + c];
    return sum;
  }
  /// Two features as the kernel takes them: value(feature, number).
  template <class Value>
  std::vector<HalfPiece> packed(const Value& value) const {
    std::vector<HalfPiece> pieces(kRows * kPieces);
    for (int i = 0; i < kRows; ++i)
      for (int feature = 0; feature < 2; ++feature)
        for (int c = 0; c < kClasses; ++c)
          support::store_real(ARLOSS_DTYPE_FLOAT16, std::ldexp(value(feature, i * kClasses + c), kPairExponent),
                              pieces.data(), (i * kPieces + feature * kOctets) * 8 + c);
    return pieces;
  }
};

/// sum_ij w_i w_j phi, and sum_j w_j phi' s_j of each row: [class][row].
struct Sums {
  double loss = 0;
  std::vector<double> slopes = std::vector<double>(kClasses * kRows);
};

Sums expected_sums(const Rows& rows) {
  Sums sums;
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kRows; ++j) {
      const double d = i == j ? 0 : rows.difference(i, j), slope = std::clamp(d, -kDelta, kDelta);
      sums.loss += double{rows.weights[i]} * rows.weights[j] * slope * (d - slope / 2);
      for (int c = 0; c < kClasses; ++c)
        sums.slopes[c * kRows + i] += rows.weights[j] * slope * rows.s[j * kClasses + c];
    }
  return sums;
}

using PairKernel = void (*)(PairParams);

Sums run(PairKernel kernel, const Rows& rows) {
  const DeviceInput<HalfPiece> left(
      rows.packed([&](int feature, int n) { return feature == 0 ? rows.s[n] - rows.u[n] : rows.u[n]; }));
  const DeviceInput<HalfPiece> right(
      rows.packed([&](int feature, int n) { return feature == 0 ? rows.s[n] : rows.s[n] - rows.u[n]; }));
  const DeviceInput<float> weights(rows.weights);
  PairBounds bounds{0, 0, 0, 1};
  const float largest = *std::max_element(rows.weights.begin(), rows.weights.end());
  std::memcpy(&bounds.weight, &largest, sizeof largest);
  bounds.other_weight = bounds.weight;
  const DeviceInput<PairBounds> device_bounds({bounds});
  const PairWalk walk(1, kRows, kStripRows);
  DeviceOutput<double> losses(walk.blocks());
  DeviceOutput<float> slopes(walk.splits * kClasses * kRows);

  PairParams params{};
  params.batch = params.images_per_group = 1;
  params.rows = kRows;
  params.classes = kClasses;
  params.left = left.data();
  params.right = right.data();
  params.pieces = kPieces;
  params.weights = weights.data();
  params.bounds = device_bounds.data();
  params.num_segments = 1;
  params.segments[0] = {2, 1.0f};
  params.sums = {ARLOSS_PENALTY_HUBER, static_cast<float>(kDelta), 1, true, losses.data(), slopes.data()};
  LaunchStream stream(nullptr);
  // Derived: 128 rows of a strip and 128 columns of 7 pieces, and weights, take 29 KiB.
  check(launch_blocks(kernel, walk.blocks(), kThreads, params, stream, 32 * 1024));
  Sums sums;
  for (const double loss : losses.read()) sums.loss += loss;
  const std::vector<float> planes = slopes.read();
  for (std::size_t n = 0; n < planes.size(); ++n) sums.slopes[n % sums.slopes.size()] += planes[n];
  return sums;
}

/// Relative errors.
struct Errors {
  double loss, slopes;
};

Errors errors_of(PairKernel kernel) {
  const Rows rows;
  const Sums expected = expected_sums(rows), found = run(kernel, rows);
  double square = 0, reference = 0;
  for (std::size_t n = 0; n < found.slopes.size(); ++n) {
    square += std::pow(found.slopes[n] - expected.slopes[n], 2);
    reference += std::pow(expected.slopes[n], 2);
  }
  return {std::abs(found.loss / expected.loss - 1), std::sqrt(square / reference)};
}

constexpr double kContract = 1e-3;  // of halves (docs/numerics.md)

TEST(PairLayout, IsRightAsItIs) {
  using Shape = as_it_is::PairShape<4, 2, 4, kOctets, false, kOctets>;
  const Errors errors = errors_of(as_it_is::pair_kernel<Huber<FloatOps>, Shape>);
  EXPECT_LT(errors.loss, kContract);
  EXPECT_LT(errors.slopes, kContract);
}

/// Quarters of the rows' operand of A - B.
TEST(PairLayout, SwappedRowsAreFound) {
  using Shape = rows_swapped::PairShape<4, 2, 4, kOctets, false, kOctets>;
  const Errors errors = errors_of(rows_swapped::pair_kernel<Huber<FloatOps>, Shape>);
  EXPECT_GT(errors.loss, 10 * kContract);
  EXPECT_GT(errors.slopes, 10 * kContract);
}

/// Halves of the columns' operand.
TEST(PairLayout, SwappedColumnsAreFound) {
  using Shape = columns_swapped::PairShape<4, 2, 4, kOctets, false, kOctets>;
  const Errors errors = errors_of(columns_swapped::pair_kernel<Huber<FloatOps>, Shape>);
  EXPECT_GT(errors.loss, 10 * kContract);
  EXPECT_GT(errors.slopes, 10 * kContract);
}

/// Products as an operand of the gradient, which the loss has no part in.
TEST(PairLayout, SwappedSlopesAreFound) {
  using Shape = slopes_swapped::PairShape<4, 2, 4, kOctets, false, kOctets>;
  const Errors errors = errors_of(slopes_swapped::pair_kernel<Huber<FloatOps>, Shape>);
  EXPECT_LT(errors.loss, kContract);
  EXPECT_GT(errors.slopes, 10 * kContract);
}

/// A lane's columns of a product.
TEST(PairLayout, ReversedWeightsAreFound) {
  using Shape = weights_reversed::PairShape<4, 2, 4, kOctets, false, kOctets>;
  const Errors errors = errors_of(weights_reversed::pair_kernel<Huber<FloatOps>, Shape>);
  EXPECT_GT(errors.loss, kContract);
  EXPECT_GT(errors.slopes, 10 * kContract);
}

}  // namespace
}  // namespace kernel_tests

/// A - B of a pair as one product of two rows of features.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/pair/pair_features.h"
#include "support/random.h"

namespace kernel_tests {
namespace {

using arloss::kernels::pair_features;
using arloss::kernels::PairFeatures;
using arloss::kernels::RowFeature;
using arloss::kernels::RowSource;

constexpr int kMostScales = 8, kClasses = 11;

/// Sum 1, each a float.
std::vector<double> draw_weights(int num_scales, support::Random& random) {
  std::vector<double> omega(static_cast<std::size_t>(num_scales));
  double left = 1024;
  for (double& weight : omega) left -= weight = static_cast<double>(1 + random.below(100));
  omega[0] += left;
  for (double& weight : omega) weight /= 1024;
  return omega;
}

/// s and u^k of one class. The identity holds for whatever numbers.
struct Numbers {
  double s;
  std::vector<double> u;
};

/// Both rows of a pair.
struct RowPair {
  std::vector<Numbers> left, right;

  RowPair(int num_scales, support::Random& random) : left(kClasses), right(kClasses) {
    for (auto* const row : {&left, &right})
      for (Numbers& numbers : *row) {
        numbers.s = random.uniform();
        for (int k = 0; k < num_scales; ++k) numbers.u.push_back(random.uniform());
      }
  }
  /// <s_i, s_j> - <u^k_i, u^k_j>
  double difference(std::size_t k) const {
    double sum = 0;
    for (int c = 0; c < kClasses; ++c) sum += left[c].s * right[c].s - left[c].u[k] * right[c].u[k];
    return sum;
  }
};

/// What a source stands for.
double meaning(const RowFeature& feature, const Numbers& row, const std::vector<double>& omega) {
  double blend = 0;
  for (std::size_t k = 0; k < omega.size(); ++k) blend += omega[k] * row.u[k];
  const auto scale = static_cast<std::size_t>(feature.scale), from = static_cast<std::size_t>(feature.from);
  const auto value = [&] {
    switch (feature.source) {
      case RowSource::kRoot: return row.s;
      case RowSource::kResidual: return row.s - row.u[0];
      case RowSource::kBlendResidual: return row.s - blend;
      case RowSource::kBlendShift: return blend - row.u[0];
      case RowSource::kLabel: return row.u.at(scale);
      case RowSource::kLabelStep: return row.u.at(scale) - row.u.at(from);
    }
    return std::nan("");
  };
  return static_cast<double>(feature.factor) * value();
}

/// Of features [first, last), leading parts alone, which stand for the whole number here.
double product(const PairFeatures& features, int first, int last, const RowPair& rows,
               const std::vector<double>& omega) {
  double sum = 0;
  for (int f = first; f < last; ++f) {
    if (features.left[f].is_remainder || features.right[f].is_remainder) continue;
    for (int c = 0; c < kClasses; ++c)
      sum += meaning(features.left[f], rows.left[c], omega) * meaning(features.right[f], rows.right[c], omega);
  }
  return sum;
}

/// Calls body(features, omega, is_separate, is_exact) for all numbers of scales.
template <class Body>
void for_each_kind(const Body& body) {
  support::Random random(1);
  for (int num_scales = 1; num_scales <= kMostScales; ++num_scales)
    for (const bool is_separate : {false, true})
      for (const bool is_exact : {false, true}) {
        SCOPED_TRACE(testing::Message() << num_scales << " scales" << (is_separate ? ", separate" : "")
                                        << (is_exact ? ", exact" : ""));
        const std::vector<double> omega = draw_weights(num_scales, random);
        body(pair_features(num_scales, omega.data(), is_separate, is_exact), omega, is_separate, is_exact);
      }
}

TEST(PairFeatures, AddUpToTheDifferenceOfAffinities) {
  support::Random random(2);
  for_each_kind([&](const PairFeatures& features, const std::vector<double>& omega, bool is_separate, bool) {
    for (int turn = 0; turn < 10; ++turn) {
      const RowPair rows(static_cast<int>(omega.size()), random);
      double sum = 0, blend = 0;
      int first = 0;
      for (int segment = 0; segment < features.num_segments; ++segment) {
        const int last = features.segments[segment].end;
        ASSERT_LT(first, last);
        sum += product(features, first, last, rows, omega);
        const double expected = rows.difference(static_cast<std::size_t>(segment));
        EXPECT_TRUE(!is_separate || std::abs(sum - expected) < 1e-12) << segment << ": " << sum << ", " << expected;
        first = last;
      }
      EXPECT_EQ(first, features.count);
      for (std::size_t k = 0; k < omega.size(); ++k) blend += omega[k] * rows.difference(k);
      EXPECT_TRUE(is_separate || std::abs(sum - blend) < 1e-12) << sum << ", " << blend;
    }
  });
}

TEST(PairFeatures, HaveASegmentForEachPenalty) {
  for_each_kind([](const PairFeatures& features, const std::vector<double>& omega, bool is_separate, bool) {
    ASSERT_EQ(features.num_segments, is_separate ? static_cast<int>(omega.size()) : 1);
    for (int segment = 0; segment < features.num_segments; ++segment) {
      const double weight = is_separate ? omega[static_cast<std::size_t>(segment)] : 1;
      EXPECT_EQ(static_cast<double>(features.segments[segment].omega), weight);
      // Products take sixteen numbers at once, of one segment but at the end.
      EXPECT_TRUE(segment + 1 == features.num_segments || features.segments[segment].end % 2 == 0) << segment;
    }
  });
}

/// Rows of SEPARATE with eight scales are the longest.
TEST(PairFeatures, FitTheirArraysAndWholePairsOfPieces) {
  int most = 0;
  for_each_kind([&](const PairFeatures& features, const std::vector<double>&, bool, bool is_exact) {
    EXPECT_EQ(features.is_exact, is_exact);
    EXPECT_LE(features.count, PairFeatures::kMax);
    EXPECT_LE(features.num_segments, PairFeatures::kMaxSegments);
    most = std::max(most, features.count);
    for (std::int64_t octets = 1; octets <= 32; ++octets) {
      const std::int64_t pieces = features.pieces(octets), used = features.count * octets;
      EXPECT_EQ(pieces % 2, 0) << octets;
      EXPECT_TRUE(pieces == used || pieces == used + 1) << octets;
    }
  });
  EXPECT_EQ(most, PairFeatures::kMax);
}

bool is_same_number(const RowFeature& a, const RowFeature& b) {
  return a.source == b.source && a.scale == b.scale && a.from == b.from && a.factor == b.factor &&
         a.is_residual == b.is_residual;
}

/// x y = x' y' + (x - x') y' + x' (y - y') + what is left out.
TEST(PairFeatures, PairEveryLeadingPartWithBothOfTheOtherSide) {
  for_each_kind([](const PairFeatures& features, const std::vector<double>&, bool, bool is_exact) {
    const int parts = is_exact ? 3 : 1;
    ASSERT_EQ(features.count % parts, 0);
    for (int f = 0; f < features.count; ++f) {
      SCOPED_TRACE(f);
      EXPECT_EQ(features.left[f].is_remainder, f % parts == 1);
      EXPECT_EQ(features.right[f].is_remainder, f % parts == 2);
      EXPECT_TRUE(is_same_number(features.left[f], features.left[f - f % parts]));
      EXPECT_TRUE(is_same_number(features.right[f], features.right[f - f % parts]));
    }
  });
}

/// One side of a product is scaled by the group's residuals: the one that vanishes with them.
TEST(PairFeatures, HaveOneResidualToAProduct) {
  for_each_kind([](const PairFeatures& features, const std::vector<double>&, bool, bool) {
    for (int f = 0; f < features.count; ++f) {
      EXPECT_NE(features.left[f].is_residual, features.right[f].is_residual) << f;
      for (const RowFeature& feature : {features.left[f], features.right[f]}) {
        const bool is_whole = feature.source == RowSource::kRoot || feature.source == RowSource::kLabel;
        EXPECT_FALSE(is_whole && feature.is_residual) << f;
        const bool has_root = feature.source == RowSource::kResidual || feature.source == RowSource::kBlendResidual;
        EXPECT_FALSE(has_root && !feature.is_residual) << f;
      }
    }
  });
}

/// The gradient multiplies slopes with it.
TEST(PairFeatures, HaveTheRootFirst) {
  for_each_kind([](const PairFeatures& features, const std::vector<double>&, bool, bool is_exact) {
    for (const int f : {0, is_exact ? 2 : 0}) {
      EXPECT_EQ(features.right[f].source, RowSource::kRoot);
      EXPECT_EQ(features.right[f].is_remainder, f == 2);
      EXPECT_EQ(features.right[f].factor, 1);
    }
  });
}

}  // namespace
}  // namespace kernel_tests

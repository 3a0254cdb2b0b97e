/// The oracle at the edges of docs/math.md: nothing to compare, cells that do not count, logits that are not numbers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "oracle.h"
#include "oracle_cases.h"

namespace oracle {
namespace {

TEST(OracleEdge, NoValidLabelCostsNothing) {
  for (const ScaleMode mode : kModes) {
    Case empty = small_batch(mode);
    const double second = evaluate(empty.problem, empty.inputs).per_image[1];
    std::fill_n(empty.inputs.labels.begin(), 77, 255);  // the first image's
    logit(&empty, 0, 1, 4) = kNaN;
    const Result result = evaluate(empty.problem, empty.inputs);
    EXPECT_EQ(result.per_image[0], 0.0);
    EXPECT_EQ(result.loss[0], second / 2);  // the mean counts it
    EXPECT_EQ(result.e0, result.e0_per_image[1]);
    for (int e = 0; e < 45; ++e) EXPECT_EQ(result.grad[e], 0.0);
    std::fill(empty.inputs.labels.begin(), empty.inputs.labels.end(), 255);
    for (const Span span : {Span::kImage, Span::kBatch}) {
      empty.problem.span = span;
      const Result nothing = evaluate(empty.problem, empty.inputs);
      EXPECT_EQ(nothing.loss[0], 0.0);
      EXPECT_EQ(nothing.e0, 0.0);
      expect_all_zero(nothing.grad);
    }
  }
}

TEST(OracleEdge, OneLiveCellOrOneClassCostsNothing) {
  for (const Penalty penalty : kPenalties) {
    for (const ScaleMode mode : kModes) {
      SCOPED_TRACE(name_of(penalty) + name_of(mode));
      Problem one_cell = make_problem(2, 4, {1, 1, 1}, {1, 3, 5});
      Problem one_class = make_problem(2, 1, {1, 3, 4}, {1, 3, 4});
      for (Problem problem : {one_cell, one_class}) {
        problem.penalty = penalty;
        problem.scale_mode = mode;
        problem.scales = {1, 2};
        const Case random = random_case(problem, 13);
        const Result result = evaluate(random.problem, random.inputs);
        EXPECT_EQ(result.loss[0], 0.0);
        expect_all_zero(result.grad);
      }
    }
  }
}

TEST(OracleEdge, DeadCellsMayHoldAnything) {
  for (const ScaleMode mode : kModes) {
    for (const Span span : {Span::kImage, Span::kBatch}) {
      SCOPED_TRACE(name_of(mode));
      Case clean = small_batch(mode);
      clean.problem.span = span;
      const Result expected = evaluate(clean.problem, clean.inputs);
      Case dirty = clean;
      for (std::int64_t b = 0; b < 2; ++b) {
        logit(&dirty, b, 0, 0) = kNaN;        // no valid label
        logit(&dirty, b, 2, 14) = kInfinity;  // pixel weight 0
      }
      const Result result = evaluate(dirty.problem, dirty.inputs);
      EXPECT_EQ(result.loss, expected.loss);
      EXPECT_EQ(result.grad, expected.grad);
      for (std::int64_t b = 0; b < 2; ++b) {
        for (std::int64_t c = 0; c < 3; ++c) {
          EXPECT_EQ(result.grad[(b * 3 + c) * 15], 0.0);
          EXPECT_EQ(result.grad[(b * 3 + c) * 15 + 14], 0.0);
        }
      }
    }
  }
}

/// Makes cell 7 of image 0 bad in one of three ways.
void spoil(Case* target, int way) {
  if (way == 0) logit(target, 0, 1, 7) = kNaN;
  if (way == 1) logit(target, 0, 1, 7) = kInfinity;
  if (way == 2) logit(target, 0, 0, 7) = logit(target, 0, 1, 7) = logit(target, 0, 2, 7) = -kInfinity;
}

/// NaN in every live cell of the images in [first_image, last_image), 0 in the dead ones.
void expect_nan_gradient(const Result& result, std::int64_t first_image, std::int64_t last_image) {
  for (std::int64_t b = first_image; b < last_image; ++b) {
    for (std::int64_t e = 0; e < 45; ++e) {
      const double value = result.grad[b * 45 + e];
      const bool is_live = result.cell_weights[b * 15 + e % 15] > 0;
      EXPECT_TRUE(is_live ? std::isnan(value) : value == 0.0) << value;
    }
  }
}

TEST(OracleEdge, BadLogitSpoilsItsImageAlone) {
  for (const Penalty penalty : kPenalties) {
    for (const ScaleMode mode : kModes) {
      for (const int way : {0, 1, 2}) {
        SCOPED_TRACE(name_of(penalty) + name_of(mode) + std::to_string(way));
        Case bad = small_batch(mode, penalty);
        const Result clean = evaluate(bad.problem, bad.inputs);
        spoil(&bad, way);
        const Result result = evaluate(bad.problem, bad.inputs);
        EXPECT_TRUE(std::isnan(result.loss[0]));
        EXPECT_TRUE(std::isnan(result.per_image[0]));
        EXPECT_EQ(result.per_image[1], clean.per_image[1]);
        expect_nan_gradient(result, 0, 1);
        for (std::int64_t e = 45; e < 90; ++e) EXPECT_EQ(result.grad[e], clean.grad[e]);
        bad.problem.span = Span::kBatch;
        const Result batch = evaluate(bad.problem, bad.inputs);
        EXPECT_TRUE(std::isnan(batch.loss[0]));
        expect_nan_gradient(batch, 0, 2);
      }
    }
  }
}

/// Without another class, or without a pair, nothing but the check itself can carry the NaN.
TEST(OracleEdge, BadLogitShowsWithOneClassOrOneCell) {
  for (const Penalty penalty : kPenalties) {
    for (const ScaleMode mode : kModes) {
      for (const double value : {kNaN, kInfinity, -kInfinity}) {
        SCOPED_TRACE(name_of(penalty) + name_of(mode) + std::to_string(value));
        for (Case bad :
             {row_case(1, {{value}}, {0}), row_case(1, {{value}, {1}}, {0, 0}), row_case(2, {{kNaN, 1}}, {0})}) {
          bad.problem.penalty = penalty;
          bad.problem.scale_mode = mode;
          const Result result = evaluate(bad.problem, bad.inputs);
          EXPECT_TRUE(std::isnan(result.loss[0]));
          for (const double grad : result.grad) EXPECT_TRUE(std::isnan(grad));
        }
      }
    }
  }
}

/// A class masked in every cell and absent from the labels is as if it did not exist.
TEST(OracleEdge, MinusInfinityMasksAClass) {
  for (const Penalty penalty : kPenalties) {
    for (const ScaleMode mode : kModes) {
      SCOPED_TRACE(name_of(penalty) + name_of(mode));
      Case two = small_batch(mode, penalty);
      two.problem.classes = 2;
      two.inputs.logits.resize(60);
      for (std::int64_t& label : two.inputs.labels) label = label == 2 ? 1 : label;
      Case three = two;
      three.problem.classes = 3;
      three.inputs.logits.assign(90, -kInfinity);
      for (std::int64_t b = 0; b < 2; ++b) {
        for (std::int64_t c = 0; c < 2; ++c) {
          for (std::int64_t i = 0; i < 15; ++i) logit(&three, b, c, i) = logit(&two, b, c, i);
        }
      }
      const Result expected = evaluate(two.problem, two.inputs);
      const Result result = evaluate(three.problem, three.inputs);
      EXPECT_NEAR(result.loss[0], expected.loss[0], 1e-15);
      for (std::int64_t b = 0; b < 2; ++b) {
        for (std::int64_t i = 0; i < 15; ++i) {
          EXPECT_EQ(result.grad[(b * 3 + 2) * 15 + i], 0.0);
          for (std::int64_t c = 0; c < 2; ++c) {
            EXPECT_NEAR(result.grad[(b * 3 + c) * 15 + i], expected.grad[(b * 2 + c) * 15 + i], 1e-15);
          }
        }
      }
    }
  }
}

TEST(OracleEdge, HugeLogitsStayFinite) {
  for (const ScaleMode mode : kModes) {
    for (const double scale : {1e4, 1e30, 1e300}) {
      Case huge = small_batch(mode);
      for (double& value : huge.inputs.logits) value *= scale;
      const Result result = evaluate(huge.problem, huge.inputs);
      EXPECT_GT(result.loss[0], 0.0);
      EXPECT_LE(result.loss[0], 1.0);
      EXPECT_TRUE(std::isfinite(norm(result.grad)));
    }
  }
}

TEST(OracleEdge, IgnoreIndexMayBeAClassOrNone) {
  Case hard = row_case(3, {{1, 0, 0}, {0, 2, 1}, {0, 1, 1}, {3, 0, 1}}, {0, 1, 2, 1});
  hard.problem.ignore_index = 1;
  const std::vector<double> expected_weights = {1, 0, 1, 0};
  EXPECT_EQ(evaluate(hard.problem, hard.inputs).cell_weights, expected_weights);
  hard.problem.has_ignore_index = false;
  EXPECT_EQ(evaluate(hard.problem, hard.inputs).cell_weights, std::vector<double>(4, 1.0));

  Case many = {make_problem(1, 300, {1, 1, 2}, {1, 1, 2}), {}};
  many.inputs.logits.assign(600, 0);
  many.inputs.labels = {255, 299};
  EXPECT_EQ(evaluate(many.problem, many.inputs).cell_weights[0], 0.0);
  many.problem.has_ignore_index = false;
  EXPECT_EQ(evaluate(many.problem, many.inputs).cell_weights[0], 1.0);
  EXPECT_EQ(label_distribution(many.problem, many.inputs, 0)[255], 1.0);
}

TEST(OracleEdge, Refusals) {
  const Case good = small_batch();
  const auto expect_refused = [](const Case& bad) {
    EXPECT_THROW(evaluate(bad.problem, bad.inputs), std::invalid_argument);
  };
  for (const std::int64_t label : {std::int64_t{-1}, std::int64_t{3}, std::int64_t{256}, std::int64_t{1} << 32}) {
    Case bad = good;
    bad.inputs.labels[30] = label;
    expect_refused(bad);
  }
  Case bad = good;
  bad.problem.has_ignore_index = false;  // 255 is then a label outside the classes
  expect_refused(bad);
  bad = good;
  bad.problem.span = Span::kBatch;
  bad.problem.reduction = Reduction::kNone;
  expect_refused(bad);
  bad = good;
  bad.problem.label_height = 2;
  expect_refused(bad);
  bad = good;
  bad.inputs.logits.pop_back();
  expect_refused(bad);
  bad = good;
  bad.inputs.grad_loss = {1, 1};
  expect_refused(bad);
}

}  // namespace
}  // namespace oracle

/// Identities of the oracle between settings, and its label distribution, affinity rows and cell weights.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "oracle.h"
#include "oracle_cases.h"

namespace oracle {
namespace {

// ---- identities between settings ----

TEST(OracleIdentity, SeparateIsTheBlendOfOneScaleLosses) {
  for (const Penalty penalty : kPenalties) {
    SCOPED_TRACE(name_of(penalty));
    Case separate = small_batch(ScaleMode::kSeparate, penalty);
    const Result result = evaluate(separate.problem, separate.inputs);
    Case single = separate;
    single.problem.scale_weights = {};
    single.problem.scales = {1};
    const Result fine = evaluate(single.problem, single.inputs);
    single.problem.scales = {2};
    const Result coarse = evaluate(single.problem, single.inputs);
    std::vector<double> grad(fine.grad.size());
    for (std::size_t e = 0; e < grad.size(); ++e) grad[e] = 0.7 * fine.grad[e] + 0.3 * coarse.grad[e];
    EXPECT_NEAR(result.loss[0], 0.7 * fine.loss[0] + 0.3 * coarse.loss[0], 1e-14);
    expect_close(result.grad, grad, 1e-13);
  }
}

TEST(OracleIdentity, SquaredSeparateHasBlendsGradientAndAConstantMore) {
  Case blend = small_batch(ScaleMode::kBlend), separate = small_batch(ScaleMode::kSeparate);
  const Result before_blend = evaluate(blend.problem, blend.inputs);
  const Result before_separate = evaluate(separate.problem, separate.inputs);
  expect_close(before_separate.grad, before_blend.grad, 1e-13);
  const double constant = before_separate.loss[0] - before_blend.loss[0];
  EXPECT_GT(constant, 1e-3);
  for (double& value : blend.inputs.logits) value *= -1.5;
  EXPECT_NEAR(loss(separate.problem, blend.inputs)[0] - loss(blend.problem, blend.inputs)[0], constant, 1e-14);
}

TEST(OracleIdentity, OneScaleOfOneCellIsTheSameInEveryMode) {
  for (const Penalty penalty : kPenalties) {
    SCOPED_TRACE(name_of(penalty));
    Case blend = small_batch(ScaleMode::kBlend, penalty);
    blend.problem.scales = {1};
    blend.problem.scale_weights = {};
    Case pyramid = blend;
    pyramid.problem.scale_mode = ScaleMode::kPyramid;
    const Result expected = evaluate(blend.problem, blend.inputs);
    const Result result = evaluate(pyramid.problem, pyramid.inputs);
    EXPECT_NEAR(result.loss[0], expected.loss[0], 1e-14);
    EXPECT_NEAR(result.e0, expected.e0, 1e-14);
    expect_close(result.grad, expected.grad, 1e-13);
  }
}

/// PYRAMID over 2 x 2 blocks is the loss of a grid of half the size whose softmax is the blocks' mean.
TEST(OracleIdentity, PyramidIsTheLossOfThePooledPrediction) {
  const Problem fine_problem = make_problem(1, 3, {1, 4, 6}, {1, 8, 12});
  Case fine = random_case(fine_problem, 5);
  fine.problem.scale_mode = ScaleMode::kPyramid;
  fine.problem.scales = {2};
  fine.inputs.pixel_weights.clear();
  for (std::int64_t& label : fine.inputs.labels) label %= 3;  // 255 too
  Case coarse = fine;
  coarse.problem = make_problem(1, 3, {1, 2, 3}, {1, 8, 12});
  coarse.inputs.logits.assign(3 * 6, 0);
  for (std::int64_t i = 0; i < 24; ++i) {
    const std::vector<double> p = softmax_of_cell(fine, 0, i);
    for (std::int64_t c = 0; c < 3; ++c) coarse.inputs.logits[c * 6 + i / 12 * 3 + i % 6 / 2] += p[c] / 4;
  }
  for (double& value : coarse.inputs.logits) value = std::log(value);
  for (const Penalty penalty : kPenalties) {
    SCOPED_TRACE(name_of(penalty));
    fine.problem.penalty = coarse.problem.penalty = penalty;
    const Result expected = evaluate(coarse.problem, coarse.inputs);
    const Result result = evaluate(fine.problem, fine.inputs);
    EXPECT_NEAR(result.loss[0], expected.loss[0], 1e-14);
    EXPECT_NEAR(result.e0, expected.e0, 1e-14);
  }
}

/// A batch of images under span kBatch is one volume whose slices they are.
TEST(OracleIdentity, SpanBatchIsOneVolume) {
  Case batch = random_case(make_problem(3, 3, {1, 3, 4}, {1, 6, 9}), 6);
  batch.problem.span = Span::kBatch;
  Case volume = batch;
  volume.problem = make_problem(1, 3, {3, 3, 4}, {3, 6, 9});
  const auto transposed = [](const std::vector<double>& x) {  // [3 images][3 classes][12] to [classes][images][12]
    std::vector<double> result(x.size());
    for (std::size_t e = 0; e < x.size(); ++e) result[(e / 12 % 3) * 36 + e / 36 * 12 + e % 12] = x[e];
    return result;
  };
  volume.inputs.logits = transposed(batch.inputs.logits);
  for (const Reduction reduction : {Reduction::kMean, Reduction::kSum}) {
    batch.problem.reduction = volume.problem.reduction = reduction;
    const Result expected = evaluate(volume.problem, volume.inputs);
    const Result result = evaluate(batch.problem, batch.inputs);
    EXPECT_EQ(result.per_image.size(), 1u);
    expect_close(result.loss, expected.loss, 1e-14);
    expect_close(transposed(result.grad), expected.grad, 1e-13);
  }
}

TEST(OracleIdentity, ReductionsOfOneBatch) {
  Case none = small_batch();
  none.problem.reduction = Reduction::kNone;
  none.problem.loss_weight = 2.5;
  const Result images = evaluate(none.problem, none.inputs);
  ASSERT_EQ(images.loss.size(), 2u);
  EXPECT_EQ(images.loss, images.per_image);
  none.problem.reduction = Reduction::kMean;
  EXPECT_DOUBLE_EQ(loss(none.problem, none.inputs)[0], (images.loss[0] + images.loss[1]) / 2);
  none.problem.reduction = Reduction::kSum;
  double sum = 0;
  for (int b = 0; b < 2; ++b) {
    double weight = 0;
    for (int i = 0; i < 15; ++i) weight += images.cell_weights[b * 15 + i];
    sum += images.loss[b] * weight * weight;
  }
  EXPECT_NEAR(loss(none.problem, none.inputs)[0], sum, 1e-13 * sum);
}

TEST(OracleIdentity, ScaleWeightsAreNormalisedAndZeroDropsTheScale) {
  for (const ScaleMode mode : kModes) {
    SCOPED_TRACE(name_of(mode));
    Case first = small_batch(mode);
    const auto expect_same = [&first](const Case& second) {
      const Result a = evaluate(first.problem, first.inputs), b = evaluate(second.problem, second.inputs);
      EXPECT_NEAR(a.loss[0], b.loss[0], 1e-15);
      EXPECT_NEAR(a.e0, b.e0, 1e-15);
      expect_close(a.grad, b.grad, 1e-14);
    };
    Case second = first;
    second.problem.scale_weights = {1.4, 0.6};
    expect_same(second);
    first.problem.scale_weights = {};
    second.problem.scale_weights = {0, 0};
    expect_same(second);
    second.problem.scale_weights = {3, 3};
    expect_same(second);
    first.problem.scale_weights = {0, 3};
    second.problem.scales = {2};
    second.problem.scale_weights = {1};
    expect_same(second);
  }
}

/// Enough cells that a thread team is used.
TEST(OracleIdentity, AnyNumberOfThreadsGivesTheSameBits) {
  const Case large = random_case(make_problem(1, 4, {1, 20, 19}, {1, 40, 38}), 8);
  const int default_threads = omp_get_max_threads();
  const Result expected = evaluate(large.problem, large.inputs);
  for (const int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    const Result result = evaluate(large.problem, large.inputs);
    EXPECT_EQ(result.loss, expected.loss);
    EXPECT_EQ(result.grad, expected.grad);
  }
  omp_set_num_threads(default_threads);
}

// ---- label distribution and affinity rows ----

/// t^k of one cell by the rules as they are written: every label pixel whose cell lies in the same aligned block.
std::vector<double> plain_distribution(const Case& source, std::int64_t b, std::int64_t cell, int edge) {
  const Problem& problem = source.problem;
  const auto owner = [](std::int64_t label_row, std::int64_t cells, std::int64_t label_rows) {
    std::int64_t y = 0;
    while ((y + 1) * label_rows / cells <= label_row) ++y;
    return y;
  };
  const std::int64_t block_z = cell / (problem.height * problem.width) / edge;
  const std::int64_t block_y = cell / problem.width % problem.height / edge;
  const std::int64_t block_x = cell % problem.width / edge;
  std::vector<double> t(problem.classes);
  double total = 0;
  for (std::int64_t z = 0; z < problem.label_depth; ++z) {
    for (std::int64_t y = 0; y < problem.label_height; ++y) {
      for (std::int64_t x = 0; x < problem.label_width; ++x) {
        if (owner(z, problem.depth, problem.label_depth) / edge != block_z ||
            owner(y, problem.height, problem.label_height) / edge != block_y ||
            owner(x, problem.width, problem.label_width) / edge != block_x) {
          continue;
        }
        const std::int64_t row = (b * problem.label_depth + z) * problem.label_height + y;
        const std::int64_t label = source.inputs.labels[row * problem.label_width + x];
        if (label == problem.ignore_index) continue;
        t[label] += 1;
        total += 1;
      }
    }
  }
  for (double& value : t) value /= std::max(total, 1.0);
  return t;
}

Case volume_case() {
  Problem problem = make_problem(2, 3, {2, 3, 5}, {4, 7, 13});
  problem.scales = {2, 1, 3};
  problem.scale_weights = {1, 2, 5};
  return random_case(problem, 9);
}

TEST(OracleLabels, DistributionCountsTheBlocksPixels) {
  const Case volume = volume_case();
  for (int k = 0; k < 3; ++k) {
    const std::vector<double> t = label_distribution(volume.problem, volume.inputs, k);
    ASSERT_EQ(t.size(), 2u * 30 * 3);
    for (std::int64_t row = 0; row < 60; ++row) {
      const std::vector<double> expected = plain_distribution(volume, row / 30, row % 30, volume.problem.scales[k]);
      for (std::int64_t c = 0; c < 3; ++c) EXPECT_DOUBLE_EQ(t[row * 3 + c], expected[c]) << k << " " << row << " " << c;
    }
  }
}

TEST(OracleLabels, EveryLabelPixelHasOneCellAtAnyRatio) {
  for (const std::int64_t label_rows : {97, 98, 100, 193, 194, 769}) {
    Case uneven = {make_problem(1, 2, {1, 97, 1}, {1, label_rows, 1}), {}};
    uneven.inputs.logits.assign(2 * 97, 0);
    uneven.inputs.labels.assign(label_rows, 1);
    for (std::int64_t y = 0; y < 97; ++y) uneven.inputs.labels[y * label_rows / 97] = 0;  // first row of each cell
    const std::vector<double> t = label_distribution(uneven.problem, uneven.inputs, 0);
    for (std::int64_t y = 0; y < 97; ++y) {
      const std::int64_t rows = (y + 1) * label_rows / 97 - y * label_rows / 97;
      EXPECT_DOUBLE_EQ(t[2 * y], 1.0 / static_cast<double>(rows)) << "cell " << y << " of " << label_rows << " rows";
    }
  }
}

TEST(OracleLabels, AffinityRowIsTheBlendWhateverTheMode) {
  Case volume = volume_case();
  const double omega[] = {1 / 8.0, 2 / 8.0, 5 / 8.0};
  for (const ScaleMode mode : kModes) {
    volume.problem.scale_mode = mode;
    for (const std::int64_t cell : {1, 17, 28}) {
      const std::vector<double> row = label_affinity_row(volume.problem, volume.inputs, 1, cell);
      ASSERT_EQ(row.size(), 30u);
      for (std::int64_t j = 1; j < 29; ++j) {
        double expected = 0;
        for (int k = 0; k < 3; ++k) {
          const auto t_i = plain_distribution(volume, 1, cell, volume.problem.scales[k]);
          const auto t_j = plain_distribution(volume, 1, j, volume.problem.scales[k]);
          for (int c = 0; c < 3; ++c) expected += omega[k] * std::sqrt(t_i[c] * t_j[c]);
        }
        EXPECT_NEAR(row[j], expected, 1e-15);
      }
      EXPECT_EQ(row[0], 0.0);   // no valid label
      EXPECT_EQ(row[29], 0.0);  // pixel weight 0
    }
  }
  expect_all_zero(label_affinity_row(volume.problem, volume.inputs, 1, 0));
  expect_all_zero(label_affinity_row(volume.problem, volume.inputs, 0, 29));
}

TEST(OracleOutput, AffinityRowIsTheBhattacharyyaCoefficient) {
  const Case volume = volume_case();
  const std::vector<double> row = output_affinity_row(volume.problem, volume.inputs, 1, 17);
  ASSERT_EQ(row.size(), 30u);
  const std::vector<double> p_i = softmax_of_cell(volume, 1, 17);
  for (std::int64_t j = 1; j < 29; ++j) {
    const std::vector<double> p_j = softmax_of_cell(volume, 1, j);
    double expected = 0;
    for (int c = 0; c < 3; ++c) expected += std::sqrt(p_i[c] * p_j[c]);
    EXPECT_NEAR(row[j], expected, 1e-15);
  }
  EXPECT_NEAR(row[17], 1.0, 1e-15);
  EXPECT_EQ(row[0], 0.0);
  EXPECT_EQ(row[29], 0.0);
  expect_all_zero(output_affinity_row(volume.problem, volume.inputs, 0, 29));
}

TEST(OracleOutput, CellWeightsAreMaskTimesPixelWeight) {
  Case volume = volume_case();
  const Result result = evaluate(volume.problem, volume.inputs);
  for (std::int64_t i = 0; i < 60; ++i) {
    EXPECT_EQ(result.cell_weights[i], i % 30 == 0 ? 0.0 : volume.inputs.pixel_weights[i]);
  }
  volume.inputs.pixel_weights.clear();
  EXPECT_EQ(evaluate(volume.problem, volume.inputs).cell_weights[29], 1.0);
}

}  // namespace
}  // namespace oracle

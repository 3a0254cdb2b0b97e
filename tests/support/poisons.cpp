#include "support/poisons.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ostream>

#include "support/random.h"
#include "support/tolerance.h"

namespace support {

using oracle::Penalty;
using oracle::Reduction;
using oracle::ScaleMode;
using oracle::Span;

void PrintTo(const Poison& poison, std::ostream* out) { *out << poison.name; }

std::vector<PoisonKind> poison_kinds() {
  std::vector<PoisonKind> kinds;
  for (const Penalty penalty : oracle::kPenalties)
    for (const ScaleMode mode : {ScaleMode::kBlend, ScaleMode::kSeparate, ScaleMode::kPyramid})
      for (const bool is_hard : {false, true})
        for (const Reduction reduction : {Reduction::kMean, Reduction::kSum, Reduction::kNone})
          for (const Span span : {Span::kImage, Span::kBatch})
            if (span == Span::kImage || reduction != Reduction::kNone)
              kinds.push_back({penalty, mode, span, reduction, static_cast<arloss_dtype_t>(kinds.size() % 3), is_hard});
  return kinds;
}

CaseSpec poison_spec(const PoisonKind& kind, std::uint64_t seed) {
  CaseSpec spec = plain_spec(3, kPoisonClasses, 6, 7);
  if (!kind.is_hard) {
    set_label_grid(spec, 12, 15);
    spec.problem.scales = {1, 3};
  }
  spec.problem.penalty = kind.penalty;
  spec.problem.scale_mode = kind.mode;
  spec.problem.span = kind.span;
  spec.problem.reduction = kind.reduction;
  spec.logits_dtype = kind.dtype;
  spec.layout = seed % 2 == 0 ? ARLOSS_LAYOUT_NCHW : ARLOSS_LAYOUT_NHWC;
  spec.label_map = LabelMap::kNoise;
  spec.weights = Weights::kModerate;
  spec.num_threads = 1 + static_cast<int>(seed % 2);
  spec.seed = seed;
  return spec;
}

std::size_t value_index(std::int64_t b, std::int64_t c, std::int64_t cell) {
  return static_cast<std::size_t>((b * kPoisonClasses + c) * kPoisonCells + cell);
}

std::vector<std::int64_t> cells_of_image(const oracle::Result& result, std::int64_t image, bool is_live) {
  std::vector<std::int64_t> cells;
  for (std::int64_t i = 0; i < kPoisonCells; ++i)
    if ((result.cell_weights[static_cast<std::size_t>(image * kPoisonCells + i)] > 0) == is_live) cells.push_back(i);
  return cells;
}

void plant(oracle::Inputs& inputs, const Poison& poison, std::int64_t image, std::int64_t cell, std::int64_t c) {
  for (std::int64_t d = 0; d < kPoisonClasses; ++d)
    if (poison.fills_cell || d == c) inputs.logits[value_index(image, d, cell)] = poison.value;
}

void plant_in_dead_cells(oracle::Inputs& inputs, const Poison& poison, const CaseSpec& spec) {
  const oracle::Result result = oracle::evaluate(spec.problem, inputs);
  for (std::int64_t b = 0; b < spec.problem.batch; ++b)
    for (const std::int64_t cell : cells_of_image(result, b, false))
      plant(inputs, poison, b, cell, static_cast<std::int64_t>(spec.seed) % kPoisonClasses);
}

std::vector<std::size_t> mask_classes(oracle::Inputs& inputs, const CaseSpec& spec) {
  Random random(spec.seed);
  std::vector<std::size_t> masked;
  for (std::int64_t b = 0; b < spec.problem.batch; ++b)
    for (std::int64_t i = 0; i < kPoisonCells; ++i)
      for (std::int64_t c = 0; c < kPoisonClasses; ++c)
        if (c != i % kPoisonClasses && random.chance(0.3)) masked.push_back(value_index(b, c, i));
  for (const std::size_t position : masked) inputs.logits[position] = -kInfinity;
  return masked;
}

void expect_poisoned(const Case& clean, const Outcome& outcome) {
  const oracle::Problem& p = clean.spec.problem;
  const bool is_joint = p.span == Span::kBatch;
  for (std::size_t b = 0; b < outcome.loss.size(); ++b) {
    const bool is_bad = p.reduction != Reduction::kNone || b == 1;
    ASSERT_EQ(std::isnan(outcome.loss[b]), is_bad) << "loss[" << b << "] is " << outcome.loss[b];
    if (!is_bad) {
      EXPECT_NEAR(outcome.loss[b], clean.expected.loss[b], loss_bounds(clean)[b]);
    }
  }
  std::vector<double> finite, exact;
  for (std::int64_t b = 0; b < p.batch; ++b)
    for (std::int64_t i = 0; i < kPoisonCells; ++i)
      for (std::int64_t c = 0; c < kPoisonClasses; ++c) {
        const double value = outcome.gradient[value_index(b, c, i)];
        const bool is_live = clean.expected.cell_weights[static_cast<std::size_t>(b * kPoisonCells + i)] > 0;
        ASSERT_EQ(std::isnan(value), is_live && (is_joint || b == 1))
            << "image " << b << " cell " << i << " class " << c;
        if (!is_live) {
          ASSERT_EQ(value, 0) << "image " << b << " cell " << i << " class " << c;
        }
        if (is_joint || b == 1) continue;
        finite.push_back(value);
        exact.push_back(clean.expected.grad[value_index(b, c, i)]);
      }
  EXPECT_LE(distance(finite, exact), gradient_bound(clean)) << "gradient of the other images";
}

}  // namespace support

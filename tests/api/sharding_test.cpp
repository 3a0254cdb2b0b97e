/// The additive state: shards of a batch, or of the rows of its images, sum the heads of their states and get the loss
/// and the gradient of the whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <vector>

#include "support/shards.h"
#include "support/sweep.h"
#include "support/tolerance.h"

namespace support {
namespace {

using oracle::Reduction;
using oracle::Span;

/// A rank: its own plan and buffers.
struct Rank {
  Rank(const CaseSpec& whole, const Shard& held, const oracle::Inputs& inputs)
      : shard(held),
        batch(pack(shard.spec, inputs_of(whole, shard, inputs))),
        plan(batch.problem, make_options(ARLOSS_ALGORITHM_FACTORED, 2)),
        buffers(plan, batch) {}

  double* head() { return reinterpret_cast<double*>(buffers.state.data()); }

  Shard shard;
  Batch batch;
  Plan plan;
  Buffers buffers;
};

/// What an all-reduce does: every rank's head becomes the sum.
void sum_heads(std::deque<Rank>& ranks) {
  const std::size_t count = ranks.front().plan.sum_count();
  std::vector<double> sum(count);
  for (Rank& rank : ranks) {
    ASSERT_EQ(rank.plan.sum_count(), count);
    for (std::size_t i = 0; i < count; ++i) sum[i] += rank.head()[i];
  }
  for (Rank& rank : ranks) std::memcpy(rank.head(), sum.data(), count * sizeof(double));
}

/// accumulate on each, sum, finish and backward on each: every rank has the whole loss and its part of the gradient.
void expect_whole(const Case& whole, const std::vector<Shard>& shards) {
  SCOPED_TRACE(describe(whole.spec));
  std::deque<Rank> ranks;
  for (const Shard& shard : shards) {
    ranks.emplace_back(whole.spec, shard, whole.inputs);
    ASSERT_EQ(ranks.back().plan.status(), ARLOSS_STATUS_SUCCESS) << ranks.back().plan.message();
    ASSERT_GE(ranks.back().buffers.state.bytes(), ranks.back().plan.sum_count() * sizeof(double));
    ASSERT_EQ(accumulate(ranks.back().plan, ranks.back().buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
  }
  sum_heads(ranks);
  double error_square = 0;
  for (Rank& rank : ranks) {
    ASSERT_EQ(finish(rank.plan, rank.buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    rank.buffers.workspace.fill(0x5a);
    ASSERT_EQ(backward(rank.plan, rank.buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    rank.buffers.expect_guards_intact();
    const Outcome outcome = read_outcome(rank.shard.spec, rank.buffers);
    ASSERT_EQ(outcome.loss.size(), whole.expected.loss.size());
    for (std::size_t b = 0; b < outcome.loss.size(); ++b)
      EXPECT_NEAR(outcome.loss[b], whole.expected.loss[b], loss_bounds(whole)[b]);
    const double error = distance(outcome.gradient, logits_of(whole.spec, rank.shard, whole.expected.grad));
    error_square += error * error;
  }
  EXPECT_LE(std::sqrt(error_square), gradient_bound(whole));
}

TEST(Sharding, ImagesOfABatchOverSpanBatch) {
  for (CaseSpec spec : factorable_kinds(3))
    for (const Reduction reduction : {Reduction::kMean, Reduction::kSum}) {
      spec.problem.span = Span::kBatch;
      spec.problem.reduction = reduction;
      spec.has_grad_loss = true;
      expect_whole(build_case(spec), {make_shard(spec, 0, 1, 0, 16), make_shard(spec, 1, 2, 0, 16)});
    }
}

/// Rows of the same images, cut where blocks of 4 end.
TEST(Sharding, RowsOfImagesOverSpanImage) {
  for (CaseSpec spec : factorable_kinds(2))
    for (const Reduction reduction : {Reduction::kMean, Reduction::kSum, Reduction::kNone}) {
      spec.problem.reduction = reduction;
      spec.has_grad_loss = true;
      expect_whole(build_case(spec),
                   {make_shard(spec, 0, 2, 0, 8), make_shard(spec, 0, 2, 8, 4), make_shard(spec, 0, 2, 12, 4)});
    }
}

TEST(Sharding, RowsAndImagesOverSpanBatch) {
  for (CaseSpec spec : factorable_kinds(2)) {
    spec.problem.span = Span::kBatch;
    expect_whole(build_case(spec),
                 {make_shard(spec, 0, 1, 0, 16), make_shard(spec, 1, 1, 0, 4), make_shard(spec, 1, 1, 4, 12)});
  }
}

/// A rank without one valid label takes part with nothing.
TEST(Sharding, AnEmptyShard) {
  for (const CaseSpec& spec : factorable_kinds(1)) {
    oracle::Inputs inputs = draw_inputs(spec);
    std::fill_n(inputs.labels.begin(), static_cast<std::ptrdiff_t>(inputs.labels.size() / 2), 255);
    expect_whole(build_case(spec, inputs), {make_shard(spec, 0, 1, 0, 8), make_shard(spec, 0, 1, 8, 8)});
  }
}

/// One live cell in all the shards together is still exactly a match.
TEST(Sharding, OneLiveCellOverall) {
  CaseSpec spec = plain_spec(1, 6, 16, 11);
  oracle::Inputs inputs = draw_inputs(spec);
  std::fill(inputs.labels.begin(), inputs.labels.end(), 255);
  inputs.labels[130] = 2;
  expect_whole(build_case(spec, inputs), {make_shard(spec, 0, 1, 0, 8), make_shard(spec, 0, 1, 8, 8)});
}

/// One rank's NaN is every rank's.
TEST(Sharding, NaNReachesEveryRank) {
  for (CaseSpec spec : factorable_kinds(2)) {
    SCOPED_TRACE(describe(spec));
    spec.problem.span = Span::kBatch;
    spec.weights = Weights::kNone;
    oracle::Inputs inputs = draw_inputs(spec);
    std::replace(inputs.labels.begin(), inputs.labels.end(), std::int64_t{255}, std::int64_t{1});
    inputs.logits[5] = std::nan("");
    std::deque<Rank> ranks;
    for (const Shard& shard : {make_shard(spec, 0, 1, 0, 16), make_shard(spec, 1, 1, 0, 16)}) {
      ranks.emplace_back(spec, shard, inputs);
      ASSERT_EQ(accumulate(ranks.back().plan, ranks.back().buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    }
    sum_heads(ranks);
    for (Rank& rank : ranks) {
      ASSERT_EQ(finish(rank.plan, rank.buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      ASSERT_EQ(backward(rank.plan, rank.buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      const Outcome outcome = read_outcome(rank.shard.spec, rank.buffers);
      EXPECT_TRUE(std::isnan(outcome.loss[0])) << outcome.loss[0];
      for (const double value : outcome.gradient) ASSERT_TRUE(std::isnan(value));
    }
  }
}

/// A single rank: accumulate and finish are forward.
TEST(Sharding, OneRankIsForward) {
  for (const CaseSpec& spec : factorable_kinds(2)) {
    const Batch batch = pack(spec, draw_inputs(spec));
    const Plan plan(batch.problem, make_options(ARLOSS_ALGORITHM_FACTORED, 1));
    const Outcome expected = run_forward_backward(plan, spec, batch);
    Buffers buffers(plan, batch);
    ASSERT_EQ(accumulate(plan, buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    ASSERT_EQ(finish(plan, buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    ASSERT_EQ(backward(plan, buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    EXPECT_TRUE(read_outcome(spec, buffers) == expected) << describe(spec);
    buffers.expect_guards_intact();
  }
}

/// accumulate overwrites: what the state held before is gone.
TEST(Sharding, AccumulateOverwrites) {
  for (const CaseSpec& spec : factorable_kinds(1)) {
    const Batch batch = pack(spec, draw_inputs(spec));
    const Plan plan(batch.problem, make_options(ARLOSS_ALGORITHM_FACTORED, 1));
    Buffers once(plan, batch), twice(plan, batch);
    ASSERT_EQ(accumulate(plan, once), ARLOSS_STATUS_SUCCESS);
    ASSERT_EQ(accumulate(plan, twice), ARLOSS_STATUS_SUCCESS);
    ASSERT_EQ(accumulate(plan, twice), ARLOSS_STATUS_SUCCESS);
    const std::size_t bytes = plan.sum_count() * sizeof(double);
    EXPECT_EQ(std::memcmp(once.state.data(), twice.state.data(), bytes), 0);
  }
}

}  // namespace
}  // namespace support

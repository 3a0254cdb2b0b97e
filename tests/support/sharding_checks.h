#ifndef ARLOSS_TESTS_SHARDING_CHECKS_H
#define ARLOSS_TESTS_SHARDING_CHECKS_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "support/shards.h"
#include "support/thinning.h"
#include "support/tolerance.h"

namespace support {

/// The additive state, as tests of any device: shards of a batch, or of the rows of its images, sum the heads of their
/// states and get the loss and the gradient of the whole. A Rank is made of a spec and its batch and has
///   plan
///   accumulate(), finish(), backward(): their status; a workspace serves one call
///   head(), set_head(sums): the additive sums of the state
///   outcome(): what finish and backward wrote, once it is checked that nothing else was.
template <class Rank>
class Sharding : public ::testing::Test {
 protected:
  /// A rank and what it holds of the whole.
  struct Member {
    Member(const CaseSpec& whole, const Shard& held, const oracle::Inputs& inputs)
        : shard(held), rank(shard.spec, pack(shard.spec, inputs_of(whole, shard, inputs))) {}
    Shard shard;
    Rank rank;
  };

  /// Each accumulates its shard, and every head becomes the sum, as by an all-reduce.
  static void accumulate_all(std::deque<Member>& members) {
    std::vector<double> sum(members.front().rank.plan.sum_count());
    for (Member& member : members) {
      ASSERT_EQ(member.rank.plan.sum_count(), sum.size());
      ASSERT_GE(member.rank.plan.state_bytes(), sum.size() * sizeof(double));
      ASSERT_EQ(member.rank.accumulate(), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      const std::vector<double> head = member.rank.head();
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += head[i];
    }
    for (Member& member : members) member.rank.set_head(sum);
  }

  /// Each finishes and writes its part of the gradient. `body(shard, outcome)`.
  template <class Body>
  static void run_all(const CaseSpec& whole, const oracle::Inputs& inputs, const std::vector<Shard>& shards,
                      const Body& body) {
    SCOPED_TRACE(describe(whole));
    std::deque<Member> members;
    for (const Shard& shard : shards) {
      members.emplace_back(whole, shard, inputs);
      ASSERT_EQ(members.back().rank.plan.status(), ARLOSS_STATUS_SUCCESS) << members.back().rank.plan.message();
    }
    accumulate_all(members);
    for (Member& member : members) {
      ASSERT_EQ(member.rank.finish(), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      ASSERT_EQ(member.rank.backward(), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      body(member.shard, member.rank.outcome());
    }
  }

  /// Every rank has the whole loss and its part of the gradient.
  static void expect_whole(const Case& whole, const std::vector<Shard>& shards) {
    double error_square = 0;
    run_all(whole.spec, whole.inputs, shards, [&](const Shard& shard, const Outcome& outcome) {
      ASSERT_EQ(outcome.loss.size(), whole.expected.loss.size());
      for (std::size_t b = 0; b < outcome.loss.size(); ++b)
        EXPECT_NEAR(outcome.loss[b], whole.expected.loss[b], loss_bounds(whole)[b]);
      const double error = distance(outcome.gradient, logits_of(whole.spec, shard, whole.expected.grad));
      error_square += error * error;
    });
    EXPECT_LE(std::sqrt(error_square), gradient_bound(whole)) << describe(whole.spec);
  }

  /// factorable_kinds, each with every reduction.
  static std::vector<CaseSpec> kinds(std::int64_t batch, oracle::Span span,
                                     const std::vector<oracle::Reduction>& reductions) {
    std::vector<CaseSpec> list;
    for (CaseSpec spec : factorable_kinds(batch))
      for (const oracle::Reduction reduction : reductions) {
        spec.problem.span = span;
        spec.problem.reduction = reduction;
        list.push_back(spec);
      }
    return thinned(list, 7);
  }
};

TYPED_TEST_SUITE_P(Sharding);

TYPED_TEST_P(Sharding, ImagesOfABatchOverSpanBatch) {
  for (CaseSpec spec : this->kinds(3, oracle::Span::kBatch, {oracle::Reduction::kMean, oracle::Reduction::kSum})) {
    spec.has_grad_loss = true;
    this->expect_whole(build_case(spec), {make_shard(spec, 0, 1, 0, 16), make_shard(spec, 1, 2, 0, 16)});
  }
}

/// Rows of the same images, cut where blocks of 4 end.
TYPED_TEST_P(Sharding, RowsOfImagesOverSpanImage) {
  for (CaseSpec spec : this->kinds(2, oracle::Span::kImage,
                                   {oracle::Reduction::kMean, oracle::Reduction::kSum, oracle::Reduction::kNone})) {
    spec.has_grad_loss = true;
    this->expect_whole(build_case(spec),
                       {make_shard(spec, 0, 2, 0, 8), make_shard(spec, 0, 2, 8, 4), make_shard(spec, 0, 2, 12, 4)});
  }
}

TYPED_TEST_P(Sharding, RowsAndImagesOverSpanBatch) {
  for (const CaseSpec& spec : this->kinds(2, oracle::Span::kBatch, {oracle::Reduction::kMean}))
    this->expect_whole(build_case(spec),
                       {make_shard(spec, 0, 1, 0, 16), make_shard(spec, 1, 1, 0, 4), make_shard(spec, 1, 1, 4, 12)});
}

/// A rank without one valid label takes part with nothing.
TYPED_TEST_P(Sharding, AnEmptyShard) {
  for (const CaseSpec& spec : this->kinds(1, oracle::Span::kImage, {oracle::Reduction::kMean})) {
    oracle::Inputs inputs = draw_inputs(spec);
    std::fill_n(inputs.labels.begin(), static_cast<std::ptrdiff_t>(inputs.labels.size() / 2), 255);
    this->expect_whole(build_case(spec, inputs), {make_shard(spec, 0, 1, 0, 8), make_shard(spec, 0, 1, 8, 8)});
  }
}

/// One live cell in all the shards together is still exactly a match.
TYPED_TEST_P(Sharding, OneLiveCellOverall) {
  const CaseSpec spec = plain_spec(1, 6, 16, 11);
  oracle::Inputs inputs = draw_inputs(spec);
  std::fill(inputs.labels.begin(), inputs.labels.end(), 255);
  inputs.labels[130] = 2;
  this->expect_whole(build_case(spec, inputs), {make_shard(spec, 0, 1, 0, 8), make_shard(spec, 0, 1, 8, 8)});
}

/// One rank's NaN is every rank's.
TYPED_TEST_P(Sharding, NaNReachesEveryRank) {
  for (CaseSpec spec : this->kinds(2, oracle::Span::kBatch, {oracle::Reduction::kMean})) {
    spec.weights = Weights::kNone;
    oracle::Inputs inputs = draw_inputs(spec);
    std::replace(inputs.labels.begin(), inputs.labels.end(), std::int64_t{255}, std::int64_t{1});
    inputs.logits[5] = std::nan("");
    this->run_all(spec, inputs, {make_shard(spec, 0, 1, 0, 16), make_shard(spec, 1, 1, 0, 16)},
                  [](const Shard&, const Outcome& outcome) {
                    EXPECT_TRUE(std::isnan(outcome.loss[0])) << outcome.loss[0];
                    for (const double value : outcome.gradient) ASSERT_TRUE(std::isnan(value));
                  });
  }
}

/// accumulate overwrites: what the state held before is gone.
TYPED_TEST_P(Sharding, AccumulateOverwrites) {
  for (const CaseSpec& spec : this->kinds(1, oracle::Span::kImage, {oracle::Reduction::kMean})) {
    TypeParam rank(spec, pack(spec, draw_inputs(spec)));
    ASSERT_EQ(rank.accumulate(), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    const std::vector<double> once = rank.head();
    ASSERT_EQ(rank.accumulate(), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    EXPECT_EQ(rank.head(), once) << describe(spec);
  }
}

REGISTER_TYPED_TEST_SUITE_P(Sharding, ImagesOfABatchOverSpanBatch, RowsOfImagesOverSpanImage,
                            RowsAndImagesOverSpanBatch, AnEmptyShard, OneLiveCellOverall, NaNReachesEveryRank,
                            AccumulateOverwrites);

}  // namespace support

#endif

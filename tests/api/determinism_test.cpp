/// The same bits: for every thread count, run after run, whatever was in the buffers before, and from many threads at
/// once.
#include <gtest/gtest.h>

#include <thread>
#include <utility>
#include <vector>

#include "support/case_lists.h"
#include "support/simd_targets.h"
#include "support/sweep.h"
#include "support/thinning.h"

namespace support {
namespace {

constexpr std::int64_t kHeight = 25;  // more than one part per thread on every route

/// Every kind of problem on two images of `height` x 31 cells.
std::vector<CaseSpec> determinism_list(std::int64_t height) {
  std::vector<std::pair<oracle::Penalty, double>> penalties;
  for (const oracle::Penalty penalty : oracle::kPenalties) penalties.emplace_back(penalty, 0);
  std::vector<CaseSpec> list = problem_kinds(penalties, height);
  vary_by_place(list);
  return list;
}

/// Images large enough that a linear form, too, cuts each into many parts.
std::vector<CaseSpec> large_list() {
  std::vector<CaseSpec> list;
  for (const oracle::ScaleMode mode :
       {oracle::ScaleMode::kBlend, oracle::ScaleMode::kSeparate, oracle::ScaleMode::kPyramid})
    for (const oracle::Span span : {oracle::Span::kImage, oracle::Span::kBatch}) {
      CaseSpec spec = plain_spec(2, 5, 97, 113);
      set_label_grid(spec, 200, 226);
      spec.problem.scales = {1, 2, 4};
      spec.problem.scale_mode = mode;
      spec.problem.span = span;
      spec.weights = Weights::kModerate;
      spec.seed = list.size();
      spec.layout = list.size() % 2 == 0 ? ARLOSS_LAYOUT_NCHW : ARLOSS_LAYOUT_NHWC;
      list.push_back(spec);
    }
  CaseSpec absolute = plain_spec(2, 5, 97, 113);
  absolute.problem.penalty = oracle::Penalty::kAbsolute;
  list.push_back(absolute);
  return list;
}

/// The sums a linear form keeps at the head of its state: float64, where another order of additions shows first.
std::vector<unsigned char> head_of(const Plan& plan, const Batch& batch) {
  Buffers buffers(plan, batch);
  EXPECT_EQ(accumulate(plan, buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
  const unsigned char* const head = buffers.state.data();
  return {head, head + plan.sum_count() * sizeof(double)};
}

void expect_same_bits_for_all_thread_counts(const CaseSpec& spec, arloss_algorithm_t algorithm) {
  SCOPED_TRACE(describe(spec) + ", " + name_of(algorithm));
  const bool has_head = algorithm == ARLOSS_ALGORITHM_FACTORED;
  const Batch batch = pack(spec, draw_inputs(spec));
  const Plan single(batch.problem, make_options(algorithm, 1));
  const Outcome expected = run_forward_backward(single, spec, batch);
  EXPECT_TRUE(run_forward_backward(single, spec, batch) == expected) << "again";
  for (const int threads : {2, 3, 7, 0}) {
    const Plan plan(batch.problem, make_options(algorithm, threads));
    EXPECT_TRUE(run_forward_backward(plan, spec, batch) == expected) << threads << " threads";
    if (has_head) {
      EXPECT_TRUE(head_of(plan, batch) == head_of(single, batch)) << threads << " threads";
    }
  }
  const Plan plan(batch.problem, make_options(algorithm, 3));
  EXPECT_TRUE(run_forward_then_backward(plan, spec, batch) == expected) << "3 threads, in two calls";
}

TEST(Determinism, ThreadCountsGiveTheSameBits) {
  std::size_t index = 0;
  for (const CaseSpec& spec : thinned(determinism_list(kHeight), 5)) {
    // The targets in turn: how work is shared out does not depend on them.
    const ScopedSimdTarget scope(simd_targets()[index++ % simd_targets().size()]);
    for (const arloss_algorithm_t algorithm : algorithms_of(spec))
      expect_same_bits_for_all_thread_counts(spec, algorithm);
  }
}

TEST(Determinism, ThreadCountsGiveTheSameBitsOnLargeImages) {
  for (const CaseSpec& spec : large_list()) expect_same_bits_for_all_thread_counts(spec, ARLOSS_ALGORITHM_FACTORED);
}

/// What lay in state and workspace before, and where they lie, does not matter.
TEST(Determinism, BuffersAreNotReadBeforeTheyAreWritten) {
  std::size_t index = 0;
  for (const CaseSpec& spec : thinned(determinism_list(11), 5)) {
    Batch batch = pack(spec, draw_inputs(spec));
    for_each_plan(
        spec, batch.problem,
        [&](const Plan& plan) {
          batch.is_element_aligned = true;
          const Outcome expected = run_forward_backward(plan, spec, batch);
          for (const int fill : {0x00, 0x40, 0xff}) {
            batch.is_element_aligned = !batch.is_element_aligned;
            Buffers buffers(plan, batch);
            for (GuardedBuffer* buffer : {&buffers.state, &buffers.workspace, &buffers.loss, &buffers.grad_logits})
              buffer->fill(static_cast<unsigned char>(fill));
            ASSERT_EQ(forward_backward(plan, buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
            EXPECT_TRUE(read_outcome(spec, buffers) == expected) << "fill " << fill;
          }
        },
        index++);
  }
}

/// A workspace serves call after call, and one state several backward calls.
TEST(Determinism, BuffersServeAgain) {
  for (const CaseSpec& spec : thinned(determinism_list(kHeight), 5)) {
    SCOPED_TRACE(describe(spec));
    const Batch batch = pack(spec, draw_inputs(spec));
    for (const arloss_algorithm_t algorithm : algorithms_of(spec)) {
      const Plan plan(batch.problem, make_options(algorithm, 2));
      const Outcome expected = run_forward_backward(plan, spec, batch);
      Buffers buffers(plan, batch);
      ASSERT_EQ(forward_backward(plan, buffers), ARLOSS_STATUS_SUCCESS);
      for (int repeat = 0; repeat < 2; ++repeat) {
        buffers.grad_logits.fill(0xff);
        ASSERT_EQ(backward(plan, buffers), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
        EXPECT_TRUE(read_outcome(spec, buffers) == expected);
        ASSERT_EQ(forward_backward(plan, buffers), ARLOSS_STATUS_SUCCESS);
        EXPECT_TRUE(read_outcome(spec, buffers) == expected);
      }
    }
  }
}

/// One plan, four threads, buffers of their own.
TEST(Determinism, ThreadsShareAPlan) {
  constexpr std::size_t kThreads = 4;
  for (const CaseSpec& spec : thinned(determinism_list(kHeight), 7)) {
    SCOPED_TRACE(describe(spec));
    const Batch batch = pack(spec, draw_inputs(spec));
    for (const arloss_algorithm_t algorithm : algorithms_of(spec)) {
      const Plan plan(batch.problem, make_options(algorithm, 2));
      const Outcome expected = run_forward_backward(plan, spec, batch);
      std::vector<Outcome> outcomes(kThreads);
      std::vector<std::thread> threads;
      for (std::size_t t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] { outcomes[t] = run_forward_then_backward(plan, spec, batch); });
      for (std::thread& thread : threads) thread.join();
      for (const Outcome& outcome : outcomes) EXPECT_TRUE(outcome == expected);
    }
  }
}

}  // namespace
}  // namespace support

/// Memory: run calls allocate none, and a plan that cannot be made for lack of it says so and leaks nothing.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "allocation_hooks.h"
#include "support/runner.h"

namespace support {
namespace {

/// One problem per route.
std::vector<CaseSpec> route_list() {
  CaseSpec mixed = plain_spec(2, 7, 12, 13);
  set_label_grid(mixed, 30, 26);
  mixed.problem.scales = {1, 2};
  mixed.weights = Weights::kModerate;
  CaseSpec pyramid = mixed;
  pyramid.problem.scale_mode = oracle::ScaleMode::kPyramid;
  CaseSpec cross_entropy = mixed;
  cross_entropy.problem.penalty = oracle::Penalty::kCrossEntropy;
  CaseSpec hard = plain_spec(2, 7, 12, 13);
  CaseSpec absolute = hard;
  absolute.problem.penalty = oracle::Penalty::kAbsolute;
  CaseSpec wide = plain_spec(1, 300, 12, 13);
  wide.labels_dtype = ARLOSS_DTYPE_INT64;
  wide.logits_dtype = ARLOSS_DTYPE_BFLOAT16;
  wide.layout = ARLOSS_LAYOUT_NHWC;
  return {mixed, pyramid, cross_entropy, hard, absolute, wide};
}

/// Allocations of the process while `call` runs; a call refused for bad labels counts as well as one that succeeds.
template <class Call>
std::int64_t allocations_of(Call call, arloss_status_t expected) {
  const std::int64_t before = allocations::count();
  const arloss_status_t status = call();
  const std::int64_t after = allocations::count();
  EXPECT_EQ(status, expected) << arloss_last_message();
  return after - before;
}

void expect_no_allocations(const Plan& plan, const CaseSpec& spec, const Batch& batch, const Batch& bad_batch) {
  Buffers buffers(plan, batch), bad_buffers(plan, bad_batch);
  const arloss_tensors_t io = buffers.io();
  std::vector<float> out(static_cast<std::size_t>(spec.problem.batch * spec.cells() * spec.problem.classes));
  const std::int64_t image = 0, cell = 5;
  arloss_report_t report{};
  report.struct_size = sizeof report;
  void* const workspace = buffers.workspace.data();
  const std::size_t bytes = buffers.workspace.bytes();
  constexpr arloss_status_t kGood = ARLOSS_STATUS_SUCCESS, kBad = ARLOSS_STATUS_INVALID_LABEL;

  EXPECT_EQ(allocations_of([&] { return forward(plan, buffers); }, kGood), 0);
  EXPECT_EQ(allocations_of([&] { return backward(plan, buffers); }, kGood), 0);
  EXPECT_EQ(allocations_of([&] { return forward_backward(plan, buffers); }, kGood), 0);
  EXPECT_EQ(allocations_of([&] { return forward_backward(plan, bad_buffers); }, kBad), 0);
  if (plan.route() != "pairwise") {
    EXPECT_EQ(allocations_of([&] { return accumulate(plan, buffers); }, kGood), 0);
    EXPECT_EQ(allocations_of([&] { return finish(plan, buffers); }, kGood), 0);
  }
  EXPECT_EQ(allocations_of(
                [&] {
                  return arloss_affinity_rows(plan.get(), &io, ARLOSS_AFFINITY_RESIDUAL, &image, &cell, 1, out.data(),
                                              workspace, bytes, nullptr);
                },
                kGood),
            0);
  EXPECT_EQ(
      allocations_of(
          [&] { return arloss_label_distribution(plan.get(), &io, 0, out.data(), workspace, bytes, nullptr); }, kGood),
      0);
  EXPECT_EQ(allocations_of([&] { return arloss_check(plan.get(), &io, &report, workspace, bytes, nullptr); }, kGood),
            0);
}

void expect_no_allocations(int num_threads) {
  for (const CaseSpec& spec : route_list())
    for (const arloss_algorithm_t algorithm : algorithms_of(spec)) {
      SCOPED_TRACE(describe(spec) + ", " + name_of(algorithm));
      const oracle::Inputs inputs = draw_inputs(spec);
      oracle::Inputs bad_inputs = inputs;
      bad_inputs.labels.back() = 254 + (spec.problem.classes > 254 ? 100 : 0);
      const Batch batch = pack(spec, inputs), bad_batch = pack(spec, bad_inputs);
      const Plan plan(batch.problem, make_options(algorithm, num_threads));
      ASSERT_EQ(plan.status(), ARLOSS_STATUS_SUCCESS) << plan.message();
      // The OpenMP runtime makes a team of threads once per calling thread and size.
      if (num_threads > 1) run_forward_then_backward(plan, spec, batch);
      expect_no_allocations(plan, spec, batch, bad_batch);
    }
}

TEST(Allocations, AreCounted) {
  const std::int64_t before = allocations::count();
  void* volatile block = ::operator new(100);  // called by name: a new-expression may be optimised away
  EXPECT_EQ(allocations::count(), before + 1);
  ::operator delete(block);
  if (!allocations::counts_malloc()) return;
  void* volatile c_block = std::malloc(100);
  EXPECT_EQ(allocations::count(), before + 2);
  std::free(c_block);
}

TEST(Allocations, NoneInRunCallsOnOneThread) { expect_no_allocations(1); }

TEST(Allocations, NoneInRunCallsOnTwoThreads) { expect_no_allocations(2); }

/// What plan creation allocates goes with the plan.
TEST(Allocations, DestroyGivesEverythingBack) {
  for (const CaseSpec& spec : route_list()) {
    const arloss_problem_t problem = api_problem(spec);
    const arloss_options_t options = make_options(ARLOSS_ALGORITHM_AUTO);
    const std::int64_t before = allocations::live_blocks();
    arloss_plan_t* plan = nullptr;
    ASSERT_EQ(arloss_plan_create(&plan, &problem, &options), ARLOSS_STATUS_SUCCESS);
    EXPECT_GT(allocations::live_blocks(), before);
    arloss_plan_destroy(plan);
    EXPECT_EQ(allocations::live_blocks(), before);
  }
}

/// Every allocation of plan creation fails once, with all after it.
TEST(OutOfMemory, PlanCreateSaysSoAndLeaksNothing) {
  constexpr std::int64_t kMost = 1000;
  for (const CaseSpec& spec : route_list()) {
    const arloss_problem_t problem = api_problem(spec);
    const arloss_options_t options = make_options(ARLOSS_ALGORITHM_AUTO);
    const std::int64_t before = allocations::live_blocks();
    arloss_status_t status = ARLOSS_STATUS_OUT_OF_MEMORY;
    std::int64_t n = 0;
    for (; n < kMost && status != ARLOSS_STATUS_SUCCESS; ++n) {
      arloss_plan_t* plan = nullptr;
      allocations::fail_new_from(n);
      status = arloss_plan_create(&plan, &problem, &options);
      allocations::fail_new_from(-1);
      if (status != ARLOSS_STATUS_SUCCESS) {
        ASSERT_EQ(status, ARLOSS_STATUS_OUT_OF_MEMORY) << "allocation " << n << ": " << arloss_last_message();
        ASSERT_EQ(plan, nullptr) << "allocation " << n;
        ASSERT_NE(std::string(arloss_last_message()).find("memory"), std::string::npos);
      }
      arloss_plan_destroy(plan);
      ASSERT_EQ(allocations::live_blocks(), before) << "allocation " << n;
    }
    EXPECT_EQ(status, ARLOSS_STATUS_SUCCESS) << "still failing after " << kMost << " allocations";
    EXPECT_GT(n, 1);
  }
}

TEST(OutOfMemory, DescribeSaysSo) {
  const CaseSpec spec = plain_spec(1, 3, 4, 4);
  const Plan plan(api_problem(spec), make_options(ARLOSS_ALGORITHM_AUTO));
  std::size_t needed = 0;
  allocations::fail_new_from(0);
  const arloss_status_t status = arloss_plan_describe(plan.get(), nullptr, 0, &needed);
  allocations::fail_new_from(-1);
  EXPECT_EQ(status, ARLOSS_STATUS_OUT_OF_MEMORY);
}

}  // namespace
}  // namespace support

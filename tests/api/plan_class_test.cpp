/// The C++ layer (arloss.hpp): it moves and ends its plan, throws what the C calls return, and computes what they do.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "arloss/arloss.hpp"
#include "support/runner.h"

namespace support {
namespace {

static_assert(!std::is_copy_constructible_v<arloss::Plan> && !std::is_copy_assignable_v<arloss::Plan>);
static_assert(std::is_nothrow_move_constructible_v<arloss::Plan> && std::is_nothrow_move_assignable_v<arloss::Plan>);
static_assert(std::is_base_of_v<std::runtime_error, arloss::Error>);

CaseSpec mixed_spec() {
  CaseSpec spec = plain_spec(2, 5, 6, 7);
  set_label_grid(spec, 13, 15);
  spec.problem.scales = {1, 2};
  spec.weights = Weights::kModerate;
  spec.has_grad_loss = true;
  return spec;
}

arloss::Buffers memory_of(Buffers& buffers) {
  return {buffers.state.data(), buffers.state.bytes(), buffers.workspace.data(), buffers.workspace.bytes()};
}

/// A problem by the C calls and by the class, on tensors of its own each.
class PlanClass : public ::testing::Test {
 protected:
  PlanClass()
      : spec_(mixed_spec()),
        batch_(pack(spec_, draw_inputs(spec_))),
        by_c_(batch_.problem, make_options(ARLOSS_ALGORITHM_AUTO)),
        plan_(batch_.problem, make_options(ARLOSS_ALGORITHM_AUTO)),
        buffers_c_(by_c_, batch_),
        buffers_(by_c_, batch_) {}

  void expect_same_outcome() {
    EXPECT_TRUE(read_outcome(spec_, buffers_) == read_outcome(spec_, buffers_c_));
    buffers_.expect_guards_intact();
  }

  CaseSpec spec_;
  Batch batch_;
  Plan by_c_;
  arloss::Plan plan_;
  Buffers buffers_c_, buffers_;
};

/// Expects `call` to throw `status` with the library's message, which names `word`.
template <class Call>
void expect_error(Call call, arloss_status_t status, const std::string& word) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown; expected " << arloss_status_name(status);
  } catch (const arloss::Error& error) {
    EXPECT_EQ(error.status(), status) << error.what();
    EXPECT_STREQ(error.what(), arloss_last_message());
    EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

TEST_F(PlanClass, DefaultsAreThoseOfTheCCalls) {
  arloss_problem_t problem;
  arloss_problem_init(&problem);
  arloss_options_t options;
  arloss_options_init(&options);
  const arloss_problem_t problem_here = arloss::problem();
  const arloss_options_t options_here = arloss::options();
  const arloss_tensors_t tensors_here = arloss::tensors();
  EXPECT_EQ(problem_here.struct_size, sizeof problem);
  EXPECT_EQ(problem_here.ignore_index, problem.ignore_index);
  EXPECT_EQ(problem_here.loss_weight, problem.loss_weight);
  EXPECT_EQ(options_here.struct_size, sizeof options);
  EXPECT_EQ(options_here.device_index, options.device_index);
  EXPECT_EQ(tensors_here.struct_size, sizeof tensors_here);
  EXPECT_EQ(tensors_here.logits, nullptr);
}

TEST_F(PlanClass, SizesAndDescription) {
  EXPECT_EQ(plan_.state_bytes(), by_c_.state_bytes());
  EXPECT_EQ(plan_.workspace_bytes(), by_c_.workspace_bytes());
  EXPECT_EQ(plan_.sum_count(), by_c_.sum_count());
  EXPECT_EQ(plan_.describe(), by_c_.description());
}

TEST_F(PlanClass, ForwardBackwardEqualsTheCCall) {
  ASSERT_EQ(forward_backward(by_c_, buffers_c_), ARLOSS_STATUS_SUCCESS);
  plan_.forward_backward(buffers_.io(), memory_of(buffers_));
  expect_same_outcome();
}

TEST_F(PlanClass, ForwardThenBackwardEqualsTheCCalls) {
  ASSERT_EQ(forward_backward(by_c_, buffers_c_), ARLOSS_STATUS_SUCCESS);
  plan_.forward(buffers_.io(), memory_of(buffers_));
  plan_.backward(buffers_.io(), memory_of(buffers_));
  expect_same_outcome();
}

TEST_F(PlanClass, ShardedRunEqualsTheCCalls) {
  ASSERT_EQ(forward_backward(by_c_, buffers_c_), ARLOSS_STATUS_SUCCESS);
  plan_.accumulate(buffers_.io(), memory_of(buffers_));
  plan_.finish(buffers_.io(), memory_of(buffers_));
  plan_.backward(buffers_.io(), memory_of(buffers_));
  expect_same_outcome();
}

TEST_F(PlanClass, InspectionEqualsTheCCalls) {
  const arloss_tensors_t io = buffers_.io();
  void* const workspace = buffers_.workspace.data();
  const std::size_t bytes = buffers_.workspace.bytes();

  const std::vector<std::int64_t> images = {0, 1}, cells = {3, 41};
  std::vector<float> rows_c(2 * 42), rows(2 * 42);
  ASSERT_EQ(arloss_affinity_rows(by_c_.get(), &io, ARLOSS_AFFINITY_RESIDUAL, images.data(), cells.data(), 2,
                                 rows_c.data(), workspace, bytes, nullptr),
            ARLOSS_STATUS_SUCCESS);
  plan_.affinity_rows(io, ARLOSS_AFFINITY_RESIDUAL, images.data(), cells.data(), 2, rows.data(), memory_of(buffers_));
  EXPECT_EQ(rows, rows_c);

  std::vector<float> shares_c(2 * 42 * 5), shares(2 * 42 * 5);
  ASSERT_EQ(arloss_label_distribution(by_c_.get(), &io, 1, shares_c.data(), workspace, bytes, nullptr),
            ARLOSS_STATUS_SUCCESS);
  plan_.label_distribution(io, 1, shares.data(), memory_of(buffers_));
  EXPECT_EQ(shares, shares_c);

  arloss_report_t report_c{};
  report_c.struct_size = sizeof report_c;
  ASSERT_EQ(arloss_check(by_c_.get(), &io, &report_c, workspace, bytes, nullptr), ARLOSS_STATUS_SUCCESS);
  const arloss_report_t report = plan_.check(io, memory_of(buffers_));
  EXPECT_EQ(std::memcmp(&report, &report_c, sizeof report), 0);
}

TEST_F(PlanClass, MovesItsPlan) {
  ASSERT_EQ(forward_backward(by_c_, buffers_c_), ARLOSS_STATUS_SUCCESS);
  const arloss_plan_t* const handle = plan_.get();
  arloss::Plan moved(std::move(plan_));
  EXPECT_EQ(moved.get(), handle);
  EXPECT_EQ(plan_.get(), nullptr);

  arloss_problem_t other = arloss::problem();
  other.classes = other.height = other.width = 2;
  arloss::Plan target(other);
  target = std::move(moved);
  EXPECT_EQ(target.get(), handle);
  target.forward_backward(buffers_.io(), memory_of(buffers_));
  expect_same_outcome();

  plan_ = std::move(target);
  EXPECT_EQ(plan_.get(), handle);
}

TEST_F(PlanClass, MovedFromPlanThrows) {
  const arloss::Plan moved(std::move(plan_));
  for (const auto call : {&arloss::Plan::forward, &arloss::Plan::backward, &arloss::Plan::finish})
    expect_error([&] { (plan_.*call)(buffers_.io(), memory_of(buffers_)); }, ARLOSS_STATUS_INVALID_ARGUMENT, "plan");
  expect_error([&] { static_cast<void>(plan_.state_bytes()); }, ARLOSS_STATUS_INVALID_ARGUMENT, "plan");
  expect_error([&] { static_cast<void>(plan_.describe()); }, ARLOSS_STATUS_INVALID_ARGUMENT, "plan");
  buffers_.expect_outputs_untouched();
}

TEST_F(PlanClass, RefusedProblemsThrow) {
  arloss_problem_t problem = batch_.problem;
  problem.classes = 0;
  expect_error([&] { arloss::Plan refused(problem); }, ARLOSS_STATUS_INVALID_ARGUMENT, "classes is 0");
  problem = batch_.problem;
  problem.penalty = ARLOSS_PENALTY_CROSS_ENTROPY;
  expect_error([&] { arloss::Plan refused(problem, make_options(ARLOSS_ALGORITHM_FACTORED)); },
               ARLOSS_STATUS_UNSUPPORTED, "CROSS_ENTROPY");
  const arloss::Plan pairwise(problem);
  expect_error([&] { static_cast<void>(pairwise.sum_count()); }, ARLOSS_STATUS_UNSUPPORTED, "pairwise");
}

TEST_F(PlanClass, RefusedRunsThrow) {
  arloss::Buffers memory = memory_of(buffers_);
  memory.workspace_bytes -= 1;
  expect_error([&] { plan_.forward(buffers_.io(), memory); }, ARLOSS_STATUS_BUFFER_TOO_SMALL, "workspace_bytes");
  arloss_tensors_t io = buffers_.io();
  io.loss = nullptr;
  expect_error([&] { plan_.forward(io, memory_of(buffers_)); }, ARLOSS_STATUS_INVALID_ARGUMENT, "loss");
  std::vector<unsigned char> labels = batch_.labels;
  labels[7] = 5;
  io = buffers_.io();
  io.labels = labels.data();
  expect_error([&] { plan_.forward_backward(io, memory_of(buffers_)); }, ARLOSS_STATUS_INVALID_LABEL, "labels[7]");
  buffers_.expect_outputs_untouched();
}

}  // namespace
}  // namespace support

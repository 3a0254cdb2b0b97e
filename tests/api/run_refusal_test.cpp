/// What run calls refuse: missing, misaligned, overlapping and short buffers, bad weights. Outputs stay untouched.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "support/run_calls.h"
#include "support/sweep.h"

namespace support {
namespace {

constexpr arloss_status_t kInvalid = ARLOSS_STATUS_INVALID_ARGUMENT;

/// A plan with state and workspace, and good arguments to spoil.
class RunRefusal : public ::testing::TestWithParam<RunFunction> {
 protected:
  RunRefusal()
      : spec_(make_spec()),
        batch_(pack(spec_, draw_inputs(spec_))),
        plan_(batch_.problem, make_options(ARLOSS_ALGORITHM_FACTORED)),
        buffers_(plan_, batch_) {}

  static CaseSpec make_spec() {
    CaseSpec spec = plain_spec(2, 5, 6, 7);
    set_label_grid(spec, 13, 15);
    spec.problem.scales = {1, 2};
    spec.weights = Weights::kModerate;
    return spec;
  }

  RunArguments good_arguments() {
    return {buffers_.io(), buffers_.state.data(), buffers_.workspace.data(), buffers_.state.bytes(),
            buffers_.workspace.bytes()};
  }

  void expect_untouched() const {
    buffers_.expect_outputs_untouched();
    buffers_.expect_guards_intact();
  }

  CaseSpec spec_;
  Batch batch_;
  Plan plan_;
  Buffers buffers_;
};

TEST_P(RunRefusal, SpoiltArguments) {
  expect_refused(GetParam(), plan_, spoil(GetParam(), plan_, good_arguments()), [this] { expect_untouched(); });
}

TEST_P(RunRefusal, NullPlan) {
  EXPECT_EQ(GetParam().call(nullptr, good_arguments()), kInvalid);
  EXPECT_NE(std::string(arloss_last_message()).find("plan"), std::string::npos);
  expect_untouched();
}

/// By one element at either end: room for a gradient on both sides of the logits.
TEST_P(RunRefusal, GradientOverlapsLogits) {
  if (!GetParam().writes_gradient) return;
  const auto bytes = static_cast<std::ptrdiff_t>(batch_.logits.size());
  GuardedBuffer room(3 * batch_.logits.size(), 0, 0xff);
  unsigned char* const logits = room.data() + bytes;
  std::memcpy(logits, batch_.logits.data(), batch_.logits.size());
  for (const std::ptrdiff_t offset : {std::ptrdiff_t{4}, bytes - 4, 4 - bytes}) {
    RunArguments arguments = good_arguments();
    arguments.io.logits = logits;
    arguments.io.grad_logits = logits + offset;
    expect_refused(GetParam(), plan_, {{arguments, kInvalid, {"grad_logits", "logits"}}},
                   [this] { expect_untouched(); });
    EXPECT_EQ(std::memcmp(logits, batch_.logits.data(), batch_.logits.size()), 0);
  }
}

TEST_P(RunRefusal, AdjacentGradientIsNoOverlap) {
  if (!GetParam().writes_gradient || !GetParam().writes_loss) return;
  const std::size_t bytes = batch_.logits.size();
  for (const bool is_after : {false, true}) {
    GuardedBuffer room(2 * bytes, 0, 0xff);
    RunArguments call = good_arguments();
    unsigned char* const logits = room.data() + (is_after ? 0 : bytes);
    std::memcpy(logits, batch_.logits.data(), bytes);
    call.io.logits = logits;
    call.io.grad_logits = room.data() + (is_after ? bytes : 0);
    EXPECT_EQ(GetParam().call(plan_.get(), call), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    EXPECT_TRUE(room.zones_are_intact());
  }
}

/// Forward must not mind what it does not use.
TEST_P(RunRefusal, UnusedTensorsMayBeNull) {
  if (!GetParam().reads_tensors || GetParam().writes_gradient) return;
  RunArguments call = good_arguments();
  call.io.grad_logits = nullptr;
  call.io.grad_loss = nullptr;
  call.io.pixel_weights = nullptr;
  EXPECT_EQ(GetParam().call(plan_.get(), call), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
}

INSTANTIATE_TEST_SUITE_P(Run, RunRefusal, ::testing::ValuesIn(kRunFunctions),
                         [](const auto& function) { return std::string(function.param.name); });

TEST(RunRefusal, TensorsNull) {
  const CaseSpec spec = plain_spec(1, 3, 4, 4);
  const Batch batch = pack(spec, draw_inputs(spec));
  const Plan plan(batch.problem, make_options(ARLOSS_ALGORITHM_AUTO));
  Buffers b(plan, batch);
  EXPECT_EQ(arloss_forward_backward(plan.get(), nullptr, b.state.data(), b.state.bytes(), b.workspace.data(),
                                    b.workspace.bytes(), nullptr),
            kInvalid);
  EXPECT_NE(std::string(arloss_last_message()).find("io"), std::string::npos);
  b.expect_outputs_untouched();
}

/// A bad pixel weight is named with its position, in ignored cells too, whatever the route.
TEST(RunRefusal, BadPixelWeights) {
  constexpr float kBad[] = {-1, -1e-30f, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  std::size_t index = 0;
  for (const oracle::Penalty penalty :
       {oracle::Penalty::kSquared, oracle::Penalty::kAbsolute, oracle::Penalty::kCrossEntropy})
    for (const oracle::ScaleMode mode : {oracle::ScaleMode::kBlend, oracle::ScaleMode::kPyramid})
      for (const float bad : kBad) {
        CaseSpec spec = plain_spec(2, 5, 6, 7);
        if (penalty != oracle::Penalty::kAbsolute) spec.problem.scales = {1, 2};
        spec.problem.penalty = penalty;
        spec.problem.scale_mode = mode;
        spec.num_threads = 2;
        oracle::Inputs inputs = draw_inputs(spec);
        inputs.pixel_weights.assign(84, 1);
        inputs.pixel_weights[83] = -2;
        inputs.pixel_weights[50] = bad;
        inputs.labels[50] = 255;
        const Batch batch = pack(spec, inputs);
        for_each_plan(
            spec, batch.problem,
            [&](const Plan& plan) {
              for (const auto call : {forward, forward_backward, accumulate}) {
                if (call == accumulate && plan.route() == "pairwise") continue;
                Buffers buffers(plan, batch);
                EXPECT_EQ(call(plan, buffers), kInvalid);
                const std::string message = arloss_last_message();
                EXPECT_NE(message.find("pixel_weights[50]"), std::string::npos) << message;
                EXPECT_NE(message.find(std::isnan(bad)   ? "nan"
                                       : std::isinf(bad) ? "inf"
                                                         : "-1"),
                          std::string::npos)
                    << message;
                buffers.expect_outputs_untouched();
                buffers.expect_guards_intact();
              }
            },
            index++);
      }
}

/// Sharded runs need sums that add up, which only factored plans have.
TEST(RunRefusal, PairwisePlansDoNotShard) {
  const CaseSpec spec = plain_spec(1, 3, 4, 4);
  const Batch batch = pack(spec, draw_inputs(spec));
  const Plan plan(batch.problem, make_options(ARLOSS_ALGORITHM_PAIRWISE));
  Buffers buffers(plan, batch);
  std::size_t count = 77;
  EXPECT_EQ(arloss_plan_sum_count(plan.get(), &count), ARLOSS_STATUS_UNSUPPORTED);
  EXPECT_NE(std::string(arloss_last_message()).find("pairwise"), std::string::npos) << arloss_last_message();
  EXPECT_EQ(count, 77u);
  EXPECT_EQ(accumulate(plan, buffers), ARLOSS_STATUS_UNSUPPORTED);
  EXPECT_EQ(finish(plan, buffers), ARLOSS_STATUS_UNSUPPORTED);
  buffers.expect_outputs_untouched();
}

}  // namespace
}  // namespace support

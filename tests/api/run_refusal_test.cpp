/// What run calls refuse: missing, misaligned, overlapping and short buffers, bad weights. Outputs stay untouched.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "support/half.h"
#include "support/sweep.h"

namespace support {
namespace {

constexpr arloss_status_t kInvalid = ARLOSS_STATUS_INVALID_ARGUMENT;

/// Everything one run call is handed.
struct Call {
  arloss_tensors_t io;
  void *state, *workspace;
  std::size_t state_bytes, workspace_bytes;
};

using RunCall = std::function<arloss_status_t(const arloss_plan_t*, const Call&)>;

arloss_status_t call_forward(const arloss_plan_t* plan, const Call& c) {
  return arloss_forward(plan, &c.io, c.state, c.state_bytes, c.workspace, c.workspace_bytes, nullptr);
}
arloss_status_t call_backward(const arloss_plan_t* plan, const Call& c) {
  return arloss_backward(plan, &c.io, c.state, c.state_bytes, c.workspace, c.workspace_bytes, nullptr);
}
arloss_status_t call_forward_backward(const arloss_plan_t* plan, const Call& c) {
  return arloss_forward_backward(plan, &c.io, c.state, c.state_bytes, c.workspace, c.workspace_bytes, nullptr);
}
arloss_status_t call_accumulate(const arloss_plan_t* plan, const Call& c) {
  return arloss_accumulate(plan, &c.io, c.state, c.state_bytes, c.workspace, c.workspace_bytes, nullptr);
}
arloss_status_t call_finish(const arloss_plan_t* plan, const Call& c) {
  return arloss_finish(plan, &c.io, c.state, c.state_bytes, nullptr);
}

constexpr unsigned kReadsLogits = 1, kReadsLabels = 2, kWritesLoss = 4, kWritesGradient = 8, kHasWorkspace = 16;

struct Function {
  const char* name;
  arloss_status_t (*call)(const arloss_plan_t*, const Call&);
  unsigned uses;
};

void PrintTo(const Function& function, std::ostream* out) { *out << function.name; }

const Function kFunctions[] = {
    {"forward", call_forward, kReadsLogits | kReadsLabels | kWritesLoss | kHasWorkspace},
    {"backward", call_backward, kReadsLogits | kReadsLabels | kWritesGradient | kHasWorkspace},
    {"forward_backward", call_forward_backward,
     kReadsLogits | kReadsLabels | kWritesLoss | kWritesGradient | kHasWorkspace},
    {"accumulate", call_accumulate, kReadsLogits | kReadsLabels | kHasWorkspace},
    {"finish", call_finish, kWritesLoss},
};

/// A plan with state and workspace, and good arguments to spoil.
class RunRefusal : public ::testing::TestWithParam<Function> {
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

  bool uses(unsigned what) const { return (GetParam().uses & what) != 0; }

  Call good_call() {
    return {buffers_.io(), buffers_.state.data(), buffers_.workspace.data(), buffers_.state.bytes(),
            buffers_.workspace.bytes()};
  }

  void expect_refused(const Call& call, arloss_status_t status, const std::vector<std::string>& words) {
    EXPECT_EQ(GetParam().call(plan_.get(), call), status);
    const std::string message = arloss_last_message();
    for (const std::string& word : words) EXPECT_NE(message.find(word), std::string::npos) << message;
    buffers_.expect_outputs_untouched();
    buffers_.expect_guards_intact();
  }

  CaseSpec spec_;
  Batch batch_;
  Plan plan_;
  Buffers buffers_;
};

TEST_P(RunRefusal, NullPlanOrTensors) {
  EXPECT_EQ(GetParam().call(nullptr, good_call()), kInvalid);
  EXPECT_NE(std::string(arloss_last_message()).find("plan"), std::string::npos);
  buffers_.expect_outputs_untouched();
}

TEST_P(RunRefusal, TensorsOfASmallerStruct) {
  Call call = good_call();
  call.io.struct_size -= 1;
  expect_refused(call, kInvalid, {"struct_size", std::to_string(call.io.struct_size)});
  call.io.struct_size = 0;
  expect_refused(call, kInvalid, {"struct_size", "0"});
}

TEST_P(RunRefusal, MissingTensors) {
  Call call = good_call();
  if (uses(kReadsLogits)) {
    call.io.logits = nullptr;
    expect_refused(call, kInvalid, {"logits", "NULL"});
  }
  call = good_call();
  if (uses(kReadsLabels)) {
    call.io.labels = nullptr;
    expect_refused(call, kInvalid, {"labels", "NULL"});
  }
  call = good_call();
  if (uses(kWritesLoss)) {
    call.io.loss = nullptr;
    expect_refused(call, kInvalid, {"loss", "NULL"});
  }
  call = good_call();
  if (uses(kWritesGradient)) {
    call.io.grad_logits = nullptr;
    expect_refused(call, kInvalid, {"grad_logits", "NULL"});
  }
}

TEST_P(RunRefusal, MissingStateOrWorkspace) {
  ASSERT_GT(plan_.state_bytes(), 0u);
  Call call = good_call();
  call.state = nullptr;
  expect_refused(call, kInvalid, {"state", "NULL"});
  if (!uses(kHasWorkspace)) return;
  ASSERT_GT(plan_.workspace_bytes(), 0u);
  call = good_call();
  call.workspace = nullptr;
  expect_refused(call, kInvalid, {"workspace", "NULL"});
}

TEST_P(RunRefusal, BuffersOneByteShort) {
  Call call = good_call();
  call.state_bytes -= 1;
  expect_refused(call, ARLOSS_STATUS_BUFFER_TOO_SMALL,
                 {"state", std::to_string(call.state_bytes), std::to_string(plan_.state_bytes())});
  call.state_bytes = 0;
  expect_refused(call, ARLOSS_STATUS_BUFFER_TOO_SMALL, {"state", "0"});
  if (!uses(kHasWorkspace)) return;
  call = good_call();
  call.workspace_bytes -= 1;
  expect_refused(call, ARLOSS_STATUS_BUFFER_TOO_SMALL,
                 {"workspace", std::to_string(call.workspace_bytes), std::to_string(plan_.workspace_bytes())});
}

TEST_P(RunRefusal, MisalignedBuffers) {
  // One byte, and half of the 16 that are promised to be enough.
  for (const std::size_t shift : {1, 8}) {
    Call call = good_call();
    call.state = static_cast<char*>(call.state) + shift;
    expect_refused(call, kInvalid, {"state", "16"});
    if (!uses(kHasWorkspace)) continue;
    call = good_call();
    call.workspace = static_cast<char*>(call.workspace) + shift;
    expect_refused(call, kInvalid, {"workspace", "16"});
  }
}

TEST_P(RunRefusal, GradientMisalignedForItsDtype) {
  if (!uses(kWritesGradient)) return;
  for (const std::size_t shift : {1, 2, 3}) {
    Call call = good_call();
    call.io.grad_logits = static_cast<char*>(call.io.grad_logits) + shift;
    expect_refused(call, kInvalid, {"grad_logits"});
  }
}

TEST_P(RunRefusal, GradientOverlapsLogits) {
  if (!uses(kWritesGradient)) return;
  const auto bytes = static_cast<std::ptrdiff_t>(batch_.logits.size());
  // In place, and by one element at either end: room for a gradient on both sides of the logits.
  GuardedBuffer room(3 * batch_.logits.size(), 0, 0xff);
  unsigned char* const logits = room.data() + bytes;
  std::memcpy(logits, batch_.logits.data(), batch_.logits.size());
  for (const std::ptrdiff_t offset : {std::ptrdiff_t{0}, std::ptrdiff_t{4}, bytes - 4, 4 - bytes}) {
    Call call = good_call();
    call.io.logits = logits;
    call.io.grad_logits = logits + offset;
    expect_refused(call, kInvalid, {"grad_logits", "logits"});
    EXPECT_EQ(std::memcmp(logits, batch_.logits.data(), batch_.logits.size()), 0);
  }
}

TEST_P(RunRefusal, AdjacentGradientIsNoOverlap) {
  if (GetParam().call != call_forward_backward) return;
  const std::size_t bytes = batch_.logits.size();
  for (const bool is_after : {false, true}) {
    GuardedBuffer room(2 * bytes, 0, 0xff);
    Call call = good_call();
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
  if (GetParam().call != call_forward && GetParam().call != call_accumulate) return;
  Call call = good_call();
  call.io.grad_logits = nullptr;
  call.io.grad_loss = nullptr;
  call.io.pixel_weights = nullptr;
  EXPECT_EQ(GetParam().call(plan_.get(), call), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
}

INSTANTIATE_TEST_SUITE_P(Run, RunRefusal, ::testing::ValuesIn(kFunctions),
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

/// The same bits on CUDA: run after run, in one call or several, whatever was in the buffers before and wherever they
/// lie. That schedules change none either is what the seeds of these tests are for.
#include <gtest/gtest.h>

#include <vector>

#include "cuda/device_case_lists.h"
#include "cuda/device_runner.h"

namespace support {
namespace {

constexpr std::int64_t kHeight = 5;

TEST(CudaDeterminism, AgainAndInSeveralCalls) {
  for (const CaseSpec& spec : device_kinds(kHeight)) {
    const Batch batch = pack(spec, draw_inputs(spec));
    const Outcome expected = run_on_device(spec, batch);
    with_cuda_plan(spec, [&](const Plan& plan) {
      EXPECT_TRUE(run_forward_backward(plan, spec, batch, nullptr) == expected) << "another plan";
      EXPECT_TRUE(run_forward_backward(plan, spec, batch, nullptr) == expected) << "again";
      EXPECT_TRUE(run_forward_then_backward(plan, spec, batch, nullptr) == expected) << "in two calls";
      EXPECT_TRUE(run_accumulate_then_finish(plan, spec, batch, nullptr) == expected) << "in three calls";
    });
  }
}

/// More rows than one slot of sums takes: 2, 3 and 4 slots of two and three chunks.
TEST(CudaDeterminism, SeveralSlots) {
  for (const std::int64_t height : {11, 23, 67}) {
    CaseSpec spec = plain_spec(1, 19, height, 47);
    set_label_grid(spec, 2 * height, 94);
    spec.problem.scales = {1, 2};
    spec.problem.scale_mode = height == 23 ? oracle::ScaleMode::kPyramid : oracle::ScaleMode::kBlend;
    const Batch batch = pack(spec, draw_inputs(spec));
    with_cuda_plan(spec, [&](const Plan& plan) {
      const Outcome expected = run_forward_backward(plan, spec, batch, nullptr);
      EXPECT_TRUE(run_forward_backward(plan, spec, batch, nullptr) == expected) << "again";
      EXPECT_TRUE(run_accumulate_then_finish(plan, spec, batch, nullptr) == expected) << "in three calls";
    });
  }
}

/// The state, too, where it carries a value: its other bytes keep what they were filled with.
TEST(CudaDeterminism, StatesAreTheSame) {
  for (const CaseSpec& spec : device_kinds(kHeight))
    with_cuda_plan(spec, [&spec](const Plan& plan) {
      const Batch batch = pack(spec, draw_inputs(spec));
      const DeviceBuffers whole(plan, batch), single(plan, batch), split(plan, batch);
      ASSERT_EQ(forward_backward(plan, whole, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      ASSERT_EQ(forward(plan, single, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      ASSERT_EQ(accumulate(plan, split, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      ASSERT_EQ(finish(plan, split, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      const std::vector<unsigned char> state = whole.state.read();
      EXPECT_TRUE(single.state.read() == state) << "of forward";
      EXPECT_TRUE(split.state.read() == state) << "of accumulate and finish";
    });
}

TEST(CudaDeterminism, WhatBuffersHeldAndWhereTheyLieDoesNotMatter) {
  for (const CaseSpec& spec : device_kinds(kHeight))
    with_cuda_plan(spec, [&spec](const Plan& plan) {
      Batch batch = pack(spec, draw_inputs(spec));
      const Outcome expected = run_forward_backward(plan, spec, batch, nullptr);
      for (const int fill : {0x00, 0x40}) {
        batch.is_element_aligned = !batch.is_element_aligned;
        DeviceBuffers buffers(plan, batch);
        for (DeviceOutput<unsigned char>* buffer :
             {&buffers.loss, &buffers.grad_logits, &buffers.state, &buffers.workspace})
          buffer->fill(static_cast<unsigned char>(fill));
        ASSERT_EQ(forward_backward(plan, buffers, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
        EXPECT_TRUE(buffers.read(spec) == expected) << "filled with " << fill;
        buffers.expect_guards_intact();
      }
    });
}

/// A workspace serves call after call, and one state several backward calls.
TEST(CudaDeterminism, BuffersServeAgain) {
  for (const CaseSpec& spec : device_kinds(kHeight))
    with_cuda_plan(spec, [&spec](const Plan& plan) {
      const Batch batch = pack(spec, draw_inputs(spec));
      const Outcome expected = run_forward_backward(plan, spec, batch, nullptr);
      DeviceBuffers buffers(plan, batch);
      ASSERT_EQ(forward_backward(plan, buffers, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      buffers.grad_logits.fill(0xff);
      ASSERT_EQ(backward(plan, buffers, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      EXPECT_TRUE(buffers.read(spec) == expected) << "backward again";
      ASSERT_EQ(forward_backward(plan, buffers, nullptr), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      EXPECT_TRUE(buffers.read(spec) == expected) << "both again";
    });
}

}  // namespace
}  // namespace support

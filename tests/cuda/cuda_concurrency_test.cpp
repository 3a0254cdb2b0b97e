/// Several streams, plans and host threads at once, each with buffers of its own: the bits of one after the other.
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "cuda/device_case_lists.h"
#include "cuda/device_runner.h"

namespace support {
namespace {

constexpr std::int64_t kHeight = 3;

/// A batch on its way through a stream of its own.
struct Lane {
  Lane(const Plan& shared, const CaseSpec& drawn)
      : plan(shared), spec(drawn), batch(pack(spec, draw_inputs(spec))), buffers(plan, batch) {}

  /// Results not yet read, expected to be those of a plain run.
  void expect_plain() const {
    stream.synchronize();
    EXPECT_TRUE(buffers.read(spec) == run_forward_backward(plan, spec, batch, nullptr)) << describe(spec);
    buffers.expect_guards_intact();
  }

  const Plan& plan;
  CaseSpec spec;
  Batch batch;
  Stream stream;
  DeviceBuffers buffers;
};

CaseSpec reseeded(CaseSpec spec, std::uint64_t shift) {
  spec.seed += 2 * shift;  // whose parity says how the problem is stated
  return spec;
}

void enqueue(std::deque<Lane>& lanes) {
  for (Lane& lane : lanes)
    ASSERT_EQ(forward(lane.plan, lane.buffers, lane.stream.get()), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
  for (Lane& lane : lanes)
    ASSERT_EQ(backward(lane.plan, lane.buffers, lane.stream.get()), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
}

TEST(CudaConcurrency, StreamsShareAPlan) {
  for (const CaseSpec& spec : device_kinds(kHeight))
    with_cuda_plan(spec, [&spec](const Plan& plan) {
      std::deque<Lane> lanes;
      for (std::uint64_t i = 0; i < 2; ++i) lanes.emplace_back(plan, reseeded(spec, i));
      enqueue(lanes);
      for (const Lane& lane : lanes) lane.expect_plain();
    });
}

TEST(CudaConcurrency, PlansOnStreamsOfTheirOwn) {
  std::deque<Plan> plans;
  std::deque<Lane> lanes;
  for (const CaseSpec& spec : device_kinds(kHeight)) {
    plans.emplace_back(api_problem(spec), make_cuda_options());
    ASSERT_EQ(plans.back().status(), ARLOSS_STATUS_SUCCESS) << plans.back().message();
    lanes.emplace_back(plans.back(), spec);
  }
  enqueue(lanes);
  for (const Lane& lane : lanes) lane.expect_plain();
}

/// As an engine does that keeps a few plans and never waits for a stream.
TEST(CudaConcurrency, PlansEndBeforeTheirWork) {
  std::vector<CaseSpec> kinds = device_kinds(kHeight);
  const std::vector<CaseSpec> pairs = pair_kinds(kHeight);
  kinds.insert(kinds.end(), pairs.begin(), pairs.end());
  for (const CaseSpec& spec : kinds) {
    const Batch batch = pack(spec, draw_inputs(spec));
    const Stream stream;
    std::optional<Plan> plan(std::in_place, api_problem(spec), make_cuda_options(spec));
    ASSERT_EQ(plan->status(), ARLOSS_STATUS_SUCCESS) << plan->message();
    const Outcome expected = run_forward_backward(*plan, spec, batch, nullptr);
    const DeviceBuffers buffers(*plan, batch);
    ASSERT_EQ(forward(*plan, buffers, stream.get()), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    ASSERT_EQ(backward(*plan, buffers, stream.get()), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    plan.reset();
    stream.synchronize();
    EXPECT_TRUE(buffers.read(spec) == expected) << describe(spec);
  }
}

TEST(CudaConcurrency, ThreadsShareAPlan) {
  constexpr std::size_t kThreads = 4;
  for (const CaseSpec& spec : device_kinds(kHeight))
    with_cuda_plan(spec, [&spec](const Plan& plan) {
      const Batch batch = pack(spec, draw_inputs(spec));
      const Outcome expected = run_forward_backward(plan, spec, batch, nullptr);
      std::array<Outcome, kThreads> outcomes;
      std::vector<std::thread> threads;
      for (Outcome& outcome : outcomes)
        threads.emplace_back([&] {
          const Stream stream;
          outcome = run_forward_then_backward(plan, spec, batch, stream.get());
        });
      for (std::thread& thread : threads) thread.join();
      for (const Outcome& outcome : outcomes) EXPECT_TRUE(outcome == expected);
    });
}

/// Threads that make their plans, too, each of another problem; those over pairs ask one kernel for other amounts of
/// shared memory.
TEST(CudaConcurrency, ThreadsWithPlansOfTheirOwn) {
  std::vector<CaseSpec> kinds = device_kinds(kHeight);
  const std::vector<CaseSpec> pairs = pair_kinds(kHeight);
  kinds.insert(kinds.end(), pairs.begin(), pairs.end());
  std::vector<Outcome> outcomes(kinds.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kinds.size(); ++i)
    threads.emplace_back([&, i] { outcomes[i] = run_on_device(kinds[i], pack(kinds[i], draw_inputs(kinds[i]))); });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < kinds.size(); ++i)
    EXPECT_TRUE(outcomes[i] == run_on_device(kinds[i], pack(kinds[i], draw_inputs(kinds[i])))) << describe(kinds[i]);
}

/// Inputs that arrive and outputs that leave by the same stream, the host waiting for none of it.
TEST(CudaConcurrency, CallsAreWorkOfTheirStream) {
  for (const CaseSpec& spec : device_kinds(kHeight))
    with_cuda_plan(spec, [&spec](const Plan& plan) {
      const Batch first = pack(spec, draw_inputs(spec)), second = pack(spec, draw_inputs(reseeded(spec, 7)));
      const DeviceInput<unsigned char> logits(second.logits), labels(second.labels), weights(second.pixel_weights);
      const DeviceBuffers buffers(plan, first);
      const arloss_tensors_t io = buffers.io();
      const Stream stream;
      const auto copy = [&](const void* to, const DeviceInput<unsigned char>& from, std::size_t bytes) {
        check(cudaMemcpyAsync(const_cast<void*>(to), from.data(), bytes, cudaMemcpyDeviceToDevice, stream.get()));
      };
      check(cudaDeviceSynchronize());
      copy(io.logits, logits, second.logits.size());
      copy(io.labels, labels, second.labels.size());
      copy(io.pixel_weights, weights, second.pixel_weights.size());
      ASSERT_EQ(forward_backward(plan, buffers, stream.get()), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
      std::vector<unsigned char> gradient(buffers.grad_logits.count());
      check(cudaMemcpyAsync(gradient.data(), io.grad_logits, gradient.size(), cudaMemcpyDeviceToHost, stream.get()));
      stream.synchronize();
      EXPECT_TRUE(gradient == run_forward_backward(plan, spec, second, nullptr).gradient_bytes);
    });
}

}  // namespace
}  // namespace support

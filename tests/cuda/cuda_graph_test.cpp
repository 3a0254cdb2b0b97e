/// Run calls captured into a CUDA graph: replayed, they compute what plain calls do, from whatever the tensors hold by
/// then.
#include <gtest/gtest.h>

#include <functional>

#include "cuda/device_case_lists.h"
#include "cuda/device_runner.h"

namespace support {
namespace {

/// What `calls` puts on a stream, as a graph.
class Graph {
 public:
  Graph(const Stream& stream, const std::function<void(cudaStream_t)>& calls) {
    check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal));
    calls(stream.get());
    check(cudaStreamEndCapture(stream.get(), &graph_));
    check(cudaGraphInstantiate(&executable_, graph_, 0));
  }
  ~Graph() {
    cudaGraphExecDestroy(executable_);
    cudaGraphDestroy(graph_);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  void replay(const Stream& stream) const {
    check(cudaGraphLaunch(executable_, stream.get()));
    stream.synchronize();
  }

 private:
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t executable_ = nullptr;
};

void expect_success(arloss_status_t status) { EXPECT_EQ(status, ARLOSS_STATUS_SUCCESS) << arloss_last_message(); }

using Calls = void (*)(const Plan&, const DeviceBuffers&, cudaStream_t);

void in_one_call(const Plan& plan, const DeviceBuffers& buffers, cudaStream_t stream) {
  expect_success(forward_backward(plan, buffers, stream));
}
void in_two_calls(const Plan& plan, const DeviceBuffers& buffers, cudaStream_t stream) {
  expect_success(forward(plan, buffers, stream));
  expect_success(backward(plan, buffers, stream));
}
void in_three_calls(const Plan& plan, const DeviceBuffers& buffers, cudaStream_t stream) {
  expect_success(accumulate(plan, buffers, stream));
  expect_success(finish(plan, buffers, stream));
  expect_success(backward(plan, buffers, stream));
}

/// Captured once; replayed on the first batch, another and the first again.
void expect_replays(const CaseSpec& spec, Calls calls) {
  with_cuda_plan(spec, [&](const Plan& plan) {
    CaseSpec next = spec;
    next.seed += 1000;
    const Batch batches[] = {pack(spec, draw_inputs(spec)), pack(spec, draw_inputs(next))};
    const Outcome expected[] = {run_forward_backward(plan, spec, batches[0], nullptr),
                                run_forward_backward(plan, spec, batches[1], nullptr)};
    EXPECT_FALSE(expected[0] == expected[1]);
    const Stream stream;
    DeviceBuffers buffers(plan, batches[0]);
    const Graph graph(stream, [&](cudaStream_t captured) { calls(plan, buffers, captured); });
    buffers.expect_outputs_untouched();
    for (const int index : {0, 1, 0}) {
      buffers.assign_inputs(batches[index]);
      buffers.grad_logits.fill(0xff);
      check(cudaDeviceSynchronize());
      graph.replay(stream);
      EXPECT_TRUE(buffers.read(spec) == expected[index]) << "batch " << index;
      buffers.expect_guards_intact();
    }
  });
}

TEST(CudaGraph, ForwardBackward) {
  for (const CaseSpec& spec : device_kinds(3)) expect_replays(spec, in_one_call);
}

TEST(CudaGraph, SplitCalls) {
  for (const CaseSpec& spec : device_kinds(3)) expect_replays(spec, spec.seed % 2 == 0 ? in_two_calls : in_three_calls);
}

TEST(CudaGraph, AllPairs) {
  for (const CaseSpec& spec : pair_kinds(3)) expect_replays(spec, spec.seed % 2 == 0 ? in_two_calls : in_one_call);
}

/// Every replay adds once more.
TEST(CudaGraph, GradientsAddUp) {
  CaseSpec spec = plain_spec(2, 5, 6, 7);
  spec.accumulates = true;
  Batch batch = pack(spec, draw_inputs(spec));
  batch.prior_gradient = pack_logits(spec, std::vector<double>(batch.logits.size() / sizeof(float)));
  with_cuda_plan(spec, [&](const Plan& plan) {
    const Outcome once = run_forward_backward(plan, spec, batch, nullptr);
    const Stream stream;
    const DeviceBuffers buffers(plan, batch);
    const Graph graph(stream, [&](cudaStream_t captured) { in_one_call(plan, buffers, captured); });
    graph.replay(stream);
    graph.replay(stream);
    const Outcome twice = buffers.read(spec);
    for (std::size_t i = 0; i < once.gradient.size(); ++i) ASSERT_EQ(twice.gradient[i], 2 * once.gradient[i]) << i;
  });
}

}  // namespace
}  // namespace support

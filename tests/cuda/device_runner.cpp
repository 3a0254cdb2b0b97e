#include "cuda/device_runner.h"

#include <gtest/gtest.h>

#include <cstring>

#include "support/half.h"
#include "support/tolerance.h"

namespace support {
namespace {

using Bytes = std::vector<unsigned char>;

/// How far a tensor of elements of `bytes` bytes lies from the best alignment.
std::size_t remainder_for(const Batch& batch, std::size_t bytes) { return batch.is_element_aligned ? bytes : 0; }

std::size_t loss_bytes(const Batch& batch) {
  const std::int64_t count = batch.problem.reduction == ARLOSS_REDUCTION_NONE ? batch.problem.batch : 1;
  return static_cast<std::size_t>(count) * sizeof(float);
}

Bytes initial_gradient(const Batch& batch) {
  return batch.prior_gradient.empty() ? Bytes(batch.logits.size(), 0xff) : batch.prior_gradient;
}

void expect_unchanged(const DeviceOutput<unsigned char>& output, const Bytes& before, const char* name) {
  EXPECT_TRUE(output.guards_are_intact()) << name << ": written outside its buffer";
  EXPECT_TRUE(output.read() == before) << name << ": changed";
}

void expect_success(arloss_status_t status) { EXPECT_EQ(status, ARLOSS_STATUS_SUCCESS) << arloss_last_message(); }

Outcome read_guarded(const DeviceBuffers& buffers, const CaseSpec& spec) {
  buffers.expect_guards_intact();
  return buffers.read(spec);
}

}  // namespace

arloss_options_t make_cuda_options(arloss_algorithm_t algorithm) {
  arloss_options_t options = make_options(algorithm);
  options.device = ARLOSS_DEVICE_CUDA;
  return options;
}

arloss_options_t make_cuda_options(const CaseSpec& spec) {
  arloss_options_t options = make_cuda_options(spec.device_algorithm);
  options.exact = spec.is_exact ? 1 : 0;
  return options;
}

DeviceBuffers::DeviceBuffers(const Plan& plan, const Batch& batch)
    : logits(batch.logits, remainder_for(batch, element_bytes(batch.problem.logits_dtype))),
      labels(batch.labels, remainder_for(batch, element_bytes(batch.problem.labels_dtype))),
      pixel_weights(batch.pixel_weights, remainder_for(batch, sizeof(float))),
      grad_loss(batch.grad_loss, remainder_for(batch, sizeof(float))),
      loss(loss_bytes(batch), remainder_for(batch, sizeof(float))),
      grad_logits(batch.logits.size(), remainder_for(batch, element_bytes(batch.problem.logits_dtype))),
      state(plan.state_bytes(), remainder_for(batch, 16)),
      workspace(plan.workspace_bytes(), remainder_for(batch, 16)),
      held_(batch) {
  grad_logits.assign(initial_gradient(batch));
  check(cudaStreamSynchronize(nullptr));
}

arloss_tensors_t DeviceBuffers::io() const { return tensors_of(*this); }

void DeviceBuffers::use_bare_workspace() { bare_workspace_ = std::make_unique<DeviceMemory>(16 + workspace.count()); }

void DeviceBuffers::assign_inputs(const Batch& batch) {
  logits.assign(batch.logits);
  labels.assign(batch.labels);
  pixel_weights.assign(batch.pixel_weights);
  grad_loss.assign(batch.grad_loss);
  check(cudaStreamSynchronize(nullptr));
  held_ = batch;
}

Outcome DeviceBuffers::read(const CaseSpec& spec) const {
  Outcome outcome;
  const Bytes losses = loss.read();
  outcome.loss.resize(losses.size() / sizeof(float));
  std::memcpy(outcome.loss.data(), losses.data(), losses.size());
  outcome.gradient_bytes = grad_logits.read();
  outcome.gradient = unpack_logits(spec, outcome.gradient_bytes);
  return outcome;
}

void DeviceBuffers::expect_guards_intact() const {
  EXPECT_TRUE(logits.read() == held_.logits) << "logits: changed";
  EXPECT_TRUE(labels.read() == held_.labels) << "labels: changed";
  EXPECT_TRUE(pixel_weights.read() == held_.pixel_weights) << "pixel_weights: changed";
  EXPECT_TRUE(grad_loss.read() == held_.grad_loss) << "grad_loss: changed";
  EXPECT_TRUE(loss.guards_are_intact()) << "loss: written outside its buffer";
  EXPECT_TRUE(grad_logits.guards_are_intact()) << "grad_logits: written outside its buffer";
  EXPECT_TRUE(state.guards_are_intact()) << "state: written outside its buffer";
  EXPECT_TRUE(workspace.guards_are_intact()) << "workspace: written outside its buffer";
}

void DeviceBuffers::expect_outputs_untouched() const {
  expect_unchanged(grad_logits, initial_gradient(held_), "grad_logits");
  expect_unchanged(loss, Bytes(loss.count(), 0xff), "loss");
  expect_unchanged(state, Bytes(state.count(), 0xff), "state");
}

arloss_status_t forward(const Plan& plan, const DeviceBuffers& b, cudaStream_t stream) {
  const arloss_tensors_t io = b.io();
  return arloss_forward(plan.get(), &io, b.state.data(), b.state.count(), b.workspace_data(), b.workspace.count(),
                        stream);
}

arloss_status_t backward(const Plan& plan, const DeviceBuffers& b, cudaStream_t stream) {
  const arloss_tensors_t io = b.io();
  return arloss_backward(plan.get(), &io, b.state.data(), b.state.count(), b.workspace_data(), b.workspace.count(),
                         stream);
}

arloss_status_t forward_backward(const Plan& plan, const DeviceBuffers& b, cudaStream_t stream) {
  const arloss_tensors_t io = b.io();
  return arloss_forward_backward(plan.get(), &io, b.state.data(), b.state.count(), b.workspace_data(),
                                 b.workspace.count(), stream);
}

arloss_status_t accumulate(const Plan& plan, const DeviceBuffers& b, cudaStream_t stream) {
  const arloss_tensors_t io = b.io();
  return arloss_accumulate(plan.get(), &io, b.state.data(), b.state.count(), b.workspace_data(), b.workspace.count(),
                           stream);
}

arloss_status_t finish(const Plan& plan, const DeviceBuffers& b, cudaStream_t stream) {
  const arloss_tensors_t io = b.io();
  return arloss_finish(plan.get(), &io, b.state.data(), b.state.count(), stream);
}

Outcome run_forward_backward(const Plan& plan, const CaseSpec& spec, const Batch& batch, cudaStream_t stream) {
  const DeviceBuffers buffers(plan, batch);
  expect_success(forward_backward(plan, buffers, stream));
  check(cudaStreamSynchronize(stream));
  return read_guarded(buffers, spec);
}

Outcome run_forward_then_backward(const Plan& plan, const CaseSpec& spec, const Batch& batch, cudaStream_t stream) {
  DeviceBuffers buffers(plan, batch);
  buffers.use_bare_workspace();
  expect_success(forward(plan, buffers, stream));
  check(cudaStreamSynchronize(stream));
  const Bytes loss = buffers.loss.read();
  buffers.use_bare_workspace();
  expect_success(backward(plan, buffers, stream));
  check(cudaStreamSynchronize(stream));
  EXPECT_TRUE(buffers.loss.read() == loss) << "backward wrote the loss";
  return read_guarded(buffers, spec);
}

Outcome run_accumulate_then_finish(const Plan& plan, const CaseSpec& spec, const Batch& batch, cudaStream_t stream) {
  const DeviceBuffers buffers(plan, batch);
  expect_success(accumulate(plan, buffers, stream));
  expect_success(finish(plan, buffers, stream));
  expect_success(backward(plan, buffers, stream));
  check(cudaStreamSynchronize(stream));
  return read_guarded(buffers, spec);
}

Outcome run_on_device(const CaseSpec& spec, const Batch& batch) {
  Outcome outcome;
  with_cuda_plan(spec, [&](const Plan& plan) { outcome = run_forward_backward(plan, spec, batch, nullptr); });
  return outcome;
}

void with_cuda_plan(const CaseSpec& spec, const std::function<void(const Plan&)>& body) {
  SCOPED_TRACE(describe(spec));
  const Plan plan(api_problem(spec), make_cuda_options(spec));
  ASSERT_EQ(plan.status(), ARLOSS_STATUS_SUCCESS) << plan.message();
  body(plan);
}

void expect_accurate_on_device(const Case& test) {
  with_cuda_plan(test.spec, [&test](const Plan& plan) {
    const Outcome outcome = run_forward_backward(plan, test.spec, test.batch, nullptr);
    expect_accurate(test, outcome, "cuda " + plan.route() + (test.spec.has_half_products() ? ", halves" : ""));
    EXPECT_TRUE(run_forward_then_backward(plan, test.spec, test.batch, nullptr) == outcome)
        << "forward + backward differ from forward_backward";
  });
}

void expect_agreement_with_cpu(const CaseSpec& spec, const oracle::Inputs& inputs) {
  SCOPED_TRACE(describe(spec));
  const Batch batch = pack(spec, inputs);
  const Outcome cpu = run(spec, batch, spec.device_algorithm);
  const Outcome cuda = run_on_device(spec, batch);
  ASSERT_EQ(cuda.loss.size(), cpu.loss.size());
  const double share = 2e-5 * tolerance_factor(spec);
  EXPECT_NEAR(cuda.loss[0], cpu.loss[0], share * cpu.loss[0]);
  EXPECT_LE(distance(cuda.gradient, cpu.gradient), share * norm(cpu.gradient));
}

void expect_nothing(const CaseSpec& spec, const oracle::Inputs& inputs) {
  const Outcome outcome = run_on_device(spec, pack(spec, inputs));
  EXPECT_EQ(outcome.loss.size(), static_cast<std::size_t>(spec.num_losses())) << describe(spec);
  for (const float loss : outcome.loss) EXPECT_EQ(loss, 0) << describe(spec);
  EXPECT_LE(norm(outcome.gradient), 1e-12) << describe(spec);
}

}  // namespace support

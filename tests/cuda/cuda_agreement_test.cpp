/// CUDA against the float64 oracle: the factorable cases of the lists that the CPU is held to, a share of each.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/device_memory.h"
#include "support/case_lists.h"
#include "support/tolerance.h"

namespace support {
namespace {

using Bytes = DeviceInput<unsigned char>;
using Output = DeviceOutput<unsigned char>;

const unsigned char* data_or_null(const std::vector<unsigned char>& bytes, const Bytes& copy) {
  return bytes.empty() ? nullptr : copy.data();
}

Outcome run_on_device(const Plan& plan, const CaseSpec& spec, const Batch& batch) {
  const Bytes logits(batch.logits), labels(batch.labels), weights(batch.pixel_weights), upstream(batch.grad_loss);
  Output loss(static_cast<std::size_t>(spec.num_losses()) * sizeof(float)), gradient(batch.logits.size());
  Output state(plan.state_bytes()), workspace(plan.workspace_bytes());
  if (!batch.prior_gradient.empty())
    support::check(
        cudaMemcpy(gradient.data(), batch.prior_gradient.data(), batch.prior_gradient.size(), cudaMemcpyHostToDevice));
  arloss_tensors_t io{};
  io.struct_size = sizeof io;
  io.logits = logits.data();
  io.labels = labels.data();
  io.pixel_weights = reinterpret_cast<const float*>(data_or_null(batch.pixel_weights, weights));
  io.grad_loss = reinterpret_cast<const float*>(data_or_null(batch.grad_loss, upstream));
  io.loss = reinterpret_cast<float*>(loss.data());
  io.grad_logits = gradient.data();
  EXPECT_EQ(arloss_forward_backward(plan.get(), &io, state.data(), plan.state_bytes(), workspace.data(),
                                    plan.workspace_bytes(), nullptr),
            ARLOSS_STATUS_SUCCESS)
      << arloss_last_message();
  Outcome outcome;
  const std::vector<unsigned char> losses = loss.read();
  outcome.loss.resize(losses.size() / sizeof(float));
  std::copy(losses.begin(), losses.end(), reinterpret_cast<unsigned char*>(outcome.loss.data()));
  outcome.gradient_bytes = gradient.read();
  outcome.gradient = unpack_logits(spec, outcome.gradient_bytes);
  for (const Output* output : {&loss, &gradient, &state, &workspace})
    EXPECT_TRUE(output->guards_are_intact()) << "written outside its buffer";
  return outcome;
}

/// Every `step`-th of the cases that have a linear form.
void expect_accurate_list(const std::vector<CaseSpec>& list, std::size_t step) {
  std::size_t index = 0;
  for (const CaseSpec& spec : list) {
    if (!spec.is_factorable() || index++ % step != 0) continue;
    SCOPED_TRACE(describe(spec));
    const Case test = build_case(spec);
    arloss_options_t options = make_options(ARLOSS_ALGORITHM_FACTORED);
    options.device = ARLOSS_DEVICE_CUDA;
    const Plan plan(test.batch.problem, options);
    ASSERT_EQ(plan.status(), ARLOSS_STATUS_SUCCESS) << plan.message();
    expect_accurate(test, run_on_device(plan, test.spec, test.batch), "cuda " + plan.route());
  }
}

TEST(CudaAgreement, Mixed) { expect_accurate_list(mixed_list(), 7); }
TEST(CudaAgreement, Regimes) { expect_accurate_list(regime_list(), 13); }
TEST(CudaAgreement, Sizes) { expect_accurate_list(size_list(), 7); }
TEST(CudaAgreement, Classes) { expect_accurate_list(class_list(), 5); }

}  // namespace
}  // namespace support

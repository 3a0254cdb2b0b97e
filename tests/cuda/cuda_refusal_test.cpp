/// What CUDA plans refuse, and what their calls do: the status, and a message that names field and value.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "cuda/device_runner.h"
#include "support/run_calls.h"

namespace support {
namespace {

constexpr arloss_status_t kInvalid = ARLOSS_STATUS_INVALID_ARGUMENT, kUnsupported = ARLOSS_STATUS_UNSUPPORTED;

struct Asked {
  arloss_problem_t problem = api_problem(plain_spec(2, 5, 6, 7));
  arloss_options_t options = make_cuda_options(ARLOSS_ALGORITHM_AUTO);
};

void expect_plan_refused(const std::function<void(Asked&)>& change, arloss_status_t status,
                         const std::vector<std::string>& words) {
  Asked asked;
  change(asked);
  const Plan plan(asked.problem, asked.options);
  EXPECT_EQ(plan.status(), status);
  EXPECT_EQ(plan.get(), nullptr);
  for (const std::string& word : words) EXPECT_NE(plan.message().find(word), std::string::npos) << plan.message();
  EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "left to the caller";
}

TEST(CudaRefusal, LinearFormThatIsNotThere) {
  expect_plan_refused(
      [](Asked& a) {
        a.options.algorithm = ARLOSS_ALGORITHM_FACTORED;
        a.problem.penalty = ARLOSS_PENALTY_CROSS_ENTROPY;
      },
      kUnsupported, {"algorithm", "CROSS_ENTROPY"});
}

TEST(CudaRefusal, ImagesOfTooManyCells) {
  for (const arloss_algorithm_t algorithm : {ARLOSS_ALGORITHM_FACTORED, ARLOSS_ALGORITHM_PAIRWISE})
    expect_plan_refused(
        [algorithm](Asked& a) {
          a.options.algorithm = algorithm;
          a.problem.height = a.problem.label_height = 32768;
          a.problem.width = a.problem.label_width = 32768;
        },
        kUnsupported, {"depth x height x width", "1073741824", "1073741823"});
}

/// Sums that shards add up are a matter of linear forms.
TEST(CudaRefusal, ShardsOfAllPairs) {
  CaseSpec spec = plain_spec(1, 5, 4, 6);
  spec.device_algorithm = ARLOSS_ALGORITHM_PAIRWISE;
  with_cuda_plan(spec, [&](const Plan& plan) {
    const DeviceBuffers buffers(plan, pack(spec, draw_inputs(spec)));
    EXPECT_EQ(plan.route(), "pairwise");
    EXPECT_EQ(plan.state_bytes(), 0u);
    EXPECT_EQ(accumulate(plan, buffers, nullptr), kUnsupported);
    EXPECT_EQ(finish(plan, buffers, nullptr), kUnsupported);
    buffers.expect_outputs_untouched();
    buffers.expect_guards_intact();
  });
}

TEST(CudaRefusal, DeviceIndices) {
  int count = 0;
  check(cudaGetDeviceCount(&count));
  for (const std::int32_t index : {-2, count, std::numeric_limits<std::int32_t>::max()})
    expect_plan_refused([&](Asked& a) { a.options.device_index = index; }, kInvalid,
                        {"options.device_index is " + std::to_string(index)});
  for (std::int32_t index = -1; index < count; ++index) {
    Asked asked;
    asked.options.device_index = index;
    const Plan plan(asked.problem, asked.options);
    ASSERT_EQ(plan.status(), ARLOSS_STATUS_SUCCESS) << plan.message();
    EXPECT_EQ(plan.described("device").rfind("CUDA " + std::to_string(index < 0 ? 0 : index) + ",", 0), 0u)
        << plan.description();
  }
  EXPECT_EQ(arloss_device_available(ARLOSS_DEVICE_CUDA), 1);
}

TEST(CudaRefusal, BadProblems) {
  expect_plan_refused([](Asked& a) { a.problem.classes = 0; }, kInvalid, {"classes", "0"});
  expect_plan_refused([](Asked& a) { a.problem.num_scales = 9; }, kInvalid, {"num_scales", "9"});
  expect_plan_refused([](Asked& a) { a.problem.classes = 32769; }, kUnsupported, {"classes", "32769"});
}

/// A plan and good arguments to spoil.
class CudaRunRefusal : public ::testing::TestWithParam<RunFunction> {
 protected:
  static CaseSpec make_spec() {
    CaseSpec spec = plain_spec(2, 5, 6, 7);
    set_label_grid(spec, 13, 15);
    spec.problem.scales = {1, 2};
    spec.weights = Weights::kModerate;
    return spec;
  }

  const CaseSpec spec_ = make_spec();
  const Batch batch_ = pack(spec_, draw_inputs(spec_));
  const Plan plan_{batch_.problem, make_cuda_options()};
  const DeviceBuffers buffers_{plan_, batch_};
  const RunArguments good_{buffers_.io(), buffers_.state.data(), buffers_.workspace.data(), buffers_.state.count(),
                           buffers_.workspace.count()};
};

TEST_P(CudaRunRefusal, SpoiltArguments) {
  expect_refused(GetParam(), plan_, spoil(GetParam(), plan_, good_), [this] {
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
    buffers_.expect_outputs_untouched();
    buffers_.expect_guards_intact();
  });
}

TEST_P(CudaRunRefusal, UnusedTensorsMayBeNull) {
  if (!GetParam().reads_tensors || GetParam().writes_gradient) return;
  RunArguments arguments = good_;
  arguments.io.grad_logits = nullptr;
  arguments.io.grad_loss = nullptr;
  arguments.io.pixel_weights = nullptr;
  EXPECT_EQ(GetParam().call(plan_.get(), arguments), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
  check(cudaDeviceSynchronize());
  buffers_.expect_guards_intact();
}

INSTANTIATE_TEST_SUITE_P(Cuda, CudaRunRefusal, ::testing::ValuesIn(kRunFunctions),
                         [](const auto& function) { return std::string(function.param.name); });

TEST(CudaRefusal, CallsThatLook) {
  const CaseSpec spec = plain_spec(1, 5, 4, 6);
  with_cuda_plan(spec, [&](const Plan& plan) {
    const DeviceBuffers b(plan, pack(spec, draw_inputs(spec)));
    const DeviceInput<std::int64_t> row({0});
    const arloss_tensors_t io = b.io();
    float* const out = reinterpret_cast<float*>(b.grad_logits.data());
    const auto rows = [&](const std::int64_t* image, std::int64_t count, float* to) {
      return arloss_affinity_rows(plan.get(), &io, ARLOSS_AFFINITY_OUTPUT, image, row.data(), count, to,
                                  b.workspace_data(), b.workspace.count(), nullptr);
    };
    EXPECT_EQ(rows(nullptr, 1, out), kInvalid);
    EXPECT_EQ(rows(row.data(), -1, out), kInvalid);
    EXPECT_EQ(rows(row.data(), 1, nullptr), kInvalid);
    for (const std::int32_t scale : {-1, 1})
      EXPECT_EQ(
          arloss_label_distribution(plan.get(), &io, scale, out, b.workspace_data(), b.workspace.count(), nullptr),
          kInvalid);
    EXPECT_EQ(arloss_check(plan.get(), &io, nullptr, b.workspace_data(), b.workspace.count(), nullptr), kInvalid);
    b.expect_outputs_untouched();
  });
}

}  // namespace
}  // namespace support

/// What the library says about itself, its defaults and its plans.
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/runner.h"

namespace support {
namespace {

TEST(Information, VersionIsTheHeaders) {
  EXPECT_EQ(arloss_version(), ARLOSS_VERSION_MAJOR * 10000 + ARLOSS_VERSION_MINOR * 100 + ARLOSS_VERSION_PATCH);
}

TEST(Information, StatusNames) {
#define EXPECT_NAME(status) EXPECT_STREQ(arloss_status_name(status), #status)
  EXPECT_NAME(ARLOSS_STATUS_SUCCESS);
  EXPECT_NAME(ARLOSS_STATUS_INVALID_ARGUMENT);
  EXPECT_NAME(ARLOSS_STATUS_INVALID_LABEL);
  EXPECT_NAME(ARLOSS_STATUS_BUFFER_TOO_SMALL);
  EXPECT_NAME(ARLOSS_STATUS_UNSUPPORTED);
  EXPECT_NAME(ARLOSS_STATUS_NO_DEVICE);
  EXPECT_NAME(ARLOSS_STATUS_CUDA_ERROR);
  EXPECT_NAME(ARLOSS_STATUS_OUT_OF_MEMORY);
  EXPECT_NAME(ARLOSS_STATUS_INTERNAL_ERROR);
#undef EXPECT_NAME
  const int unknown = 41;
  arloss_status_t status;
  std::memcpy(&status, &unknown, sizeof status);
  ASSERT_NE(arloss_status_name(status), nullptr);
  EXPECT_NE(std::string(arloss_status_name(status)), "");
}

/// Numbers that callers have compiled in.
TEST(Information, EnumValuesArePinned) {
  EXPECT_EQ(ARLOSS_STATUS_SUCCESS, 0);
  EXPECT_EQ(ARLOSS_STATUS_INVALID_ARGUMENT, 10);
  EXPECT_EQ(ARLOSS_STATUS_INVALID_LABEL, 11);
  EXPECT_EQ(ARLOSS_STATUS_BUFFER_TOO_SMALL, 12);
  EXPECT_EQ(ARLOSS_STATUS_UNSUPPORTED, 20);
  EXPECT_EQ(ARLOSS_STATUS_NO_DEVICE, 30);
  EXPECT_EQ(ARLOSS_STATUS_CUDA_ERROR, 31);
  EXPECT_EQ(ARLOSS_STATUS_OUT_OF_MEMORY, 40);
  EXPECT_EQ(ARLOSS_STATUS_INTERNAL_ERROR, 50);
  EXPECT_EQ(ARLOSS_DTYPE_BFLOAT16, 2);
  EXPECT_EQ(ARLOSS_DTYPE_INT64, 12);
  EXPECT_EQ(ARLOSS_PENALTY_CROSS_ENTROPY, 3);
  EXPECT_EQ(ARLOSS_PENALTY_LOG_COSH, 4);
  EXPECT_EQ(ARLOSS_SCALES_PYRAMID, 2);
  EXPECT_EQ(ARLOSS_REDUCTION_NONE, 2);
  EXPECT_EQ(ARLOSS_SPAN_BATCH, 1);
  EXPECT_EQ(ARLOSS_ALGORITHM_PAIRWISE, 2);
}

TEST(Information, ProblemDefaults) {
  arloss_problem_t problem;
  std::memset(&problem, 0x55, sizeof problem);
  arloss_problem_init(&problem);
  EXPECT_EQ(problem.struct_size, sizeof problem);
  EXPECT_EQ(problem.depth, 1);
  EXPECT_EQ(problem.label_depth, 0);
  EXPECT_EQ(problem.label_height, 0);
  EXPECT_EQ(problem.label_width, 0);
  EXPECT_EQ(problem.logits_dtype, ARLOSS_DTYPE_FLOAT32);
  EXPECT_EQ(problem.logits_layout, ARLOSS_LAYOUT_NCHW);
  EXPECT_EQ(problem.has_ignore_index, 1);
  EXPECT_EQ(problem.ignore_index, 255);
  EXPECT_EQ(problem.num_scales, 1);
  EXPECT_EQ(problem.scales[0], 1);
  EXPECT_EQ(problem.scale_weights[0], 0);
  EXPECT_EQ(problem.scale_mode, ARLOSS_SCALES_BLEND);
  EXPECT_EQ(problem.penalty, ARLOSS_PENALTY_SQUARED);
  EXPECT_EQ(problem.penalty_param, 0);
  EXPECT_EQ(problem.reduction, ARLOSS_REDUCTION_MEAN);
  EXPECT_EQ(problem.span, ARLOSS_SPAN_IMAGE);
  EXPECT_EQ(problem.loss_weight, 1);
  EXPECT_EQ(problem.accumulate_gradient, 0);
}

TEST(Information, OptionsDefaults) {
  arloss_options_t options;
  std::memset(&options, 0x55, sizeof options);
  arloss_options_init(&options);
  EXPECT_EQ(options.struct_size, sizeof options);
  EXPECT_EQ(options.device, ARLOSS_DEVICE_CPU);
  EXPECT_EQ(options.algorithm, ARLOSS_ALGORITHM_AUTO);
  EXPECT_EQ(options.exact, 0);
  EXPECT_EQ(options.num_threads, 0);
}

TEST(Information, DeviceAvailable) {
  EXPECT_EQ(arloss_device_available(ARLOSS_DEVICE_CPU), 1);
  const int cuda = arloss_device_available(ARLOSS_DEVICE_CUDA);
  EXPECT_TRUE(cuda == 0 || cuda == 1);
  const int unknown = 9;
  arloss_device_t device;
  std::memcpy(&device, &unknown, sizeof device);
  EXPECT_EQ(arloss_device_available(device), 0);
}

TEST(Information, DestroyTakesNull) { arloss_plan_destroy(nullptr); }

/// Each thread has its own last message, "" before its first failure.
TEST(Information, LastMessageBelongsToTheThread) {
  arloss_plan_t* plan = nullptr;
  EXPECT_EQ(arloss_plan_create(&plan, nullptr, nullptr), ARLOSS_STATUS_INVALID_ARGUMENT);
  const std::string mine = arloss_last_message();
  EXPECT_NE(mine, "");
  std::string before = "?", after;
  std::thread([&] {
    before = arloss_last_message();
    arloss_plan_state_bytes(nullptr, nullptr);
    after = arloss_last_message();
  }).join();
  EXPECT_EQ(before, "");
  EXPECT_NE(after, "");
  EXPECT_NE(after, mine);
  EXPECT_EQ(arloss_last_message(), mine);
}

TEST(Information, PlanQueriesRefuseNull) {
  const CaseSpec spec = plain_spec(1, 3, 4, 4);
  const Plan plan(api_problem(spec), make_options(ARLOSS_ALGORITHM_AUTO));
  std::size_t size = 0;
  for (const auto query : {arloss_plan_state_bytes, arloss_plan_workspace_bytes, arloss_plan_sum_count}) {
    EXPECT_EQ(query(nullptr, &size), ARLOSS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(query(plan.get(), nullptr), ARLOSS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(query(plan.get(), &size), ARLOSS_STATUS_SUCCESS);
    EXPECT_GT(size, 0u);
  }
  EXPECT_EQ(arloss_plan_describe(nullptr, nullptr, 0, &size), ARLOSS_STATUS_INVALID_ARGUMENT);
}

TEST(Describe, CountsTheNulAndNeverWritesPastTheEnd) {
  const CaseSpec spec = plain_spec(1, 3, 4, 4);
  const Plan plan(api_problem(spec), make_options(ARLOSS_ALGORITHM_AUTO));
  std::size_t needed = 0;
  ASSERT_EQ(arloss_plan_describe(plan.get(), nullptr, 0, &needed), ARLOSS_STATUS_SUCCESS);
  EXPECT_EQ(needed, plan.description().size() + 1);
  for (const std::size_t capacity : {needed, needed - 1, std::size_t{1}, needed + 20}) {
    GuardedBuffer text(capacity, 1, 0x7f);
    std::size_t stated = 0;
    const arloss_status_t status =
        arloss_plan_describe(plan.get(), reinterpret_cast<char*>(text.data()), capacity, &stated);
    EXPECT_EQ(status, capacity < needed ? ARLOSS_STATUS_BUFFER_TOO_SMALL : ARLOSS_STATUS_SUCCESS);
    EXPECT_EQ(stated, needed);
    EXPECT_TRUE(text.zones_are_intact());
  }
}

TEST(Describe, NamesRouteReasonsAndBytes) {
  CaseSpec spec = plain_spec(2, 19, 16, 17);
  spec.problem.penalty = oracle::Penalty::kHuber;
  const Plan pairwise(api_problem(spec), make_options(ARLOSS_ALGORITHM_AUTO));
  EXPECT_EQ(pairwise.route(), "pairwise");
  const std::string text = pairwise.description();
  EXPECT_NE(text.find("not factored: "), std::string::npos) << text;
  EXPECT_NE(text.find("HUBER"), std::string::npos) << text;
  EXPECT_NE(pairwise.described("state").find(std::to_string(pairwise.state_bytes())), std::string::npos) << text;
  EXPECT_NE(pairwise.described("workspace").find(std::to_string(pairwise.workspace_bytes())), std::string::npos)
      << text;
  spec.problem.penalty = oracle::Penalty::kSquared;
  EXPECT_EQ(Plan(api_problem(spec), make_options(ARLOSS_ALGORITHM_AUTO)).route().rfind("factored", 0), 0u);
  EXPECT_EQ(Plan(api_problem(spec), make_options(ARLOSS_ALGORITHM_PAIRWISE)).route(), "pairwise");
}

std::string linear_form(const CaseSpec& spec, arloss_algorithm_t algorithm = ARLOSS_ALGORITHM_AUTO) {
  return Plan(api_problem(spec), make_options(algorithm)).described("linear form");
}

/// A plan over all pairs says what would have spared them.
TEST(Describe, SaysWhenThePenaltyHasALinearForm) {
  CaseSpec spec = plain_spec(1, 5, 6, 7);
  EXPECT_EQ(linear_form(spec), "") << "it is the route";
  EXPECT_EQ(linear_form(spec, ARLOSS_ALGORITHM_PAIRWISE), "factored, which options.algorithm AUTO takes");
  spec.problem.penalty = oracle::Penalty::kHuber;
  EXPECT_NE(linear_form(spec).find("HUBER (0.1) has a linear form only with delta >= 1"), std::string::npos);
  spec.problem.penalty_param = 1;
  EXPECT_EQ(linear_form(spec, ARLOSS_ALGORITHM_PAIRWISE), "factored, which options.algorithm AUTO takes");
  spec.problem.penalty_param = 0;
  spec.problem.penalty = oracle::Penalty::kCrossEntropy;
  EXPECT_EQ(linear_form(spec), "CROSS_ENTROPY has no linear form");
  spec.problem.penalty = oracle::Penalty::kLogCosh;
  EXPECT_EQ(linear_form(spec), "LOG_COSH has no linear form");
  spec.problem.penalty = oracle::Penalty::kAbsolute;
  EXPECT_EQ(linear_form(spec, ARLOSS_ALGORITHM_PAIRWISE), "factored-absolute, which options.algorithm AUTO takes");
  spec.problem.scales = {1, 2};
  EXPECT_NE(linear_form(spec).find("labels on the logits grid and scales {1}"), std::string::npos);
}

/// The number before `what` in the line of the expected cost.
double expected_cost(const CaseSpec& spec, const std::string& what) {
  const Plan plan(api_problem(spec), make_options(ARLOSS_ALGORITHM_PAIRWISE));
  const std::string line = plan.described("forward_backward");
  const std::size_t end = line.find(" " + what);
  if (end == std::string::npos) return -1;
  return std::stod(line.substr(line.rfind(' ', end - 1)));
}

/// Flops of one more class over those of a pair, so that what a penalty and a scale take drops out.
double flops_per_class(CaseSpec spec) {
  const double few = expected_cost(spec, "floating");
  spec.problem.classes += 1000;
  return (expected_cost(spec, "floating") - few) / expected_cost(spec, "pairs") / 1000;
}

TEST(Describe, CountsThePairsOfEveryScale) {
  constexpr double kCells = 16 * 17, kBlocks = 8 * 9, kFour = 5e-4;  // numbers have four digits
  CaseSpec spec = plain_spec(2, 19, 16, 17);
  const auto expect_pairs = [&](double pairs) {
    EXPECT_NEAR(expected_cost(spec, "pairs"), pairs, kFour * pairs) << describe(spec);
  };
  expect_pairs(2 * kCells * kCells);
  spec.problem.scales = {1, 2};
  expect_pairs(2 * kCells * kCells);
  spec.problem.scale_mode = oracle::ScaleMode::kPyramid;
  expect_pairs(2 * (kCells * kCells + kBlocks * kBlocks));
  spec.problem.span = oracle::Span::kBatch;
  expect_pairs(4 * (kCells * kCells + kBlocks * kBlocks));
}

TEST(Describe, CountsTheWorkOfPairs) {
  CaseSpec spec = plain_spec(2, 19, 16, 17);
  for (const oracle::Penalty penalty : oracle::kPenalties) {
    spec.problem.penalty = penalty;
    const bool is_of_differences = penalty == oracle::Penalty::kAbsolute || penalty == oracle::Penalty::kCrossEntropy;
    EXPECT_NEAR(flops_per_class(spec), is_of_differences ? 12 : 4, 0.02) << describe(spec);
  }
  spec.problem.penalty = oracle::Penalty::kLogCosh;
  const double one = expected_cost(spec, "floating"), bytes = expected_cost(spec, "bytes");
  spec.problem.scales = {1, 2};
  const double blend = expected_cost(spec, "floating");
  spec.problem.scale_mode = oracle::ScaleMode::kSeparate;
  const double separate = expected_cost(spec, "floating");
  EXPECT_LT(one, blend);
  EXPECT_LT(blend, separate) << "a penalty for each scale";
  EXPECT_GT(bytes, 2.0 * 19 * 16 * 17 * 4 * 2) << "logits and gradient";
  EXPECT_EQ(expected_cost(spec, "bytes"), bytes);
  spec.problem.scale_mode = oracle::ScaleMode::kPyramid;
  EXPECT_GT(expected_cost(spec, "bytes"), bytes) << "logits are read for every scale";
}

/// State and workspace of a street-scene batch, label map finer by 4, take at most half of what the logits take.
TEST(Describe, LinearFormNeedsLittleMemory) {
  CaseSpec spec = plain_spec(1, 19, 128, 256);
  set_label_grid(spec, 512, 1024);
  spec.problem.scales = {1, 2, 4};
  for (const int threads : {1, 2}) {
    const Plan plan(api_problem(spec), make_options(ARLOSS_ALGORITHM_AUTO, threads));
    ASSERT_EQ(plan.status(), ARLOSS_STATUS_SUCCESS) << plan.message();
    const std::size_t percent = threads == 1 ? 50 : 55;
    EXPECT_LE(100 * (plan.state_bytes() + plan.workspace_bytes()), percent * 19 * 128 * 256 * 4) << threads;
  }
}

}  // namespace
}  // namespace support

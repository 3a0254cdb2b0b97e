/// What check_problem makes of a problem it takes: every default filled in. What it refuses is tested through the API.
#include "plan/problem.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "plan/refusal.h"

namespace arloss {
namespace {

/// 3 classes on a grid of 5 x 7 cells.
arloss_problem_t small_problem() {
  arloss_problem_t asked;
  arloss_problem_init(&asked);
  asked.classes = 3;
  asked.height = 5;
  asked.width = 7;
  return asked;
}

void set_scales(arloss_problem_t& asked, std::initializer_list<int> edges, std::initializer_list<float> weights) {
  asked.num_scales = static_cast<std::int32_t>(edges.size());
  std::copy(edges.begin(), edges.end(), asked.scales);
  std::copy(weights.begin(), weights.end(), asked.scale_weights);
}

std::vector<std::int64_t> edges_of(const Problem& problem) {
  std::vector<std::int64_t> edges;
  for (const Scale& scale : problem.scales) edges.push_back(scale.edge);
  return edges;
}

TEST(Problem, TakesTheDefaults) {
  const Problem problem = check_problem(small_problem());
  EXPECT_EQ(problem.batch, 1);
  EXPECT_EQ(problem.grid, (Extent{1, 5, 7}));
  EXPECT_EQ(problem.labels, problem.grid);
  EXPECT_TRUE(problem.has_ignore_index);
  EXPECT_EQ(problem.ignore_index, 255);
  EXPECT_EQ(problem.penalty, ARLOSS_PENALTY_SQUARED);
  EXPECT_EQ(problem.scale_mode, ARLOSS_SCALES_BLEND);
  EXPECT_EQ(problem.reduction, ARLOSS_REDUCTION_MEAN);
  EXPECT_EQ(problem.span, ARLOSS_SPAN_IMAGE);
  EXPECT_EQ(problem.loss_weight, 1);
  EXPECT_FALSE(problem.accumulate_gradient);
  EXPECT_EQ(edges_of(problem), std::vector<std::int64_t>{1});
  EXPECT_EQ(problem.scales[0].weight, 1);
  EXPECT_TRUE(problem.has_hard_labels());
}

TEST(Problem, ALabelSizeOfZeroIsTheGridsAxisByAxis) {
  arloss_problem_t asked = small_problem();
  asked.depth = 2;
  asked.label_width = 9;
  const Problem problem = check_problem(asked);
  EXPECT_EQ(problem.labels, (Extent{2, 5, 9}));
  EXPECT_EQ(problem.labels.count(), 90);
  EXPECT_FALSE(problem.has_hard_labels());
}

TEST(Problem, APenaltyParameterOfZeroNamesTheDefault) {
  const auto param = [](arloss_penalty_t penalty, float value) {
    arloss_problem_t asked = small_problem();
    asked.penalty = penalty;
    asked.penalty_param = value;
    return check_problem(asked).penalty_param;
  };
  EXPECT_EQ(param(ARLOSS_PENALTY_HUBER, 0), 0.1);
  EXPECT_EQ(param(ARLOSS_PENALTY_HUBER, 0.25f), 0.25);
  EXPECT_EQ(param(ARLOSS_PENALTY_CROSS_ENTROPY, 0), 1e-4);
  EXPECT_EQ(param(ARLOSS_PENALTY_CROSS_ENTROPY, 0.125f), 0.125);
  EXPECT_EQ(param(ARLOSS_PENALTY_LOG_COSH, 0), 0.1);
  EXPECT_EQ(param(ARLOSS_PENALTY_LOG_COSH, 1024.0f), 1024.0);
  EXPECT_EQ(param(ARLOSS_PENALTY_SQUARED, 0.25f), 0);
  EXPECT_EQ(param(ARLOSS_PENALTY_ABSOLUTE, 0.25f), 0);
}

TEST(Problem, ScaleWeightsOfZeroShareAlike) {
  arloss_problem_t asked = small_problem();
  set_scales(asked, {4, 1, 2}, {0, 0, 0});
  const Problem problem = check_problem(asked);
  EXPECT_EQ(edges_of(problem), (std::vector<std::int64_t>{1, 2, 4}));
  for (const Scale& scale : problem.scales) EXPECT_DOUBLE_EQ(scale.weight, 1.0 / 3);
}

TEST(Problem, ScalesAreNormalisedSortedAndWithoutThoseOfWeightZero) {
  arloss_problem_t asked = small_problem();
  set_scales(asked, {8, 1, 2, 3}, {1.5f, 0, 4, 0.5f});
  const Problem problem = check_problem(asked);
  EXPECT_EQ(edges_of(problem), (std::vector<std::int64_t>{2, 3, 8}));
  EXPECT_DOUBLE_EQ(problem.scales[0].weight, 4 / 6.0);
  EXPECT_DOUBLE_EQ(problem.scales[1].weight, 0.5 / 6);
  EXPECT_DOUBLE_EQ(problem.scales[2].weight, 1.5 / 6);
  EXPECT_EQ(problem.asked_edges, (std::vector<std::int64_t>{8, 1, 2, 3}));
  EXPECT_FALSE(problem.has_hard_labels()) << "scale 1 has weight 0";
}

TEST(Problem, OneScaleOfAnyWeightIsTheWhole) {
  arloss_problem_t asked = small_problem();
  set_scales(asked, {1, 2}, {1e-30f, 0});
  const Problem problem = check_problem(asked);
  ASSERT_EQ(problem.num_scales(), 1);
  EXPECT_EQ(problem.scales[0].weight, 1);
  EXPECT_TRUE(problem.has_hard_labels());
}

TEST(Problem, GroupsAndLossesFollowSpanAndReduction) {
  arloss_problem_t asked = small_problem();
  asked.batch = 6;
  asked.reduction = ARLOSS_REDUCTION_NONE;
  Problem problem = check_problem(asked);
  EXPECT_EQ(problem.num_groups(), 6);
  EXPECT_EQ(problem.group_of_image(4), 4);
  EXPECT_EQ(problem.num_losses(), 6);
  asked.reduction = ARLOSS_REDUCTION_SUM;
  asked.span = ARLOSS_SPAN_BATCH;
  problem = check_problem(asked);
  EXPECT_EQ(problem.num_groups(), 1);
  EXPECT_EQ(problem.group_of_image(4), 0);
  EXPECT_EQ(problem.num_losses(), 1);
}

TEST(Problem, AFlagIsAnythingButZero) {
  arloss_problem_t asked = small_problem();
  asked.has_ignore_index = -2;
  asked.accumulate_gradient = 3;
  asked.ignore_index = -7;
  const Problem problem = check_problem(asked);
  EXPECT_TRUE(problem.has_ignore_index);
  EXPECT_EQ(problem.ignore_index, -7);
  EXPECT_TRUE(problem.accumulate_gradient);
  asked.has_ignore_index = 0;
  EXPECT_FALSE(check_problem(asked).has_ignore_index);
}

TEST(Options, TakeTheDefaults) {
  arloss_options_t asked;
  arloss_options_init(&asked);
  const Options options = check_options(asked);
  EXPECT_EQ(options.device, ARLOSS_DEVICE_CPU);
  EXPECT_EQ(options.device_index, -1);
  EXPECT_EQ(options.algorithm, ARLOSS_ALGORITHM_AUTO);
  EXPECT_FALSE(options.exact);
  EXPECT_EQ(options.num_threads, 0);
}

TEST(Problem, ElementsHaveTheirBytes) {
  EXPECT_EQ(logit_bytes(ARLOSS_DTYPE_FLOAT32), 4);
  EXPECT_EQ(logit_bytes(ARLOSS_DTYPE_FLOAT16), 2);
  EXPECT_EQ(logit_bytes(ARLOSS_DTYPE_BFLOAT16), 2);
  EXPECT_EQ(label_bytes(ARLOSS_DTYPE_UINT8), 1);
  EXPECT_EQ(label_bytes(ARLOSS_DTYPE_INT32), 4);
  EXPECT_EQ(label_bytes(ARLOSS_DTYPE_INT64), 8);
}

/// The status and text check_problem refuses with.
std::pair<arloss_status_t, std::string> refusal_of(const arloss_problem_t& asked) {
  try {
    check_problem(asked);
  } catch (const Refusal& refusal) {
    return {refusal.status(), refusal.what()};
  }
  return {ARLOSS_STATUS_SUCCESS, ""};
}

TEST(Problem, LimitsOfThisBuildAreTakenAndOneMoreIsUnsupported) {
  arloss_problem_t asked = small_problem();
  asked.classes = 32768;
  EXPECT_EQ(check_problem(asked).classes, 32768);
  asked.classes = 32769;
  EXPECT_EQ(refusal_of(asked).first, ARLOSS_STATUS_UNSUPPORTED);
  asked = small_problem();
  asked.label_height = 65535;
  asked.label_width = 65537;  // 2^32 - 1 pixels
  EXPECT_EQ(check_problem(asked).labels.count(), std::numeric_limits<std::uint32_t>::max());
  asked.label_height = asked.label_width = 65536;
  EXPECT_EQ(refusal_of(asked).first, ARLOSS_STATUS_UNSUPPORTED);
}

TEST(Problem, SizesTooLargeTogetherAreRefused) {
  const std::int64_t large = std::int64_t{1} << 31;
  arloss_problem_t asked = small_problem();
  asked.height = asked.width = large;
  const auto [status, text] = refusal_of(asked);
  EXPECT_EQ(status, ARLOSS_STATUS_INVALID_ARGUMENT);
  EXPECT_NE(text.find("too large together"), std::string::npos) << text;
}

}  // namespace
}  // namespace arloss

/// What arloss_plan_create refuses: each rule of the header, with the status, and a message that names field and value.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "support/runner.h"

namespace support {
namespace {

struct Asked {
  arloss_problem_t problem;
  arloss_options_t options;
};

Asked valid_request() {
  CaseSpec spec = plain_spec(2, 5, 6, 7);
  spec.seed = 0;  // label sizes stated
  return {api_problem(spec), make_options(ARLOSS_ALGORITHM_AUTO)};
}

struct Refused {
  const char* name;
  std::function<void(Asked&)> change;
  arloss_status_t status;
  std::vector<std::string> words;  // all to be found in the message
};

void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.name; }

/// Store a number in an enum field, as a C caller can.
template <class Enum>
void set_raw(Enum& field, int value) {
  std::memcpy(&field, &value, sizeof field);
}

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::int64_t kHuge = std::int64_t{1} << 40;
constexpr arloss_status_t kInvalid = ARLOSS_STATUS_INVALID_ARGUMENT;
constexpr arloss_status_t kUnsupported = ARLOSS_STATUS_UNSUPPORTED;

std::vector<Refused> bad_sizes() {
  return {
      {"batch_0", [](Asked& a) { a.problem.batch = 0; }, kInvalid, {"batch", "0"}},
      {"batch_negative", [](Asked& a) { a.problem.batch = -3; }, kInvalid, {"batch", "-3"}},
      {"classes_0", [](Asked& a) { a.problem.classes = 0; }, kInvalid, {"classes", "0"}},
      {"classes_negative", [](Asked& a) { a.problem.classes = -7; }, kInvalid, {"classes", "-7"}},
      {"depth_0", [](Asked& a) { a.problem.depth = 0; }, kInvalid, {"depth", "0"}},
      {"height_0", [](Asked& a) { a.problem.height = 0; }, kInvalid, {"height", "0"}},
      {"height_negative", [](Asked& a) { a.problem.height = -1; }, kInvalid, {"height", "-1"}},
      {"width_0", [](Asked& a) { a.problem.width = 0; }, kInvalid, {"width", "0"}},
      {"label_depth_negative", [](Asked& a) { a.problem.label_depth = -1; }, kInvalid, {"label_depth", "-1"}},
      {"label_depth_small",
       [](Asked& a) {
         a.problem.depth = 3;
         a.problem.label_depth = 2;
       },
       kInvalid,
       {"label_depth", "2", "3"}},
      {"label_height_small", [](Asked& a) { a.problem.label_height = 5; }, kInvalid, {"label_height", "5", "6"}},
      {"label_width_small", [](Asked& a) { a.problem.label_width = 6; }, kInvalid, {"label_width", "6", "7"}},
      {"label_width_negative", [](Asked& a) { a.problem.label_width = -9; }, kInvalid, {"label_width", "-9"}},
      {"sizes_overflow",
       [](Asked& a) {
         a.problem.batch = a.problem.height = kHuge;
         a.problem.label_height = 0;
       },
       kInvalid,
       {"batch"}},
      {"label_sizes_overflow",
       [](Asked& a) { a.problem.label_height = a.problem.label_width = kHuge; },
       kInvalid,
       {"label"}},
  };
}

std::vector<Refused> bad_enums() {
  return {
      {"logits_dtype_unknown", [](Asked& a) { set_raw(a.problem.logits_dtype, 99); }, kInvalid, {"logits_dtype", "99"}},
      {"logits_dtype_of_labels",
       [](Asked& a) { a.problem.logits_dtype = ARLOSS_DTYPE_UINT8; },
       kInvalid,
       {"logits_dtype", "10"}},
      {"labels_dtype_unknown", [](Asked& a) { set_raw(a.problem.labels_dtype, -2); }, kInvalid, {"labels_dtype", "-2"}},
      {"labels_dtype_of_logits",
       [](Asked& a) { a.problem.labels_dtype = ARLOSS_DTYPE_FLOAT32; },
       kInvalid,
       {"labels_dtype", "0"}},
      {"layout_unknown", [](Asked& a) { set_raw(a.problem.logits_layout, 2); }, kInvalid, {"logits_layout", "2"}},
      {"scale_mode_unknown", [](Asked& a) { set_raw(a.problem.scale_mode, 3); }, kInvalid, {"scale_mode", "3"}},
      {"penalty_unknown",
       [](Asked& a) { set_raw(a.problem.penalty, 5); },
       kInvalid,
       {"penalty", "5", "SQUARED", "LOG_COSH"}},
      {"reduction_unknown", [](Asked& a) { set_raw(a.problem.reduction, -1); }, kInvalid, {"reduction", "-1"}},
      {"span_unknown", [](Asked& a) { set_raw(a.problem.span, 2); }, kInvalid, {"span", "2"}},
      {"device_unknown", [](Asked& a) { set_raw(a.options.device, 5); }, kInvalid, {"device", "5"}},
      {"algorithm_unknown", [](Asked& a) { set_raw(a.options.algorithm, 3); }, kInvalid, {"algorithm", "3"}},
  };
}

std::vector<Refused> bad_factors() {
  return {
      {"loss_weight_negative", [](Asked& a) { a.problem.loss_weight = -0.5f; }, kInvalid, {"loss_weight", "-0.5"}},
      {"loss_weight_nan", [](Asked& a) { a.problem.loss_weight = kNaN; }, kInvalid, {"loss_weight", "nan"}},
      {"loss_weight_inf", [](Asked& a) { a.problem.loss_weight = kInfinity; }, kInvalid, {"loss_weight", "inf"}},
      {"scale_weight_negative",
       [](Asked& a) { a.problem.scale_weights[0] = -1; },
       kInvalid,
       {"scale_weights[0]", "-1"}},
      {"scale_weight_nan",
       [](Asked& a) {
         a.problem.num_scales = 2;
         a.problem.scales[1] = 2;
         a.problem.scale_weights[1] = kNaN;
       },
       kInvalid,
       {"scale_weights[1]", "nan"}},
      {"scale_weight_inf",
       [](Asked& a) { a.problem.scale_weights[0] = kInfinity; },
       kInvalid,
       {"scale_weights[0]", "inf"}},
      {"huber_delta_negative",
       [](Asked& a) {
         a.problem.penalty = ARLOSS_PENALTY_HUBER;
         a.problem.penalty_param = -0.25f;
       },
       kInvalid,
       {"penalty_param", "-0.25"}},
      {"huber_delta_inf",
       [](Asked& a) {
         a.problem.penalty = ARLOSS_PENALTY_HUBER;
         a.problem.penalty_param = kInfinity;
       },
       kInvalid,
       {"penalty_param", "inf"}},
      {"log_cosh_delta_negative",
       [](Asked& a) {
         a.problem.penalty = ARLOSS_PENALTY_LOG_COSH;
         a.problem.penalty_param = -0.25f;
       },
       kInvalid,
       {"penalty_param", "-0.25"}},
      {"log_cosh_delta_inf",
       [](Asked& a) {
         a.problem.penalty = ARLOSS_PENALTY_LOG_COSH;
         a.problem.penalty_param = kInfinity;
       },
       kInvalid,
       {"penalty_param", "inf"}},
      {"log_cosh_delta_nan",
       [](Asked& a) {
         a.problem.penalty = ARLOSS_PENALTY_LOG_COSH;
         a.problem.penalty_param = kNaN;
       },
       kInvalid,
       {"penalty_param", "nan"}},
      {"cross_entropy_eps_half",
       [](Asked& a) {
         a.problem.penalty = ARLOSS_PENALTY_CROSS_ENTROPY;
         a.problem.penalty_param = 0.5f;
       },
       kInvalid,
       {"penalty_param", "0.5", "CROSS_ENTROPY", "1e-04"}},
      {"cross_entropy_eps_negative",
       [](Asked& a) {
         a.problem.penalty = ARLOSS_PENALTY_CROSS_ENTROPY;
         a.problem.penalty_param = -1;
       },
       kInvalid,
       {"penalty_param", "-1"}},
      {"cross_entropy_eps_nan",
       [](Asked& a) {
         a.problem.penalty = ARLOSS_PENALTY_CROSS_ENTROPY;
         a.problem.penalty_param = kNaN;
       },
       kInvalid,
       {"penalty_param", "nan"}},
      {"num_threads_negative", [](Asked& a) { a.options.num_threads = -2; }, kInvalid, {"num_threads", "-2"}},
  };
}

std::vector<Refused> bad_scales() {
  return {
      {"num_scales_0", [](Asked& a) { a.problem.num_scales = 0; }, kInvalid, {"num_scales", "0"}},
      {"num_scales_9", [](Asked& a) { a.problem.num_scales = 9; }, kInvalid, {"num_scales", "9"}},
      {"num_scales_negative", [](Asked& a) { a.problem.num_scales = -1; }, kInvalid, {"num_scales", "-1"}},
      {"scale_0", [](Asked& a) { a.problem.scales[0] = 0; }, kInvalid, {"scales[0]", "0"}},
      {"scale_negative",
       [](Asked& a) {
         a.problem.num_scales = 2;
         a.problem.scales[1] = -4;
       },
       kInvalid,
       {"scales[1]", "-4"}},
      {"scale_repeated",
       [](Asked& a) {
         a.problem.num_scales = 3;
         a.problem.scales[0] = 4;
         a.problem.scales[1] = 2;
         a.problem.scales[2] = 4;
       },
       kInvalid,
       {"scales[2]", "4"}},
  };
}

std::vector<Refused> bad_combinations() {
  return {
      {"problem_struct_size", [](Asked& a) { a.problem.struct_size = 8; }, kInvalid, {"struct_size", "8"}},
      {"options_struct_size", [](Asked& a) { a.options.struct_size -= 1; }, kInvalid, {"struct_size"}},
      {"span_batch_without_reduction",
       [](Asked& a) {
         a.problem.span = ARLOSS_SPAN_BATCH;
         a.problem.reduction = ARLOSS_REDUCTION_NONE;
       },
       kInvalid,
       {"reduction", "NONE", "BATCH"}},
      {"factored_cross_entropy",
       [](Asked& a) {
         a.options.algorithm = ARLOSS_ALGORITHM_FACTORED;
         a.problem.penalty = ARLOSS_PENALTY_CROSS_ENTROPY;
       },
       kUnsupported,
       {"algorithm", "CROSS_ENTROPY"}},
      {"factored_log_cosh",
       [](Asked& a) {
         a.options.algorithm = ARLOSS_ALGORITHM_FACTORED;
         a.problem.penalty = ARLOSS_PENALTY_LOG_COSH;
         a.problem.penalty_param = 2;
       },
       kUnsupported,
       {"algorithm", "LOG_COSH has no linear form"}},
      {"factored_small_huber",
       [](Asked& a) {
         a.options.algorithm = ARLOSS_ALGORITHM_FACTORED;
         a.problem.penalty = ARLOSS_PENALTY_HUBER;
         a.problem.penalty_param = 0.75f;
       },
       kUnsupported,
       {"algorithm", "HUBER", "0.75"}},
      {"factored_absolute_with_finer_labels",
       [](Asked& a) {
         a.options.algorithm = ARLOSS_ALGORITHM_FACTORED;
         a.problem.penalty = ARLOSS_PENALTY_ABSOLUTE;
         a.problem.label_height = 12;
       },
       kUnsupported,
       {"algorithm", "ABSOLUTE", "hard labels"}},
      {"factored_absolute_with_scales",
       [](Asked& a) {
         a.options.algorithm = ARLOSS_ALGORITHM_FACTORED;
         a.problem.penalty = ARLOSS_PENALTY_ABSOLUTE;
         a.problem.num_scales = 2;
         a.problem.scales[1] = 2;
       },
       kUnsupported,
       {"algorithm", "ABSOLUTE", "hard labels"}},
  };
}

class PlanRefusal : public ::testing::TestWithParam<Refused> {};

TEST_P(PlanRefusal, NamesFieldAndValue) {
  Asked asked = valid_request();
  ASSERT_EQ(Plan(asked.problem, asked.options).status(), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
  GetParam().change(asked);
  arloss_plan_t* plan = nullptr;
  EXPECT_EQ(arloss_plan_create(&plan, &asked.problem, &asked.options), GetParam().status);
  EXPECT_EQ(plan, nullptr);
  const std::string message = arloss_last_message();
  for (const std::string& word : GetParam().words) EXPECT_NE(message.find(word), std::string::npos) << message;
  arloss_plan_destroy(plan);
}

constexpr auto kName = [](const auto& refused) { return std::string(refused.param.name); };
INSTANTIATE_TEST_SUITE_P(Sizes, PlanRefusal, ::testing::ValuesIn(bad_sizes()), kName);
INSTANTIATE_TEST_SUITE_P(Enums, PlanRefusal, ::testing::ValuesIn(bad_enums()), kName);
INSTANTIATE_TEST_SUITE_P(Factors, PlanRefusal, ::testing::ValuesIn(bad_factors()), kName);
INSTANTIATE_TEST_SUITE_P(Scales, PlanRefusal, ::testing::ValuesIn(bad_scales()), kName);
INSTANTIATE_TEST_SUITE_P(Combinations, PlanRefusal, ::testing::ValuesIn(bad_combinations()), kName);

TEST(PlanRefusal, NullArguments) {
  const Asked asked = valid_request();
  arloss_plan_t* plan = nullptr;
  EXPECT_EQ(arloss_plan_create(nullptr, &asked.problem, &asked.options), kInvalid);
  EXPECT_NE(std::string(arloss_last_message()).find("plan"), std::string::npos);
  EXPECT_EQ(arloss_plan_create(&plan, nullptr, &asked.options), kInvalid);
  EXPECT_NE(std::string(arloss_last_message()).find("problem"), std::string::npos);
  EXPECT_EQ(plan, nullptr);
}

/// Where CUDA is not built in, or no device is there, asking for it says so.
TEST(PlanRefusal, CudaWithoutADevice) {
  if (arloss_device_available(ARLOSS_DEVICE_CUDA) != 0) GTEST_SKIP() << "a CUDA device is usable here";
  Asked asked = valid_request();
  asked.options.device = ARLOSS_DEVICE_CUDA;
  const Plan plan(asked.problem, asked.options);
  EXPECT_TRUE(plan.status() == kUnsupported || plan.status() == ARLOSS_STATUS_NO_DEVICE);
  EXPECT_NE(plan.message().find("CUDA"), std::string::npos) << plan.message();
}

/// The outermost values that are still fine.
TEST(PlanRefusal, AcceptsTheBorders) {
  const std::vector<std::function<void(Asked&)>> borders = {
      [](Asked& a) { a.problem.batch = 1; },
      [](Asked& a) { a.problem.label_depth = a.problem.label_height = a.problem.label_width = 0; },
      [](Asked& a) { a.problem.loss_weight = 0; },
      [](Asked& a) { a.problem.struct_size += 64; },
      [](Asked& a) {
        a.problem.num_scales = ARLOSS_MAX_SCALES;
        for (int k = 0; k < ARLOSS_MAX_SCALES; ++k) a.problem.scales[k] = std::numeric_limits<std::int32_t>::max() - k;
      },
      [](Asked& a) {
        a.problem.penalty = ARLOSS_PENALTY_CROSS_ENTROPY;
        a.problem.penalty_param = std::nextafterf(0.5f, 0.0f);
      },
      [](Asked& a) {
        a.problem.penalty = ARLOSS_PENALTY_CROSS_ENTROPY;
        a.problem.penalty_param = std::numeric_limits<float>::min();
      },
      [](Asked& a) { set_raw(a.problem.penalty, 4); },
      [](Asked& a) {
        a.problem.penalty = ARLOSS_PENALTY_LOG_COSH;
        a.problem.penalty_param = std::numeric_limits<float>::denorm_min();
      },
      [](Asked& a) {
        a.problem.penalty = ARLOSS_PENALTY_LOG_COSH;
        a.problem.penalty_param = std::numeric_limits<float>::max();
      },
      [](Asked& a) {
        a.problem.penalty = ARLOSS_PENALTY_HUBER;
        a.problem.penalty_param = 1;
        a.options.algorithm = ARLOSS_ALGORITHM_FACTORED;
      },
      [](Asked& a) {
        a.problem.span = ARLOSS_SPAN_BATCH;
        a.problem.reduction = ARLOSS_REDUCTION_SUM;
      },
      [](Asked& a) { a.problem.ignore_index = std::numeric_limits<std::int64_t>::min(); },
      // What stands behind the scales that are used is not looked at.
      [](Asked& a) { a.problem.scales[1] = -1, a.problem.scale_weights[1] = kNaN; },
  };
  for (const auto& change : borders) {
    Asked asked = valid_request();
    change(asked);
    const Plan plan(asked.problem, asked.options);
    EXPECT_EQ(plan.status(), ARLOSS_STATUS_SUCCESS) << plan.message();
  }
}

}  // namespace
}  // namespace support

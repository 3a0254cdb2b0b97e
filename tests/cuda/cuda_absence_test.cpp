/// CUDA built in, but no device: plans say so, and the CPU serves as ever.
#include <gtest/gtest.h>

#include <string>

#include "support/runner.h"

namespace support {
namespace {

TEST(CudaAbsence, NoPlanWithoutADevice) {
  const arloss_problem_t problem = api_problem(plain_spec(1, 3, 4, 4));
  for (const std::int32_t index : {-1, 0, 1}) {
    arloss_options_t options = make_options(ARLOSS_ALGORITHM_AUTO);
    options.device = ARLOSS_DEVICE_CUDA;
    options.device_index = index;
    const Plan plan(problem, options);
    EXPECT_EQ(plan.status(), ARLOSS_STATUS_NO_DEVICE) << plan.message();
    EXPECT_NE(plan.message().find("CUDA"), std::string::npos) << plan.message();
    EXPECT_EQ(plan.get(), nullptr);
  }
}

TEST(CudaAbsence, NoDeviceIsAvailable) {
  EXPECT_EQ(arloss_device_available(ARLOSS_DEVICE_CUDA), 0);
  EXPECT_EQ(arloss_device_available(ARLOSS_DEVICE_CPU), 1);
}

TEST(CudaAbsence, TheCpuServes) {
  const CaseSpec spec = plain_spec(1, 3, 4, 4);
  const Outcome outcome = run(spec, pack(spec, draw_inputs(spec)), ARLOSS_ALGORITHM_AUTO);
  ASSERT_EQ(outcome.loss.size(), 1u);
  EXPECT_GT(outcome.loss[0], 0);
}

}  // namespace
}  // namespace support

/// The accuracy contract (docs/numerics.md) on CUDA: lists of problems and golden cases against float64, and against
/// the CPU backend where there are more cells than the oracle is asked for.
#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "cuda/device_case_lists.h"
#include "cuda/device_runner.h"
#include "oracle/golden.h"
#include "support/golden_case.h"
#include "support/thinning.h"
#include "support/tolerance.h"

namespace support {
namespace {

constexpr DeviceList kLists[] = {{"mixed", mixed_device_list},
                                 {"regimes", regime_device_list},
                                 {"sizes", size_device_list},
                                 {"classes", class_device_list}};

class DeviceCaseList : public ::testing::TestWithParam<DeviceList> {};

TEST_P(DeviceCaseList, IsWithinTheContract) {
  for (const CaseSpec& spec : GetParam().make()) expect_accurate_on_device(build_case(spec));
}

INSTANTIATE_TEST_SUITE_P(CudaAccuracy, DeviceCaseList, ::testing::ValuesIn(kLists),
                         [](const auto& list) { return std::string(list.param.name); });

class DeviceGoldens : public ::testing::TestWithParam<std::string> {};

TEST_P(DeviceGoldens, AreWithinTheContract) {
  const oracle::Golden golden = oracle::load_golden(GetParam());
  const Case uint8_nchw = golden_case(golden, ARLOSS_LAYOUT_NCHW, ARLOSS_DTYPE_UINT8);
  if (!uint8_nchw.spec.is_factorable()) GTEST_SKIP() << "there is no linear form";
  expect_accurate_on_device(uint8_nchw);
  expect_accurate_on_device(golden_case(golden, ARLOSS_LAYOUT_NHWC, ARLOSS_DTYPE_INT32));
  expect_accurate_on_device(golden_case(golden, ARLOSS_LAYOUT_NHWC, ARLOSS_DTYPE_INT64));
}

INSTANTIATE_TEST_SUITE_P(CudaAccuracy, DeviceGoldens, ::testing::ValuesIn(oracle::golden_names()),
                         [](const auto& golden) { return golden.param; });

TEST(CudaAccuracy, AgreesWithTheCpu) {
  for (const CaseSpec& spec : large_device_list()) expect_agreement_with_cpu(spec, draw_inputs(spec));
}

/// Sure of a class that is seldom the right one: all of the gradient hangs on roots of next to no probability.
TEST(CudaAccuracy, ConfidentlyWrongWithoutBound) {
  constexpr double kMargins[] = {16, 30, 60};
  for (CaseSpec spec : device_kinds(5)) {
    spec.logits_dtype = ARLOSS_DTYPE_FLOAT32;
    const std::int64_t classes = spec.problem.classes, cells = spec.cells();
    oracle::Inputs inputs = draw_inputs(spec);
    for (std::int64_t b = 0; b < spec.problem.batch; ++b)
      for (std::int64_t i = 0; i < cells; ++i) {
        double& logit = inputs.logits[static_cast<std::size_t>((b * classes + (5 * i + i / 7) % classes) * cells + i)];
        logit = static_cast<float>(logit + kMargins[spec.seed % std::size(kMargins)]);
      }
    expect_accurate_on_device(build_case(spec, inputs));
  }
}

/// A whole chunk of rows of one class, two classes in all: where the sums cancel most.
TEST(CudaAccuracy, TwoClassesNearTheOptimum) {
  for (const Regime regime : {Regime::kNearPerfect4, Regime::kNearPerfect8})
    for (std::uint64_t seed = 100; seed < 112; ++seed) {
      CaseSpec spec = plain_spec(1, 2, 16, 16);
      spec.label_map = LabelMap::kOneClass;
      spec.regime = regime;
      spec.seed = seed;
      expect_accurate_on_device(build_case(spec));
    }
}

}  // namespace
}  // namespace support

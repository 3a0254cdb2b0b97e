/// All pairs on CUDA: lists of problems and golden cases against float64, and against the CPU backend where there are
/// more cells than the oracle is asked for.
#include <gtest/gtest.h>

#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

#include "cuda/device_case_lists.h"
#include "cuda/device_runner.h"
#include "oracle/golden.h"
#include "support/golden_case.h"

namespace support {
namespace {

constexpr DeviceList kLists[] = {
    {"mixed", mixed_pair_list}, {"regimes", regime_pair_list}, {"sizes", size_pair_list}, {"classes", class_pair_list}};

class PairCaseList : public ::testing::TestWithParam<DeviceList> {};

TEST_P(PairCaseList, IsWithinTheContract) {
  for (const CaseSpec& spec : GetParam().make()) expect_accurate_on_device(build_case(spec));
}

INSTANTIATE_TEST_SUITE_P(CudaPairwise, PairCaseList, ::testing::ValuesIn(kLists),
                         [](const auto& list) { return std::string(list.param.name); });

class PairGoldens : public ::testing::TestWithParam<std::string> {};

TEST_P(PairGoldens, AreWithinTheContract) {
  Case golden = golden_case(oracle::load_golden(GetParam()), ARLOSS_LAYOUT_NCHW, ARLOSS_DTYPE_UINT8);
  golden.spec.device_algorithm = ARLOSS_ALGORITHM_PAIRWISE;
  for (const bool is_exact : {false, true}) {
    golden.spec.is_exact = is_exact;
    expect_accurate_on_device(golden);
  }
}

INSTANTIATE_TEST_SUITE_P(CudaPairwise, PairGoldens, ::testing::ValuesIn(oracle::golden_names()),
                         [](const auto& golden) { return golden.param; });

/// Runs of column tiles beyond the first, and several splits of them.
TEST(CudaPairwise, AgreesWithTheCpu) {
  CaseSpec spec = plain_spec(1, 19, 3, 683);
  set_label_grid(spec, 6, 1366);
  spec.problem.scales = {1, 2};
  spec.device_algorithm = ARLOSS_ALGORITHM_PAIRWISE;
  spec.regime = Regime::kTrainedLike;
  for (const oracle::Penalty penalty : {oracle::Penalty::kSquared, oracle::Penalty::kHuber})
    for (const bool is_exact : {false, true}) {
      spec.problem.penalty = penalty;
      spec.is_exact = is_exact;
      expect_agreement_with_cpu(spec, draw_inputs(spec));
    }
}

/// A cell's own gradient, as large as all the others' together, is of light columns alone.
TEST(CudaPairwise, OneHeavyCellKeepsItsDigits) {
  std::size_t number = 0;
  for (CaseSpec spec : pair_kinds(5)) {
    spec.weights = Weights::kOneHeavy;
    spec.regime = kAllRegimes[number++ % std::size(kAllRegimes)];
    expect_accurate_on_device(build_case(spec));
  }
}

TEST(CudaPairwise, SaysHowPairsAreFormed) {
  CaseSpec spec = plain_spec(1, 19, 5, 13);
  spec.device_algorithm = ARLOSS_ALGORITHM_PAIRWISE;
  const auto expect_form = [&spec](const std::string& form) {
    with_cuda_plan(spec, [&form](const Plan& plan) {
      EXPECT_EQ(plan.route(), "pairwise");
      EXPECT_EQ(plan.described("pairs").rfind(form, 0), 0u) << plan.description();
    });
  };
  expect_form("products of rows as halves");
  spec.is_exact = true;
  expect_form("products of rows as two halves each");
  spec.problem.penalty = oracle::Penalty::kAbsolute;
  expect_form("differences of rows");
}

/// Rows, never pairs: four times the cells take four times the memory.
TEST(CudaPairwise, MemoryIsLinear) {
  for (CaseSpec spec : pair_kinds(1)) {
    std::size_t bytes[2];
    for (const int turn : {0, 1}) {
      spec = resized({spec}, 2, 11, turn == 0 ? 256 : 512, turn == 0 ? 128 : 256)[0];
      with_cuda_plan(spec, [&](const Plan& plan) {
        bytes[turn] = plan.workspace_bytes();
        EXPECT_EQ(plan.state_bytes(), 0u);
      });
    }
    EXPECT_LE(bytes[1], 4 * bytes[0] + 4096) << describe(spec);
  }
}

}  // namespace
}  // namespace support

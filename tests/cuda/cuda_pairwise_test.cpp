/// All pairs on CUDA: lists of problems and golden cases against float64, and against the CPU backend where there are
/// more cells than the oracle is asked for.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "cuda/device_case_lists.h"
#include "cuda/device_runner.h"
#include "oracle/golden.h"
#include "support/golden_case.h"

namespace support {
namespace {

struct List {
  const char* name;
  std::vector<CaseSpec> (*make)();
};

void PrintTo(const List& list, std::ostream* out) { *out << list.name; }

constexpr List kLists[] = {
    {"mixed", mixed_pair_list}, {"regimes", regime_pair_list}, {"sizes", size_pair_list}, {"classes", class_pair_list}};

class PairCaseList : public ::testing::TestWithParam<List> {};

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

}  // namespace
}  // namespace support

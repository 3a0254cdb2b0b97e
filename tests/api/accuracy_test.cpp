/// The accuracy contract (docs/numerics.md): long lists of problems against the float64 oracle, every algorithm that is
/// exact for a problem on every SIMD target.
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "oracle/golden.h"
#include "support/case_lists.h"
#include "support/golden_case.h"
#include "support/simd_targets.h"
#include "support/sweep.h"
#include "support/thinning.h"
#include "support/tolerance.h"

namespace support {
namespace {

/// forward_backward within the contract, forward + backward the same bits.
void expect_accurate_run(const Case& test, const Plan& plan) {
  const Outcome outcome = run_forward_backward(plan, test.spec, test.batch);
  expect_accurate(test, outcome, plan.route());
  EXPECT_TRUE(run_forward_then_backward(plan, test.spec, test.batch) == outcome)
      << "forward + backward differ from forward_backward";
}

/// AUTO takes a linear form wherever one is exact.
void expect_auto_route(const Case& test) {
  const Plan automatic(test.batch.problem, make_options(ARLOSS_ALGORITHM_AUTO));
  const Plan preferred(test.batch.problem, make_options(algorithms_of(test.spec).front()));
  ASSERT_EQ(automatic.status(), ARLOSS_STATUS_SUCCESS) << automatic.message();
  EXPECT_EQ(automatic.route(), preferred.route());
}

void expect_accurate_everywhere(const Case& test, std::size_t case_index) {
  for_each_plan(
      test.spec, test.batch.problem, [&test](const Plan& plan) { expect_accurate_run(test, plan); }, case_index);
  expect_auto_route(test);
}

/// A list in chunks, so that the oracle of a case is evaluated once for all targets and a failure is still local.
struct List {
  const char* name;
  std::vector<CaseSpec> (*make)();
};

constexpr std::size_t kChunk = 30;
const List kLists[] = {{"mixed", mixed_list}, {"regimes", regime_list}, {"sizes", size_list}, {"classes", class_list}};

struct Chunk {
  const List* list;
  std::size_t number;
};

void PrintTo(const Chunk& chunk, std::ostream* out) { *out << chunk.list->name << " " << chunk.number; }

std::vector<Chunk> all_chunks() {
  std::vector<Chunk> chunks;
  for (const List& list : kLists)
    for (std::size_t begin = 0; begin < list.make().size(); begin += kChunk) chunks.push_back({&list, begin / kChunk});
  return chunks;
}

class CaseList : public ::testing::TestWithParam<Chunk> {};

TEST_P(CaseList, IsWithinTheContract) {
  const std::vector<CaseSpec> list = GetParam().list->make();
  const std::size_t begin = GetParam().number * kChunk;
  for (std::size_t i = begin; i < list.size() && i < begin + kChunk; ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    expect_accurate_everywhere(build_case(list[i]), i);
  }
}

INSTANTIATE_TEST_SUITE_P(Accuracy, CaseList, ::testing::ValuesIn(all_chunks()), [](const auto& chunk) {
  return std::string(chunk.param.list->name) + "_" + std::to_string(chunk.param.number);
});

class Goldens : public ::testing::TestWithParam<std::string> {};

TEST_P(Goldens, AreWithinTheContract) {
  const oracle::Golden golden = oracle::load_golden(GetParam());
  ASSERT_NE(golden.problem.reduction, oracle::Reduction::kNone);
  for (const arloss_layout_t layout : {ARLOSS_LAYOUT_NCHW, ARLOSS_LAYOUT_NHWC})
    for (const arloss_dtype_t labels : {ARLOSS_DTYPE_UINT8, ARLOSS_DTYPE_INT32, ARLOSS_DTYPE_INT64})
      expect_accurate_everywhere(golden_case(golden, layout, labels), static_cast<std::size_t>(labels));
}

INSTANTIATE_TEST_SUITE_P(Accuracy, Goldens, ::testing::ValuesIn(oracle::golden_names()),
                         [](const auto& golden) { return golden.param; });

TEST(Accuracy, ManyClassesOnAThousandCells) {
  for (const std::int64_t classes : {171, 300}) {
    CaseSpec spec = plain_spec(1, classes, 41, 25);
    spec.labels_dtype = ARLOSS_DTYPE_INT32;
    spec.regime = Regime::kTrainedLike;
    spec.num_threads = 2;
    if (classes == 300) set_label_grid(spec, 82, 80);
    expect_accurate_everywhere(build_case(spec), static_cast<std::size_t>(classes));
  }
}

CaseSpec street_spec() {
  CaseSpec spec = plain_spec(1, 19, 97, 97);
  spec.regime = Regime::kTrainedLike;
  spec.num_threads = 2;
  return spec;
}

void expect_accurate_street(const CaseSpec& spec, arloss_algorithm_t algorithm) {
  const Case test = build_case(spec);
  const Plan plan(test.batch.problem, make_options(algorithm, spec.num_threads));
  ASSERT_EQ(plan.status(), ARLOSS_STATUS_SUCCESS) << plan.message();
  expect_accurate_run(test, plan);
}

/// 9409 cells of 19 classes, as a network of stride 8 has them.
TEST(Accuracy, Street97HardLabels) {
  if (kIsThinned) GTEST_SKIP() << "88 million pairs take too long under a sanitizer";
  const Case test = build_case(street_spec());
  expect_accurate_everywhere(test, 0);
}

TEST(Accuracy, Street97FinerLabels) {
  if (kIsThinned) GTEST_SKIP() << "88 million pairs take too long under a sanitizer";
  CaseSpec spec = street_spec();
  set_label_grid(spec, 769, 769);
  spec.problem.scales = {1, 2, 4};
  expect_accurate_street(spec, ARLOSS_ALGORITHM_FACTORED);
  spec.problem.scale_mode = oracle::ScaleMode::kPyramid;
  expect_accurate_street(spec, ARLOSS_ALGORITHM_FACTORED);
}

/// Where both forms apply they agree, also on more cells than the oracle is asked for in every case.
TEST(Accuracy, LinearAgreesWithPairwise) {
  CaseSpec spec = plain_spec(2, 19, kIsThinned ? 20 : 45, 56);
  set_label_grid(spec, 190, 224);
  spec.problem.scales = {1, 2, 4};
  spec.num_threads = 2;
  for (const oracle::ScaleMode mode :
       {oracle::ScaleMode::kBlend, oracle::ScaleMode::kSeparate, oracle::ScaleMode::kPyramid})
    for (const Regime regime : {Regime::kRandom, Regime::kTrainedLike, Regime::kNearPerfect4}) {
      spec.problem.scale_mode = mode;
      spec.regime = regime;
      const Batch batch = pack(spec, draw_inputs(spec));
      for (const std::int64_t target : simd_targets_for(static_cast<std::size_t>(regime))) {
        const ScopedSimdTarget scope(target);
        SCOPED_TRACE(describe(spec) + ", " + simd_target_name(target));
        const Outcome linear = run(spec, batch, ARLOSS_ALGORITHM_FACTORED);
        const Outcome pairwise = run(spec, batch, ARLOSS_ALGORITHM_PAIRWISE);
        EXPECT_NEAR(linear.loss[0], pairwise.loss[0], 2e-5 * pairwise.loss[0]);
        EXPECT_LE(distance(linear.gradient, pairwise.gradient), 2e-5 * norm(pairwise.gradient));
      }
    }
}

}  // namespace
}  // namespace support

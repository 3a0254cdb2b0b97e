/// The tests' own tools: a tool that draws easy inputs or rounds wrongly would let the library off.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "support/case_lists.h"
#include "support/guarded_buffer.h"
#include "support/half.h"
#include "support/simd_targets.h"
#include "support/thinning.h"

namespace support {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Half, Float16RoundsToNearestEven) {
  EXPECT_EQ(round_to(ARLOSS_DTYPE_FLOAT16, 1 + 0x1p-11), 1);                      // half way, down to even
  EXPECT_EQ(round_to(ARLOSS_DTYPE_FLOAT16, 1 + 3 * 0x1p-11), 1 + 0x1p-9);         // half way, up to even
  EXPECT_EQ(round_to(ARLOSS_DTYPE_FLOAT16, 1 + 0x1p-11 + 0x1p-40), 1 + 0x1p-10);  // one rounding, not two
  EXPECT_EQ(round_to(ARLOSS_DTYPE_FLOAT16, 65504), 65504);
  EXPECT_EQ(round_to(ARLOSS_DTYPE_FLOAT16, 65519), 65504);
  EXPECT_EQ(round_to(ARLOSS_DTYPE_FLOAT16, -65520), -kInfinity);
  EXPECT_EQ(round_to(ARLOSS_DTYPE_FLOAT16, 0x1p-24), 0x1p-24);  // the smallest subnormal
  EXPECT_EQ(round_to(ARLOSS_DTYPE_FLOAT16, 0x1p-25), 0);
  EXPECT_EQ(round_to(ARLOSS_DTYPE_FLOAT16, 1.5 * 0x1p-25), 0x1p-24);
  EXPECT_EQ(round_to(ARLOSS_DTYPE_FLOAT16, 0x1p-14 - 0x1p-26), 0x1p-14);  // from subnormal up to normal
}

TEST(Half, Bfloat16RoundsToNearestEven) {
  EXPECT_EQ(round_to(ARLOSS_DTYPE_BFLOAT16, 1 + 0x1p-8), 1);
  EXPECT_EQ(round_to(ARLOSS_DTYPE_BFLOAT16, 1 + 3 * 0x1p-8), 1 + 0x1p-6);
  EXPECT_EQ(round_to(ARLOSS_DTYPE_BFLOAT16, -3.140625), -3.140625);
  EXPECT_EQ(round_to(ARLOSS_DTYPE_BFLOAT16, 0x1p-133), 0x1p-133);
  EXPECT_EQ(round_to(ARLOSS_DTYPE_BFLOAT16, 3.4e38), kInfinity);
}

TEST(Half, SpecialValuesSurvive) {
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16}) {
    EXPECT_TRUE(std::isnan(round_to(dtype, std::numeric_limits<double>::quiet_NaN())));
    EXPECT_EQ(round_to(dtype, -kInfinity), -kInfinity);
    EXPECT_TRUE(std::signbit(round_to(dtype, -0.0)));
  }
}

TEST(GuardedBuffer, SeesAWriteOnEitherSide) {
  for (const std::size_t remainder : {0, 1, 2, 8, 16}) {
    GuardedBuffer buffer(24, remainder, 0xff);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, remainder);
    EXPECT_TRUE(buffer.zones_are_intact());
    buffer.data()[24] = 0;
    EXPECT_FALSE(buffer.zones_are_intact());
    buffer.data()[24] = 0xa5;
    buffer.data()[-1] = 0;
    EXPECT_FALSE(buffer.zones_are_intact());
  }
}

double mean_error_probability(Regime regime) {
  CaseSpec spec = plain_spec(1, 19, 40, 40);
  spec.regime = regime;
  const oracle::Inputs inputs = draw_inputs(spec);
  double total = 0;
  std::int64_t live = 0;
  for (std::int64_t i = 0; i < spec.cells(); ++i) {
    const std::int64_t label = inputs.labels[static_cast<std::size_t>(i)];
    if (label == 255) continue;
    double sum = 0, others = 0;
    for (std::int64_t c = 0; c < 19; ++c) {
      const double size = std::exp(inputs.logits[logit_index(spec, 0, c, i)]);
      sum += size;
      others += c == label ? 0 : size;
    }
    total += others / sum;
    ++live;
  }
  return total / static_cast<double>(live);
}

TEST(Regimes, AreAsGoodAsTheirNamesSay) {
  const double trained = mean_error_probability(Regime::kTrainedLike);
  EXPECT_GT(trained, 0.04);
  EXPECT_LT(trained, 0.09);
  const std::map<Regime, double> near_perfect = {{Regime::kNearPerfect2, 1e-2},
                                                 {Regime::kNearPerfect4, 1e-4},
                                                 {Regime::kNearPerfect6, 1e-6},
                                                 {Regime::kNearPerfect8, 1e-8}};
  for (const auto& [regime, error] : near_perfect) EXPECT_NEAR(mean_error_probability(regime) / error, 1.2, 0.5);
  EXPECT_GT(mean_error_probability(Regime::kRenamed), 0.99);
  EXPECT_GT(mean_error_probability(Regime::kConfidentlyWrong), 0.8);
}

TEST(LabelMaps, ScenesHaveSeveralClassesMixedCellsAndIgnoredBands) {
  CaseSpec spec = plain_spec(1, 19, 32, 32);
  set_label_grid(spec, 128, 128);
  const oracle::Inputs inputs = draw_inputs(spec);
  const std::set<std::int64_t> classes(inputs.labels.begin(), inputs.labels.end());
  EXPECT_GT(classes.size(), 5u);
  EXPECT_EQ(classes.count(255), 1u);
  const std::vector<double> t = oracle::label_distribution(spec.problem, inputs, 0);
  const auto mixed = std::count_if(t.begin(), t.end(), [](double share) { return share > 0 && share < 1; });
  EXPECT_GT(mixed, 2 * 32 * 32 / 50);
}

TEST(CaseLists, TurnUpEveryValueOfEveryAxis) {
  std::set<Regime> regimes;
  std::set<arloss_dtype_t> logits, labels;
  std::set<std::int64_t> classes;
  std::size_t volumes = 0, weighted = 0, uneven = 0;
  for (const CaseSpec& spec : mixed_list()) {
    regimes.insert(spec.regime);
    logits.insert(spec.logits_dtype);
    labels.insert(spec.labels_dtype);
    classes.insert(spec.problem.classes);
    volumes += spec.problem.depth > 1;
    weighted += spec.weights != Weights::kNone;
    uneven += spec.problem.label_height % spec.problem.height != 0;
  }
  EXPECT_EQ(regimes.size(), std::size(kAllRegimes));
  EXPECT_EQ(logits.size(), 3u);
  EXPECT_EQ(labels.size(), 3u);
  EXPECT_EQ(classes.size(), 12u);
  EXPECT_GT(volumes, 10u);
  EXPECT_GT(weighted, 10u);
  EXPECT_GT(uneven, 10u);
  EXPECT_GT(mixed_list().size(), kIsThinned ? 90u : 600u);
}

TEST(SimdTargets, EachIsDispatchedTo) {
#if defined(__x86_64__)
  EXPECT_GE(simd_targets().size(), 2u);
#endif
  const CaseSpec spec = plain_spec(1, 3, 4, 4);
  for (const std::int64_t target : simd_targets()) {
    const ScopedSimdTarget scope(target);
    expect_target(Plan(api_problem(spec), make_options(ARLOSS_ALGORITHM_AUTO)), target);
  }
  // Unhindered, the best one is chosen.
  expect_target(Plan(api_problem(spec), make_options(ARLOSS_ALGORITHM_AUTO)), simd_targets().front());
}

TEST(SimdTargets, APlanKeepsItsTarget) {
  const CaseSpec spec = plain_spec(1, 3, 4, 4);
  const ScopedSimdTarget portable(simd_targets().back());
  const Plan plan(api_problem(spec), make_options(ARLOSS_ALGORITHM_AUTO));
  const ScopedSimdTarget best(simd_targets().front());
  expect_target(plan, simd_targets().back());
}

}  // namespace
}  // namespace support

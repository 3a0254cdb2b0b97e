/// A tile of pairs against the definition of every penalty, pair by pair and as sums.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "pair_reference.h"
#include "simd_fixture.h"
#include "support/random.h"

namespace arloss::cpu {
namespace {

using pair_reference::exact_pair;
using pair_reference::exact_sums;
using pair_reference::PairSums;
using pair_reference::PairTask;
using pair_reference::PairValue;
using pair_reference::PanelRows;

// --- rows ------------------------------------------------------------------------------------------------------------

enum class Regime { kRandom, kNearPerfect };

/// A label distribution over one to three classes, mostly one.
std::vector<Real> random_labels(support::Random& random, std::int64_t classes) {
  std::vector<Real> t(static_cast<std::size_t>(classes), 0);
  const std::int64_t pixels = random.chance(0.6) ? 1 : 16;
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel)
    t[static_cast<std::size_t>(random.chance(0.7) ? 0 : random.below(std::min<std::int64_t>(classes, 3)))] += 1;
  std::rotate(t.begin(), t.begin() + static_cast<std::ptrdiff_t>(random.below(classes)), t.end());
  for (Real& share : t) share /= static_cast<Real>(pixels);
  return t;
}

/// A softmax: of anything, or of a prediction that misses the label's first class by 1e-2 to 1e-8.
std::vector<Real> random_prediction(support::Random& random, Regime regime, const std::vector<Real>& t) {
  std::vector<Real> p(t.size());
  const auto y = static_cast<std::size_t>(std::max_element(t.begin(), t.end()) - t.begin());
  Real sum = 0;
  const Real miss = random.log_uniform(1e-8, 1e-2);
  for (std::size_t c = 0; c < p.size(); ++c) {
    const Real size = regime == Regime::kRandom ? 1 : c == y ? 1 : miss;
    sum += p[c] = size * std::exp(Real{random.normal()} * (regime == Regime::kRandom ? 2 : 0.3L));
  }
  for (Real& share : p) share /= sum;
  return p;
}

PanelRows random_rows(std::uint64_t seed, Regime regime, std::int64_t classes, std::size_t num_scales) {
  support::Random random(seed);
  PanelRows rows;
  rows.t.resize(num_scales);
  for (int i = 0; i < kPanel; ++i) {
    for (auto& t : rows.t) t.push_back(random_labels(random, classes));
    rows.p.push_back(random_prediction(random, regime, rows.t[0].back()));
    rows.weight.push_back(static_cast<float>(random.uniform(0.25, 4)));
  }
  return rows;
}

// --- rows as the kernel takes them -----------------------------------------------------------------------------------

/// Rows of one label scale, u = onehot(anchor) + residual, dense and as lists.
struct PackedLabels {
  PackedLabels(std::int64_t classes, const pair_reference::Rows& t)
      : u(classes, kPanel), residual(classes, kPanel), anchor(kPanel), entries(kPanel) {
    for (std::size_t i = 0; i < kPanel; ++i) {
      const auto a = static_cast<std::size_t>(std::max_element(t[i].begin(), t[i].end()) - t[i].begin());
      anchor[i] = static_cast<std::int32_t>(a);
      for (std::size_t c = 0; c < t[i].size(); ++c) add(i, c, t[i][c], c == a);
    }
  }

  void add(std::size_t i, std::size_t c, Real share, bool is_anchor) {
    // u - 1 of the anchor without cancellation.
    const Real exact = is_anchor ? (share - 1) / (1 + std::sqrt(share)) : std::sqrt(share);
    const auto label = static_cast<std::int32_t>(c);
    const auto row = static_cast<float>(exact);
    u.at(label, static_cast<std::int64_t>(i)) = is_anchor ? 1 + row : row;
    residual.at(label, static_cast<std::int64_t>(i)) = row;
    if (row != 0) entries[i].push_back({label, row});
  }

  Tile u, residual;
  std::vector<std::int32_t> anchor;
  std::vector<std::vector<LabelEntry>> entries;
};

/// A panel's tiles and label rows. Absent cells (weight 0) are zero columns.
struct PackedPanel {
  explicit PackedPanel(const PanelRows& rows)
      : s(rows.classes(), kPanel), residual(rows.classes(), kPanel), weight(rows.weight) {
    for (std::size_t i = 0; i < kPanel; ++i)
      for (std::size_t c = 0; weight[i] != 0 && c < rows.p[i].size(); ++c) {
        const Real u = std::sqrt(rows.t[0][i][c]);
        s.at(static_cast<std::int64_t>(c), static_cast<std::int64_t>(i)) = static_cast<float>(rows.s(i, c));
        residual.at(static_cast<std::int64_t>(c), static_cast<std::int64_t>(i)) = static_cast<float>(rows.s(i, c) - u);
      }
    for (const auto& t : rows.t) labels.emplace_back(rows.classes(), t);
  }

  PairPanel panel() const { return {s.data(), residual.data(), weight.data()}; }

  Tile s, residual;
  std::vector<float> weight;
  std::vector<PackedLabels> labels;
};

struct TileResult {
  double loss;
  std::vector<double> h;  // [classes][kPanel]
  double h_at(std::size_t c, std::size_t i) const { return h[c * kPanel + i]; }
};

struct Wants {
  bool loss, slope;
};

TileResult run_tile(PairTileKernel pair_tile, const PairTask& task, const PanelRows& strip_rows,
                    const PanelRows& partner_rows, Wants wants = {true, true}, double start = 0) {
  const PackedPanel strip(strip_rows), partner(partner_rows);
  std::vector<PairLabels> labels(task.omega.size());
  for (std::size_t k = 0; k < labels.size(); ++k) {
    labels[k].omega = task.omega[k];
    labels[k].strip_u = strip.labels[k].u.data();
    labels[k].strip_residual = strip.labels[k].residual.data();
    labels[k].strip_anchor = strip.labels[k].anchor.data();
    for (std::size_t j = 0; j < kPanel; ++j) {
      labels[k].partner_entries[j] = partner.labels[k].entries[j].data();
      labels[k].partner_counts[j] = static_cast<std::int32_t>(partner.labels[k].entries[j].size());
      labels[k].partner_anchor[j] = partner.labels[k].anchor[j];
    }
  }
  std::vector<float> slope(std::size_t{kPanel} * kPanel, 123);
  TileResult result{start, std::vector<double>(static_cast<std::size_t>(strip_rows.classes()) * kPanel, start)};
  pair_tile({strip_rows.classes(), strip.panel(), partner.panel(), labels.data(), static_cast<int>(task.omega.size()),
             task.is_blend, task.penalty, task.param, task.is_diagonal, wants.loss, wants.slope, slope.data(),
             &result.loss, result.h.data()});
  return result;
}

// --- tests -----------------------------------------------------------------------------------------------------------

struct PenaltyCase {
  const char* name;
  arloss_penalty_t penalty;
  float param;
};

const PenaltyCase kPenalties[] = {{"SQUARED", ARLOSS_PENALTY_SQUARED, 0},
                                  {"ABSOLUTE", ARLOSS_PENALTY_ABSOLUTE, 0},
                                  {"HUBER 0.1", ARLOSS_PENALTY_HUBER, 0.1f},
                                  {"HUBER 0.9", ARLOSS_PENALTY_HUBER, 0.9f},
                                  {"CROSS_ENTROPY 1e-4", ARLOSS_PENALTY_CROSS_ENTROPY, 1e-4f},
                                  {"CROSS_ENTROPY 0.2", ARLOSS_PENALTY_CROSS_ENTROPY, 0.2f},
                                  {"LOG_COSH 0.1", ARLOSS_PENALTY_LOG_COSH, 0.1f},
                                  {"LOG_COSH 0.7", ARLOSS_PENALTY_LOG_COSH, 0.7f}};

std::vector<float> omegas(std::size_t num_scales) {
  if (num_scales == 1) return {1};
  return num_scales == 2 ? std::vector<float>{0.625f, 0.375f} : std::vector<float>{0.5f, 0.125f, 0.375f};
}

/// Calls body(task, regime) for every penalty, one to three scales, blended and apart, and both regimes.
template <class Body>
void for_each_task(const Body& body) {
  for (const PenaltyCase& c : kPenalties)
    for (std::size_t num_scales = 1; num_scales <= 3; ++num_scales)
      for (const bool is_blend : {true, false})
        for (const Regime regime : {Regime::kRandom, Regime::kNearPerfect}) {
          SCOPED_TRACE(std::string(c.name) + (is_blend ? ", blend of " : ", separate, ") + std::to_string(num_scales) +
                       (regime == Regime::kRandom ? " scales, random" : " scales, near-perfect"));
          body(PairTask{c.penalty, c.param, omegas(num_scales), is_blend, false}, regime);
        }
}

class PairTileTest : public SimdTest {};
ARLOSS_ON_EVERY_TARGET(PairTileTest);

/// The rows with one live cell, of weight 1.
PanelRows only(PanelRows rows, std::size_t cell) {
  std::fill(rows.weight.begin(), rows.weight.end(), 0.0f);
  rows.weight[cell] = 1;
  return rows;
}

/// h_i against the exact one, up to a multiple of s_i: the chain through the softmax does not see it, and a kernel may
/// leave it out (math.md, eq. 11).
void expect_h(const TileResult& result, const PanelRows& strip, std::size_t i, const std::vector<Real>& expected,
              const std::vector<Real>& tolerance) {
  Real multiple = 0, multiple_tolerance = 0;
  for (std::size_t c = 0; c < expected.size(); ++c) {
    multiple += (result.h_at(c, i) - expected[c]) * strip.s(i, c);
    multiple_tolerance += tolerance[c] * strip.s(i, c);
  }
  for (std::size_t c = 0; c < expected.size(); ++c)
    EXPECT_TRUE(is_near(result.h_at(c, i) - multiple * strip.s(i, c), expected[c],
                        tolerance[c] + multiple_tolerance * strip.s(i, c)))
        << "cell " << i << ", class " << c;
}

TEST_P(PairTileTest, TheSlopeOfEachPairIsThePenaltys) {
  for_each_task([&](const PairTask& task, Regime regime) {
    const PanelRows strip = random_rows(1, regime, 5, task.omega.size());
    const PanelRows partner = random_rows(2, regime, 5, task.omega.size());
    for (const std::size_t j : {0u, 7u, 8u, 29u, 63u}) {
      SCOPED_TRACE(j);
      const PanelRows one = only(partner, j);
      const TileResult result = run_tile(pair_tile_kernel(), task, strip, one);
      const PairSums exact = exact_sums(task, strip, one);
      for (std::size_t i = 0; i < kPanel; ++i) expect_h(result, strip, i, exact.h[i], exact.h_tolerance[i]);
    }
  });
}

TEST_P(PairTileTest, TheLossOfEachPairIsThePenaltys) {
  for_each_task([&](const PairTask& task, Regime regime) {
    const PanelRows strip = random_rows(3, regime, 4, task.omega.size());
    const PanelRows partner = random_rows(4, regime, 4, task.omega.size());
    for (const std::size_t i : {0u, 14u, 15u, 32u, 63u})
      for (const std::size_t j : {0u, 15u, 40u, 63u}) {
        const TileResult result = run_tile(pair_tile_kernel(), task, only(strip, i), only(partner, j), {true, false});
        const PairValue exact = exact_pair(task, strip, i, partner, j);
        EXPECT_TRUE(is_near(result.loss, exact.value, exact.value_tolerance + 3e-7L * exact.value)) << i << ", " << j;
      }
  });
}

/// Loss and h of a whole tile within the tolerances of its pairs.
void expect_sums(PairTileKernel pair_tile, const PairTask& task, const PanelRows& strip, const PanelRows& partner) {
  const PairSums exact = exact_sums(task, strip, partner);
  const TileResult result = run_tile(pair_tile, task, strip, partner);
  EXPECT_TRUE(is_near(result.loss, exact.loss, exact.loss_tolerance));
  for (std::size_t i = 0; i < kPanel; ++i)
    if (strip.weight[i] != 0) expect_h(result, strip, i, exact.h[i], exact.h_tolerance[i]);
}

TEST_P(PairTileTest, SumsOverTheWholeTile) {
  for_each_task([&](const PairTask& task, Regime regime) {
    expect_sums(pair_tile_kernel(), task, random_rows(5, regime, 6, task.omega.size()),
                random_rows(6, regime, 6, task.omega.size()));
  });
}

TEST_P(PairTileTest, EveryRemainderOfClasses) {
  for (const std::int64_t classes : {1, 2, 3, 7, 8, 9, 10, 11, 19, 40}) {
    SCOPED_TRACE(classes);
    const PairTask task{ARLOSS_PENALTY_SQUARED, 0, omegas(2), true, false};
    expect_sums(pair_tile_kernel(), task, random_rows(7, Regime::kRandom, classes, 2),
                random_rows(8, Regime::kRandom, classes, 2));
  }
}

TEST_P(PairTileTest, AbsentCellsCountForNothing) {
  for (const PenaltyCase& c : kPenalties)
    for (const std::size_t count : {1u, 2u, 15u, 17u, 63u}) {
      SCOPED_TRACE(std::string(c.name) + ", " + std::to_string(count) + " cells");
      PanelRows strip = random_rows(9, Regime::kRandom, 3, 1), partner = random_rows(10, Regime::kRandom, 3, 1);
      std::fill(strip.weight.begin() + 40, strip.weight.end() - 10, 0.0f);
      std::fill(partner.weight.begin() + static_cast<std::ptrdiff_t>(count), partner.weight.end(), 0.0f);
      expect_sums(pair_tile_kernel(), {c.penalty, c.param, {1}, true, false}, strip, partner);
      expect_sums(pair_tile_kernel(), {c.penalty, c.param, {1}, true, false}, partner, strip);
    }
}

TEST_P(PairTileTest, APanelWithItself) {
  for (const PenaltyCase& c : kPenalties)
    for (const bool is_blend : {true, false}) {
      SCOPED_TRACE(c.name);
      const PanelRows rows = random_rows(11, Regime::kRandom, 4, 2);
      expect_sums(pair_tile_kernel(), {c.penalty, c.param, omegas(2), is_blend, true}, rows, rows);
    }
}

TEST_P(PairTileTest, OnlyCrossEntropyLeavesTheDiagonalOut) {
  // The partner carries other labels than the strip, so that pairs i = i cost something where they are in.
  for (const PenaltyCase& c : kPenalties) {
    SCOPED_TRACE(c.name);
    const PanelRows strip = random_rows(12, Regime::kRandom, 4, 1);
    PanelRows partner = strip;
    for (auto& row : partner.t[0]) std::rotate(row.begin(), row.begin() + 1, row.end());
    for (const std::size_t i : {0u, 1u, 31u, 63u}) {
      const TileResult on =
          run_tile(pair_tile_kernel(), {c.penalty, c.param, {1}, true, true}, only(strip, i), only(partner, i));
      const TileResult off =
          run_tile(pair_tile_kernel(), {c.penalty, c.param, {1}, true, false}, only(strip, i), only(partner, i));
      EXPECT_GT(off.loss, 0.01);
      if (c.penalty == ARLOSS_PENALTY_CROSS_ENTROPY) {
        EXPECT_EQ(on.loss, 0);
        for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(on.h_at(k, i), 0);
      } else {
        EXPECT_EQ(on.loss, off.loss);
        EXPECT_EQ(on.h, off.h);
      }
    }
  }
}

TEST_P(PairTileTest, APerfectOneHotPredictionCostsNothing) {
  PanelRows rows = random_rows(13, Regime::kRandom, 5, 1);
  for (std::size_t i = 0; i < kPanel; ++i) {
    std::fill(rows.t[0][i].begin(), rows.t[0][i].end(), 0);
    rows.t[0][i][i % 5] = 1;
    rows.p[i] = rows.t[0][i];
  }
  for (const PenaltyCase& c : kPenalties) {
    SCOPED_TRACE(c.name);
    const TileResult result = run_tile(pair_tile_kernel(), {c.penalty, c.param, {1}, true, true}, rows, rows);
    EXPECT_EQ(result.loss, 0);
    for (const double h : result.h) EXPECT_EQ(h, 0);
  }
}

TEST_P(PairTileTest, AddsToWhatIsThereAndOnlyToWhatIsWanted) {
  for (const PenaltyCase& c : kPenalties) {
    const PanelRows strip = random_rows(14, Regime::kRandom, 3, 1), partner = random_rows(15, Regime::kRandom, 3, 1);
    const PairTask task{c.penalty, c.param, {1}, true, false};
    const TileResult both = run_tile(pair_tile_kernel(), task, strip, partner);
    const TileResult added = run_tile(pair_tile_kernel(), task, strip, partner, {true, true}, 1000);
    const TileResult loss = run_tile(pair_tile_kernel(), task, strip, partner, {true, false}, 3);
    const TileResult slope = run_tile(pair_tile_kernel(), task, strip, partner, {false, true});
    EXPECT_NEAR(added.loss, 1000 + both.loss, 1e-9);
    for (std::size_t index = 0; index < both.h.size(); ++index)
      EXPECT_NEAR(added.h[index], 1000 + both.h[index], 1e-9 + 1e-15 * std::fabs(both.h[index]));
    EXPECT_NEAR(loss.loss, 3 + both.loss, 1e-9);
    EXPECT_EQ(loss.h, std::vector<double>(loss.h.size(), 3));
    EXPECT_EQ(slope.loss, 0);
    EXPECT_EQ(slope.h, both.h);
  }
}

TEST_P(PairTileTest, GivesTheSameBitsAgain) {
  const PanelRows strip = random_rows(16, Regime::kRandom, 7, 2), partner = random_rows(17, Regime::kRandom, 7, 2);
  for (const PenaltyCase& c : kPenalties) {
    const PairTask task{c.penalty, c.param, omegas(2), true, false};
    const TileResult first = run_tile(pair_tile_kernel(), task, strip, partner);
    const TileResult again = run_tile(pair_tile_kernel(), task, strip, partner);
    const TileResult alone = run_tile(pair_tile_kernel(), task, strip, partner, {true, false});
    EXPECT_EQ(first.loss, again.loss);
    EXPECT_EQ(first.loss, alone.loss) << "forward alone adds in the same order";
    EXPECT_EQ(first.h, again.h);
  }
}

}  // namespace
}  // namespace arloss::cpu

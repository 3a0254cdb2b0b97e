/// Codes, shares and counts of cells and blocks against a recount of every label pixel.
#include "cpu/label_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "support/half.h"
#include "support/random.h"

namespace arloss::cpu {
namespace {

using Counts = std::map<std::int64_t, std::int64_t>;  // class: label pixels

/// A random map of `labels` on `grid`, patchy so that pure, mixed and wholly ignored cells all occur.
struct MapSpec {
  const char* name;
  Extent grid, labels;
  std::int64_t classes;
  arloss_dtype_t dtype;
  std::int64_t ignore_index;
};

const MapSpec kSpecs[] = {
    {"HardUint8", {1, 9, 11}, {1, 9, 11}, 4, ARLOSS_DTYPE_UINT8, 255},
    {"HardInt64", {2, 5, 7}, {2, 5, 7}, 3, ARLOSS_DTYPE_INT64, -1},
    {"WholeRatioInt32", {1, 8, 10}, {1, 32, 30}, 5, ARLOSS_DTYPE_INT32, -100},
    {"OddRatioUint8", {1, 7, 9}, {1, 19, 31}, 6, ARLOSS_DTYPE_UINT8, 0},  // a class of the problem is ignored
    {"OddRatioInt64", {1, 13, 1}, {1, 20, 1}, 300, ARLOSS_DTYPE_INT64, std::int64_t{1} << 40},
    {"VolumeInt32", {3, 5, 4}, {7, 11, 9}, 5, ARLOSS_DTYPE_INT32, 255},
    {"OneAxisFinerUint8", {1, 6, 8}, {1, 6, 17}, 2, ARLOSS_DTYPE_UINT8, 77},
};

class PooledMap {
 public:
  PooledMap(const MapSpec& spec, const std::vector<std::int64_t>& edges, std::int64_t batch = 2) : edges_(edges) {
    problem_.batch = batch;
    problem_.classes = spec.classes;
    problem_.grid = spec.grid;
    problem_.labels = spec.labels;
    problem_.labels_dtype = spec.dtype;
    problem_.has_ignore_index = true;
    problem_.ignore_index = spec.ignore_index;
    pool_ = std::make_unique<LabelPool>(problem_, edges, ledger_);
    values_.assign(static_cast<std::size_t>(batch * spec.labels.count()), 0);
    counts_.assign(kMaxThreads * static_cast<std::size_t>(spec.classes), 0);
    touched_.assign(counts_.size(), 0);
  }

  void paint(std::uint64_t seed) {
    support::Random random(seed);
    std::int64_t label = 0;
    for (std::int64_t& value : values_) {
      if (random.chance(0.2)) label = random.chance(0.25) ? problem_.ignore_index : random.below(problem_.classes);
      value = label;
    }
  }

  /// Stores the values in the map's dtype and pools them.
  RunFault build(int num_threads = 1) {
    stored_.assign(values_.size() * support::element_bytes(problem_.labels_dtype), 0);
    for (std::size_t i = 0; i < values_.size(); ++i)
      support::store_label(problem_.labels_dtype, values_[i], stored_.data(), i);
    // Whatever the workspace held before must not matter.
    workspace_.assign(workspace_bytes(ledger_) + 64, 0x5a);
    return pool_->build(map(), num_threads, [&](int thread) { return counter(thread); });
  }

  LabelPool::Census take_census(int num_threads) {
    return pool_->take_census(map(), num_threads, [&](int thread) { return counter(thread); });
  }

  /// The label pixels of a box of cells of an image by class, each counted where it lies.
  Counts recount(std::int64_t image, const Box& cells) const {
    Counts counts;
    const Extent &grid = problem_.grid, &labels = problem_.labels;
    for (std::int64_t z = 0; z < labels.depth; ++z)
      for (std::int64_t y = 0; y < labels.height; ++y)
        for (std::int64_t x = 0; x < labels.width; ++x) {
          if (!owns(cells.first.z, cells.last.z, z, grid.depth, labels.depth) ||
              !owns(cells.first.y, cells.last.y, y, grid.height, labels.height) ||
              !owns(cells.first.x, cells.last.x, x, grid.width, labels.width))
            continue;
          const std::int64_t value =
              values_[static_cast<std::size_t>(((image * labels.depth + z) * labels.height + y) * labels.width + x)];
          if (value != problem_.ignore_index) ++counts[value];
        }
    return counts;
  }

  LabelMap map() const { return {stored_.data(), weights_.empty() ? nullptr : weights_.data(), workspace()}; }
  LabelCounter counter(int thread = 0) {
    const std::size_t offset = static_cast<std::size_t>(thread * problem_.classes);
    return {counts_.data() + offset, touched_.data() + offset};
  }

  const Problem& problem() const { return problem_; }
  const LabelPool& pool() const { return *pool_; }
  const Ledger& ledger() const { return ledger_; }
  const std::vector<std::int64_t>& edges() const { return edges_; }
  std::vector<std::int64_t>& values() { return values_; }
  std::vector<float>& weights() { return weights_; }
  bool counters_are_clear() const {
    return std::all_of(counts_.begin(), counts_.end(), [](std::uint32_t count) { return count == 0; });
  }

 private:
  static constexpr std::size_t kMaxThreads = 8;

  void* workspace() const { return aligned(const_cast<unsigned char*>(workspace_.data())); }
  static bool owns(std::int64_t first, std::int64_t last, std::int64_t pixel, std::int64_t cells, std::int64_t labels) {
    return pixel >= first * labels / cells && pixel < last * labels / cells;
  }

  Problem problem_{};
  Ledger ledger_;
  std::vector<std::int64_t> edges_, values_;
  std::unique_ptr<LabelPool> pool_;
  std::vector<float> weights_;
  std::vector<unsigned char> stored_, workspace_;
  std::vector<std::uint32_t> counts_;
  std::vector<std::int32_t> touched_;
};

std::int32_t code_of(const Counts& counts) {
  if (counts.empty()) return kNoLabels;
  return counts.size() == 1 ? static_cast<std::int32_t>(counts.begin()->first) : kMixedLabels;
}

void expect_shares(const LabelShare* shares, int num_shares, const Counts& counts) {
  ASSERT_EQ(static_cast<std::size_t>(num_shares), counts.size());
  double total = 0;
  for (const auto& [label, count] : counts) total += static_cast<double>(count);
  Counts seen;
  for (int c = 0; c < num_shares; ++c) {
    ASSERT_EQ(counts.count(shares[c].label), 1u) << shares[c].label;
    EXPECT_EQ(++seen[shares[c].label], 1);
    EXPECT_DOUBLE_EQ(shares[c].u, std::sqrt(static_cast<double>(counts.at(shares[c].label)) / total));
  }
}

Box cell_box(const Extent& grid, std::int64_t cell) {
  const Position p = position_of(grid, cell);
  return {p, {p.z + 1, p.y + 1, p.x + 1}};
}

void expect_cells(PooledMap& m, std::int64_t image) {
  std::vector<LabelShare> shares(static_cast<std::size_t>(m.problem().classes));
  const std::int64_t cells = m.problem().grid.count();
  std::vector<std::int32_t> codes(static_cast<std::size_t>(cells));
  for (std::int64_t first = 0; first < cells; first += 5)
    m.pool().write_cell_codes(m.map(), image, first, static_cast<int>(std::min<std::int64_t>(5, cells - first)),
                              codes.data() + first);
  for (std::int64_t cell = 0; cell < cells; ++cell) {
    const Counts counts = m.recount(image, cell_box(m.problem().grid, cell));
    EXPECT_EQ(m.pool().cell_code(m.map(), image, cell), code_of(counts)) << "cell " << cell;
    EXPECT_EQ(codes[static_cast<std::size_t>(cell)], code_of(counts)) << "cell " << cell;
    LabelCounter counter = m.counter();
    expect_shares(shares.data(), m.pool().cell_shares(m.map(), image, cell, counter, shares.data()), counts);
    EXPECT_TRUE(m.counters_are_clear());
  }
}

void expect_blocks(PooledMap& m, std::int64_t image, int scale) {
  std::vector<LabelShare> shares(static_cast<std::size_t>(m.problem().classes));
  const Blocks& blocks = m.pool().blocks(scale);
  ASSERT_EQ(blocks.edge(), m.edges()[static_cast<std::size_t>(scale)]);
  for (std::int64_t block = 0; block < blocks.count(); ++block) {
    const Box cells = blocks.cells(position_of(blocks.extent(), block));
    const Counts counts = m.recount(image, cells);
    EXPECT_EQ(m.pool().block_codes(m.map(), scale, image)[block], code_of(counts)) << "block " << block;
    if (counts.size() > 1)
      expect_shares(shares.data(), m.pool().block_shares(m.map(), scale, image, block, shares.data()), counts);
    LabelCounter counter = m.counter();
    m.pool().count_cells(m.map(), image, cells, counter);
    Counts counted;
    for (int c = 0; c < counter.num_classes(); ++c) counted[counter.label(c)] = counter.count(c);
    EXPECT_EQ(counted, counts) << "block " << block;
    counter.clear();
  }
}

void PrintTo(const MapSpec& spec, std::ostream* out) { *out << spec.name; }

class LabelPoolTest : public ::testing::TestWithParam<MapSpec> {};

TEST_P(LabelPoolTest, CellsAndBlocksAgreeWithARecount) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    PooledMap m(GetParam(), {2, 3, 16});
    m.paint(seed);
    ASSERT_FALSE(m.build(seed % 2 == 0 ? 3 : 1).is_found());
    EXPECT_TRUE(m.counters_are_clear());
    for (std::int64_t image = 0; image < m.problem().batch; ++image) {
      expect_cells(m, image);
      for (int scale = 0; scale < 3; ++scale) expect_blocks(m, image, scale);
    }
  }
}

TEST_P(LabelPoolTest, TheFirstInvalidLabelIsNamedWhateverTheThreads) {
  support::Random random(11);
  for (int round = 0; round < 6; ++round) {
    PooledMap m(GetParam(), {2});
    m.paint(3);
    auto first = static_cast<std::int64_t>(m.values().size());
    for (int fault = 0; fault < 1 + 4 * round; ++fault) {
      const std::int64_t position = random.below(static_cast<std::int64_t>(m.values().size()));
      m.values()[static_cast<std::size_t>(position)] = m.problem().classes == 300 ? 300 : 200 + fault;
      first = std::min(first, position);
    }
    m.weights().assign(static_cast<std::size_t>(m.problem().batch * m.problem().grid.count()), -1.0f);
    for (const int num_threads : {1, 2, 3, 7}) {
      const RunFault fault = m.build(num_threads);
      EXPECT_EQ(fault.kind, RunFault::Kind::kLabel);
      EXPECT_EQ(fault.position, first);
      EXPECT_EQ(fault.label, m.values()[static_cast<std::size_t>(first)]);
    }
    EXPECT_EQ(m.take_census(2).first_invalid, first);
  }
}

INSTANTIATE_TEST_SUITE_P(Maps, LabelPoolTest, ::testing::ValuesIn(kSpecs),
                         [](const auto& test) { return test.param.name; });

TEST(LabelPool, WideLabelsAreNotTruncated) {
  for (const std::int64_t bad :
       {std::int64_t{-1}, (std::int64_t{1} << 32) + 1, std::numeric_limits<std::int64_t>::min(),
        std::numeric_limits<std::int64_t>::max(), std::int64_t{3}}) {
    PooledMap m({"", {1, 3, 4}, {1, 7, 9}, 3, ARLOSS_DTYPE_INT64, 255}, {});
    m.values()[17] = bad;
    const RunFault fault = m.build();
    EXPECT_EQ(fault.position, 17);
    EXPECT_EQ(fault.label, bad);
  }
}

TEST(LabelPool, WithoutAnIgnoreIndex255IsALabelLikeAnyOther) {
  PooledMap m({"", {1, 3, 4}, {1, 3, 4}, 256, ARLOSS_DTYPE_UINT8, 255}, {});
  m.values()[5] = 255;
  EXPECT_FALSE(m.build().is_found());
  EXPECT_EQ(m.pool().cell_code(m.map(), 0, 5), kNoLabels);
  const_cast<Problem&>(m.problem()).has_ignore_index = false;
  EXPECT_FALSE(m.build().is_found());
  EXPECT_EQ(m.pool().cell_code(m.map(), 0, 5), 255);
}

/// Bytes of a count in the table of scale 2 over one block of height x width label pixels.
std::size_t count_bytes(std::int64_t height, std::int64_t width) {
  const PooledMap m({"", {1, 2, 2}, {1, height, width}, 4, ARLOSS_DTYPE_UINT8, 255}, {2}, 1);
  for (const Booking& booking : m.ledger().bookings())
    if (booking.name == "label counts of mixed blocks of scale 2") return booking.bytes / 4;
  return 0;
}

TEST(LabelPool, CountsAreAsWideAsABlockNeeds) {
  EXPECT_EQ(count_bytes(255, 257), 2u);  // 65535 label pixels
  EXPECT_EQ(count_bytes(256, 256), 4u);
  EXPECT_EQ(count_bytes(300, 300), 4u);
}

TEST(LabelPool, CountsOfLargeBlocksAreExact) {
  for (const std::int64_t width : {255, 300}) {  // narrow, wide
    PooledMap m({"", {1, 2, 2}, {1, 257, width}, 4, ARLOSS_DTYPE_UINT8, 255}, {2}, 2);
    m.values()[7] = 3;
    m.values()[m.values().size() - 3] = 2;
    ASSERT_FALSE(m.build(2).is_found());
    expect_blocks(m, 0, 0);
    expect_blocks(m, 1, 0);
  }
}

TEST(LabelPool, ABlockHoldsAtMostTheMostItMay) {
  for (const MapSpec& spec : kSpecs)
    for (const std::int64_t edge : {1, 2, 3, 5, 100}) {
      const PooledMap m(spec, {}, 1);
      const Blocks blocks(spec.grid, edge);
      for (std::int64_t block = 0; block < blocks.count(); ++block)
        EXPECT_LE(labels_of_cells(spec.grid, spec.labels, blocks.cells(position_of(blocks.extent(), block))).count(),
                  m.pool().max_block_labels(edge));
    }
}

TEST(LabelPool, WeightsAreTheGivenOnesWhereThereIsALabel) {
  PooledMap m(kSpecs[3], {});
  m.paint(2);
  ASSERT_FALSE(m.build().is_found());
  const std::int64_t cells = m.problem().grid.count(), first = 4;
  const std::int32_t codes[] = {kNoLabels, kMixedLabels, 0, kInvalidLabel, 5, kNoLabels};
  float weights[7] = {9, 9, 9, 9, 9, 9, 9};
  m.pool().write_weights(m.map(), 1, first, 6, codes, weights);
  EXPECT_EQ(std::vector<float>(weights, weights + 7), (std::vector<float>{0, 1, 1, 0, 1, 0, 9}));
  for (std::int64_t i = 0; i < 2 * cells; ++i) m.weights().push_back(static_cast<float>(i) / 8);
  m.pool().write_weights(m.map(), 1, first, 6, codes, weights);
  const auto given = [&](int i) { return static_cast<float>(cells + first + i) / 8; };
  EXPECT_EQ(std::vector<float>(weights, weights + 7), (std::vector<float>{0, given(1), given(2), 0, given(4), 0, 9}));
}

TEST(LabelPool, TheFirstInvalidWeightIsNamedIgnoredCellsIncluded) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const float bad : {-1.0f, inf, -inf, std::nanf(""), -std::numeric_limits<float>::denorm_min()})
    for (const int num_threads : {1, 2, 7}) {
      // More cells than one task checks.
      PooledMap m({"", {1, 300, 200}, {1, 300, 200}, 2, ARLOSS_DTYPE_UINT8, 255}, {}, 1);
      m.values().assign(m.values().size(), 255);
      m.weights().assign(m.values().size(), 1.0f);
      m.weights()[0] = -0.0f;
      m.weights()[1] = 0.0f;
      m.weights()[33333] = m.weights()[33334] = m.weights()[59999] = bad;
      const RunFault fault = m.build(num_threads);
      EXPECT_EQ(fault.kind, RunFault::Kind::kWeight);
      EXPECT_EQ(fault.position, 33333);
      EXPECT_EQ(std::isnan(fault.weight), std::isnan(bad));
      if (!std::isnan(bad)) {
        EXPECT_EQ(fault.weight, bad);
      }
    }
}

TEST(LabelPool, TheCensusCountsEveryPixelAndWeight) {
  PooledMap m(kSpecs[3], {});
  m.paint(5);
  std::int64_t ignored = 0;
  m.values()[40] = 100;
  m.values()[31] = 101;
  for (const std::int64_t value : m.values()) ignored += value == m.problem().ignore_index;
  m.weights().assign(static_cast<std::size_t>(2 * m.problem().grid.count()), 0.5f);
  m.weights()[80] = std::nanf("");
  m.weights()[70] = -2;
  m.build();
  const LabelPool::Census census = m.take_census(3);
  EXPECT_EQ(census.ignored, ignored);
  EXPECT_EQ(census.invalid, 2);
  EXPECT_EQ(census.first_invalid, 31);
  EXPECT_EQ(census.invalid_weights, 2);
  EXPECT_EQ(census.first_invalid_weight, 70);
  m.weights().clear();
  EXPECT_EQ(m.take_census(1).first_invalid_weight, -1);
}

}  // namespace
}  // namespace arloss::cpu

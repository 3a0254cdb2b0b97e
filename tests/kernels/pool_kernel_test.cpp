/// Label tables, weights and census against a recount of every label pixel and the oracle's distribution.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "device_pool.h"
#include "support/half.h"
#include "support/label_maps.h"
#include "support/random.h"

namespace kernel_tests {
namespace {

using namespace arloss::kernels;
using Counts = std::map<std::int32_t, std::uint32_t>;  // class: label pixels

struct PoolCase {
  const char* name;
  GridSize grid, labels;
  std::int64_t classes;
  LabelType type;
  std::optional<std::int64_t> ignore_index;
};

// One label pixel per cell, few (a thread counts), many (a warp does); whole and uneven ratios, 2-D and volumes. The
// numbers of cells are those around the tile edges of the kernels.
const PoolCase kCases[] = {
    {"OneCell", {1, 1, 1}, {1, 1, 1}, 1, LabelType::kUint8, 255},
    {"OneCellOfManyPixels", {1, 1, 1}, {1, 9, 15}, 7, LabelType::kInt32, -100},
    {"Hard40", {1, 5, 8}, {1, 5, 8}, 2, LabelType::kInt64, 255},
    {"Fourfold63", {1, 7, 9}, {1, 28, 36}, 19, LabelType::kUint8, 255},
    {"Eightfold64", {1, 8, 8}, {1, 64, 64}, 19, LabelType::kUint8, 0},  // a class of the problem is ignored
    {"Uneven65", {1, 5, 13}, {1, 11, 57}, 32, LabelType::kInt32, 255},
    {"Uneven129OfManyPixels", {1, 3, 43}, {1, 19, 350}, 7, LabelType::kInt64, -1},
    {"UnevenColumn", {1, 129, 1}, {1, 200, 1}, 300, LabelType::kInt64, std::int64_t{1} << 40},
    {"Volume", {3, 5, 4}, {7, 11, 9}, 5, LabelType::kInt32, std::nullopt},
    {"VolumeOfManyPixels", {2, 3, 5}, {7, 13, 16}, 1500, LabelType::kInt32, 7},  // two windows of classes
    {"NoIgnoreIndex", {1, 8, 8}, {1, 17, 17}, 256, LabelType::kUint8, std::nullopt},
};

void PrintTo(const PoolCase& test, std::ostream* out) { *out << test.name; }

oracle::Problem problem_of(const PoolCase& test) {
  oracle::Problem problem;
  problem.batch = 2;
  problem.classes = test.classes;
  problem.depth = test.grid.depth;
  problem.height = test.grid.height;
  problem.width = test.grid.width;
  problem.label_depth = test.labels.depth;
  problem.label_height = test.labels.height;
  problem.label_width = test.labels.width;
  problem.has_ignore_index = test.ignore_index.has_value();
  problem.ignore_index = test.ignore_index.value_or(255);
  problem.scales = {1};
  return problem;
}

/// For each label pixel along an axis the block of `edge` cells that owns it.
std::vector<std::int64_t> owners(std::int64_t cells, std::int64_t labels, std::int64_t edge) {
  std::vector<std::int64_t> owner(static_cast<std::size_t>(labels));
  for (std::int64_t cell = 0; cell < cells; ++cell)
    for (std::int64_t label = cell * labels / cells; label < (cell + 1) * labels / cells; ++label)
      owner[static_cast<std::size_t>(label)] = cell / edge;
  return owner;
}

/// The valid label pixels of every block of `edge` cells by class, each pixel dealt to its block.
std::vector<Counts> recount(const PoolParams& params, const GridSize& edge, const std::vector<std::int64_t>& labels) {
  const GridSize &cells = params.cells.grid, blocks = block_grid(cells, edge);
  const auto z = owners(cells.depth, params.label_grid.depth, edge.depth);
  const auto y = owners(cells.height, params.label_grid.height, edge.height);
  const auto x = owners(cells.width, params.label_grid.width, edge.width);
  std::vector<Counts> counts(static_cast<std::size_t>(params.batch * blocks.count()));
  auto label = labels.begin();
  for (std::int64_t image = 0; image < params.batch; ++image)
    for (const std::int64_t block_z : z)
      for (const std::int64_t block_y : y)
        for (const std::int64_t block_x : x) {
          const std::int64_t value = *label++;
          const bool is_ignored = params.has_ignore_index && value == params.ignore_index;
          if (is_ignored || value < 0 || value >= params.classes) continue;
          const std::int64_t block =
              ((image * blocks.depth + block_z) * blocks.height + block_y) * blocks.width + block_x;
          ++counts[static_cast<std::size_t>(block)][static_cast<std::int32_t>(value)];
        }
  return counts;
}

std::int32_t code_of(const Counts& counts) {
  if (counts.empty()) return kNoLabels;
  return counts.size() == 1 ? counts.begin()->first : -static_cast<std::int32_t>(counts.size());
}

void expect_table(const DeviceTable& found, const std::vector<Counts>& expected) {
  const std::vector<std::int32_t> codes = found.codes();
  const std::vector<std::uint32_t> totals = found.totals();
  const std::vector<LabelCount> counts = found.counts();
  const auto stride = static_cast<std::size_t>(found.table().count_stride);
  ASSERT_EQ(codes.size(), expected.size());
  for (std::size_t item = 0; item < codes.size(); ++item) {
    ASSERT_EQ(codes[item], code_of(expected[item])) << "item " << item;
    const LabelCount* entry = counts.data() + item * stride;
    std::uint32_t total = 0;
    for (const auto& [label, count] : expected[item]) {  // ascending
      total += count;
      if (expected[item].size() == 1) break;
      EXPECT_EQ(entry->label, label) << "item " << item;
      EXPECT_EQ(entry->count, count) << "item " << item;
      ++entry;
    }
    EXPECT_EQ(totals[item], total) << "item " << item;
    for (; entry != counts.data() + (item + 1) * stride; ++entry)
      EXPECT_EQ(entry->count, ~0u) << "written past the list of item " << item;
  }
}

/// t of every cell, from its block's counts, to the last bit.
void expect_distribution(const std::vector<Counts>& counted, const oracle::Problem& problem,
                         const std::vector<std::int64_t>& labels) {
  oracle::Inputs inputs;
  inputs.labels = labels;
  const std::int64_t cells = problem.depth * problem.height * problem.width;
  inputs.logits.resize(static_cast<std::size_t>(problem.batch * problem.classes * cells));
  const std::vector<double> t = oracle::label_distribution(problem, inputs, 0);
  const std::int64_t edge = problem.scales[0];
  const GridSize blocks = block_grid({problem.depth, problem.height, problem.width}, {edge, edge, edge});
  for (std::int64_t i = 0; i < problem.batch * cells; ++i) {
    const std::int64_t x = i % problem.width / edge, y = i / problem.width % problem.height / edge;
    const std::int64_t z = i / problem.width / problem.height % problem.depth / edge;
    const std::int64_t block = ((i / cells * blocks.depth + z) * blocks.height + y) * blocks.width + x;
    const Counts& counts = counted[static_cast<std::size_t>(block)];
    double total = 0;
    for (const auto& [label, count] : counts) total += count;
    for (std::int64_t c = 0; c < problem.classes; ++c) {
      const auto found = counts.find(static_cast<std::int32_t>(c));
      ASSERT_EQ(found == counts.end() ? 0 : found->second / total, t[static_cast<std::size_t>(i * problem.classes + c)])
          << "cell " << i << " class " << c;
    }
  }
}

class PoolKernel : public ::testing::TestWithParam<PoolCase> {};

const std::vector<std::int64_t> kEdges = {2, 3, 16};

/// The tables of the cells and of every edge, pooled from cells and from rows.
void expect_tables(const DevicePool& pool, const std::vector<std::int64_t>& labels) {
  expect_table(pool.cells(), recount(pool.params(), {1, 1, 1}, labels));
  for (std::size_t index = 0; index < kEdges.size(); ++index) {
    const std::int64_t edge = kEdges[index];
    SCOPED_TRACE("edge " + std::to_string(edge));
    const std::vector<Counts> blocks = recount(pool.params(), {edge, edge, edge}, labels);
    expect_table(pool.blocks(index), blocks);
    expect_table(pool.blocks_of_rows(index), blocks);
    expect_table(pool.rows(index), recount(pool.params(), {1, 1, edge}, labels));
  }
}

/// t of every cell at every edge.
void expect_distributions(const PoolParams& params, const oracle::Problem& problem,
                          const std::vector<std::int64_t>& labels) {
  std::vector<std::int64_t> edges = kEdges;
  edges.push_back(1);
  for (const std::int64_t edge : edges) {
    oracle::Problem scale = problem;
    scale.scales = {static_cast<int>(edge)};
    expect_distribution(recount(params, {edge, edge, edge}, labels), scale, labels);
  }
}

TEST_P(PoolKernel, CountsAreTheOracles) {
  for (const support::LabelMap map : {support::LabelMap::kScene, support::LabelMap::kNoise}) {
    const oracle::Problem problem = problem_of(GetParam());
    support::Random random(map == support::LabelMap::kScene ? 1 : 2);
    const std::vector<std::int64_t> labels =
        support::make_labels(map, problem, problem.classes, GetParam().ignore_index, random);
    DevicePool pool(pool_params(problem, GetParam().type), labels, {}, kEdges);
    pool.run();
    expect_tables(pool, labels);
    expect_distributions(pool.params(), problem, labels);
    const LabelCensus census = pool.census();
    const auto num_ignored =
        problem.has_ignore_index ? std::count(labels.begin(), labels.end(), problem.ignore_index) : 0;
    EXPECT_EQ(census.ignored, num_ignored);
    EXPECT_EQ(census.invalid, 0);
    EXPECT_EQ(census.first_invalid, LabelCensus::kNowhere);
    EXPECT_EQ(census.invalid_weights, 0);
    EXPECT_EQ(census.first_invalid_weight, LabelCensus::kNowhere);
  }
}

/// A label that is neither a class nor ignored, and that the type can hold; 0 where there is none.
std::int64_t invalid_label(const PoolCase& test, support::Random& random) {
  if (test.type == LabelType::kUint8) return test.classes < 200 ? 200 + random.below(50) : 0;
  const std::int64_t low[] = {-2, std::numeric_limits<std::int32_t>::min(), test.classes, 1 << 30};
  if (test.type == LabelType::kInt32) return low[random.below(4)];
  const std::int64_t wide[] = {-2, test.classes, (std::int64_t{1} << 32) + 1, std::numeric_limits<std::int64_t>::min(),
                               std::numeric_limits<std::int64_t>::max()};
  return wide[random.below(5)];
}

TEST_P(PoolKernel, InvalidLabelsAreCountedAndTheFirstIsNamed) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const oracle::Problem problem = problem_of(GetParam());
    support::Random random(seed);
    std::vector<std::int64_t> labels =
        support::make_labels(support::LabelMap::kScene, problem, problem.classes, GetParam().ignore_index, random);
    std::int64_t first = LabelCensus::kNowhere, invalid = 0;
    for (std::uint64_t k = 0; k < 3 * seed; ++k)
      labels[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(labels.size())))] =
          invalid_label(GetParam(), random);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const bool is_ignored = problem.has_ignore_index && labels[i] == problem.ignore_index;
      if (is_ignored || (labels[i] >= 0 && labels[i] < problem.classes)) continue;
      if (invalid++ == 0) first = static_cast<std::int64_t>(i);
    }
    DevicePool pool(pool_params(problem, GetParam().type), labels, {}, kEdges);
    pool.run();
    EXPECT_EQ(pool.census().invalid, invalid);
    EXPECT_EQ(pool.census().first_invalid, first);
    expect_tables(pool, labels);
  }
}

TEST_P(PoolKernel, WeightsAreTheGivenOnesWhereThereIsALabel) {
  const oracle::Problem problem = problem_of(GetParam());
  const float inf = std::numeric_limits<float>::infinity();
  const float bad[] = {-1, inf, -inf, std::nanf(""), -std::numeric_limits<float>::denorm_min()};
  support::Random random(5);
  const std::vector<std::int64_t> labels =
      support::make_labels(support::LabelMap::kScene, problem, problem.classes, GetParam().ignore_index, random);
  const PoolParams sizes = pool_params(problem, GetParam().type);
  std::vector<float> given(static_cast<std::size_t>(sizes.batch * sizes.cells.grid.count()));
  std::int64_t first = LabelCensus::kNowhere, invalid = 0;
  for (std::size_t i = 0; i < given.size(); ++i) {
    given[i] = random.chance(0.2) ? -0.0f : static_cast<float>(random.log_uniform(0.1, 10));
    if (!random.chance(0.1)) continue;
    given[i] = bad[random.below(5)];
    if (invalid++ == 0) first = static_cast<std::int64_t>(i);
  }
  DevicePool pool(sizes, labels, given);
  pool.run();
  EXPECT_EQ(pool.census().invalid_weights, invalid);
  EXPECT_EQ(pool.census().first_invalid_weight, first);
  const std::vector<float> weights = pool.weights();
  const std::vector<Counts> counts = recount(sizes, {1, 1, 1}, labels);
  for (std::size_t i = 0; i < given.size(); ++i) {
    const float expected = counts[i].empty() ? 0 : given[i];
    EXPECT_TRUE(weights[i] == expected || (std::isnan(weights[i]) && std::isnan(expected))) << i;
  }
}

TEST_P(PoolKernel, LaunchesRepeatBitForBit) {
  const oracle::Problem problem = problem_of(GetParam());
  support::Random random(9);
  std::vector<std::int64_t> labels =
      support::make_labels(support::LabelMap::kNoise, problem, problem.classes, GetParam().ignore_index, random);
  labels[labels.size() / 2] = invalid_label(GetParam(), random);
  DevicePool pool(pool_params(problem, GetParam().type), labels, {}, kEdges);
  pool.run();
  const std::vector<unsigned char> first = pool.bytes();
  for (int launch = 0; launch < 2; ++launch) {
    pool.run();
    EXPECT_EQ(pool.bytes(), first);
  }
}

INSTANTIATE_TEST_SUITE_P(Maps, PoolKernel, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

TEST(PoolKernelLimits, ItemsOfMorePixelsThanAnIntAreRefused) {
  PoolParams params = pool_params(problem_of(kCases[0]), LabelType::kUint8);
  params.cells = label_table(1, {1, 1, 1}, {1, 1 << 16, 1 << 15}, {1, 1, 1});
  LaunchStream stream(nullptr);
  EXPECT_EQ(launch_pool(params, stream), cudaErrorInvalidValue);
  PoolTablesParams tables{};
  tables.batch = 1;
  tables.num_tables = 1;
  tables.tables[0].to = params.cells;
  EXPECT_EQ(launch_pool_tables(tables, stream), cudaErrorInvalidValue);
}

TEST(PoolKernelLimits, WeightsCountsAndTotalsAreOptional) {
  for (const PoolCase& test : {kCases[3], kCases[6]}) {  // a thread, and a warp
    const oracle::Problem problem = problem_of(test);
    support::Random random(3);
    const std::vector<std::int64_t> labels =
        support::make_labels(support::LabelMap::kNoise, problem, problem.classes, test.ignore_index, random);
    DevicePool pool(pool_params(problem, test.type), labels, {});
    PoolParams params = pool.params();
    params.weights = nullptr;
    params.cells.counts = nullptr;
    params.cells.totals = nullptr;
    LaunchStream stream(nullptr);
    check(launch_pool(params, stream));
    const std::vector<std::int32_t> codes = pool.cells().codes();
    const std::vector<Counts> expected = recount(pool.params(), {1, 1, 1}, labels);
    for (std::size_t cell = 0; cell < codes.size(); ++cell) EXPECT_EQ(codes[cell], code_of(expected[cell])) << cell;
  }
}

}  // namespace
}  // namespace kernel_tests

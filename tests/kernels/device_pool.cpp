#include "device_pool.h"

#include <gtest/gtest.h>

#include "support/half.h"

namespace kernel_tests {
namespace {

using namespace arloss::kernels;

std::vector<unsigned char> stored(LabelType type, const std::vector<std::int64_t>& labels) {
  const arloss_dtype_t dtype = type == LabelType::kUint8   ? ARLOSS_DTYPE_UINT8
                               : type == LabelType::kInt32 ? ARLOSS_DTYPE_INT32
                                                           : ARLOSS_DTYPE_INT64;
  std::vector<unsigned char> bytes(labels.size() * support::element_bytes(dtype));
  for (std::size_t i = 0; i < labels.size(); ++i) support::store_label(dtype, labels[i], bytes.data(), i);
  return bytes;
}

std::size_t num_items(std::int64_t batch, const LabelTable& shape) {
  return static_cast<std::size_t>(batch * shape.grid.count());
}

void append(const std::vector<unsigned char>& part, std::vector<unsigned char>& all) {
  all.insert(all.end(), part.begin(), part.end());
}

}  // namespace

PoolParams pool_params(const oracle::Problem& problem, LabelType type) {
  PoolParams params{};
  params.label_type = type;
  params.batch = problem.batch;
  params.classes = problem.classes;
  params.label_grid = {problem.label_depth, problem.label_height, problem.label_width};
  params.has_ignore_index = problem.has_ignore_index;
  params.ignore_index = problem.ignore_index;
  params.cells =
      label_table(problem.classes, {problem.depth, problem.height, problem.width}, params.label_grid, {1, 1, 1});
  return params;
}

DeviceTable::DeviceTable(std::int64_t batch, const LabelTable& shape)
    : shape_(shape),
      codes_(num_items(batch, shape)),
      counts_(num_items(batch, shape) * static_cast<std::size_t>(shape.count_stride)),
      totals_(num_items(batch, shape)) {}

void DeviceTable::poison() {
  codes_.fill(DeviceOutput<std::int32_t>::kPoison);
  counts_.fill(DeviceOutput<LabelCount>::kPoison);
  totals_.fill(DeviceOutput<std::uint32_t>::kPoison);
}

bool DeviceTable::guards_are_intact() const {
  return codes_.guards_are_intact() && counts_.guards_are_intact() && totals_.guards_are_intact();
}

LabelTable DeviceTable::table() const {
  LabelTable table = shape_;
  table.codes = codes_.data();
  table.counts = counts_.data();
  table.totals = totals_.data();
  return table;
}

std::vector<unsigned char> DeviceTable::bytes() const {
  std::vector<unsigned char> all = codes_.bytes();
  append(counts_.bytes(), all);
  append(totals_.bytes(), all);
  return all;
}

DevicePool::DevicePool(const PoolParams& sizes, const std::vector<std::int64_t>& labels,
                       const std::vector<float>& pixel_weights, const std::vector<std::int64_t>& edges)
    : params_(sizes),
      edges_(edges),
      labels_(stored(sizes.label_type, labels)),
      cells_(std::make_unique<DeviceTable>(sizes.batch, sizes.cells)),
      weights_(num_items(sizes.batch, sizes.cells)),
      slots_(static_cast<std::size_t>(pool_grid_blocks(sizes.batch, sizes.cells))),
      ticket_(1),
      total_(1) {
  if (!pixel_weights.empty()) pixel_weights_ = std::make_unique<DeviceInput<float>>(pixel_weights);
  const auto make_table = [&](const GridSize& edge) {
    return std::make_unique<DeviceTable>(sizes.batch,
                                         label_table(sizes.classes, sizes.cells.grid, sizes.label_grid, edge));
  };
  for (const std::int64_t edge : edges) {
    blocks_.push_back(make_table({edge, edge, edge}));
    rows_.push_back(make_table({1, 1, edge}));
    blocks_of_rows_.push_back(make_table({edge, edge, edge}));
  }
  ticket_.fill(0);
  params_.labels = labels_.data();
  params_.pixel_weights = pixel_weights_ ? pixel_weights_->data() : nullptr;
  params_.cells = cells_->table();
  params_.weights = weights_.data();
  params_.census = {slots_.data(), ticket_.data(), total_.data()};
}

std::vector<DeviceTable*> DevicePool::tables() const {
  std::vector<DeviceTable*> all = {cells_.get()};
  for (const Tables* tables : {&blocks_, &rows_, &blocks_of_rows_})
    for (const auto& table : *tables) all.push_back(table.get());
  return all;
}

PoolTablesParams DevicePool::from_cells() const {
  PoolTablesParams params{};
  params.batch = params_.batch;
  LabelTable cells = cells_->table();
  if (cells.max_labels == 1) cells.totals = nullptr;
  for (std::size_t index = 0; index < edges_.size(); ++index) {
    const std::int64_t edge = edges_[index];
    params.tables[params.num_tables++] = {cells, blocks_[index]->table(), {edge, edge, edge}};
    params.tables[params.num_tables++] = {cells, rows_[index]->table(), {1, 1, edge}};
  }
  return params;
}

PoolTablesParams DevicePool::from_rows() const {
  PoolTablesParams params{};
  params.batch = params_.batch;
  for (std::size_t index = 0; index < edges_.size(); ++index)
    params.tables[params.num_tables++] = {
        rows_[index]->table(), blocks_of_rows_[index]->table(), {edges_[index], edges_[index], 1}};
  return params;
}

void DevicePool::run() {
  for (DeviceTable* table : tables()) table->poison();
  weights_.fill(DeviceOutput<float>::kPoison);
  total_.fill(DeviceOutput<LabelCensus>::kPoison);
  LaunchStream stream(nullptr);
  check(launch_pool(params_, stream));
  if (!edges_.empty()) {
    check(launch_pool_tables(from_cells(), stream));
    check(launch_pool_tables(from_rows(), stream));
  }
  for (const DeviceTable* table : tables()) EXPECT_TRUE(table->guards_are_intact());
  EXPECT_TRUE(weights_.guards_are_intact() && slots_.guards_are_intact() && ticket_.guards_are_intact() &&
              total_.guards_are_intact());
  EXPECT_EQ(ticket_.read()[0], 0u) << "ready for the next launch";
}

std::vector<unsigned char> DevicePool::bytes() const {
  std::vector<unsigned char> all;
  for (const DeviceTable* table : tables()) append(table->bytes(), all);
  append(weights_.bytes(), all);
  append(total_.bytes(), all);
  return all;
}

}  // namespace kernel_tests

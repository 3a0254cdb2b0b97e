#ifndef ARLOSS_TESTS_DEVICE_POOL_H
#define ARLOSS_TESTS_DEVICE_POOL_H

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/pool/pool_launch.h"
#include "oracle/oracle.h"
#include "support/device_memory.h"

namespace kernel_tests {

using support::check;
using support::DeviceInput;
using support::DeviceOutput;

/// Sizes, classes and the ignore index of an oracle problem, as the pool kernels take them.
arloss::kernels::PoolParams pool_params(const oracle::Problem& problem, arloss::kernels::LabelType type);

/// A label table on the device.
class DeviceTable {
 public:
  DeviceTable(std::int64_t batch, const arloss::kernels::LabelTable& shape);

  void poison();
  bool guards_are_intact() const;

  arloss::kernels::LabelTable table() const;
  std::vector<std::int32_t> codes() const { return codes_.read(); }
  std::vector<arloss::kernels::LabelCount> counts() const { return counts_.read(); }
  std::vector<std::uint32_t> totals() const { return totals_.read(); }
  /// Every byte, what was not written included.
  std::vector<unsigned char> bytes() const;

 private:
  arloss::kernels::LabelTable shape_;
  DeviceOutput<std::int32_t> codes_;
  DeviceOutput<arloss::kernels::LabelCount> counts_;
  DeviceOutput<std::uint32_t> totals_;
};

/// A label map pooled on the device: into cells, from these into blocks and rows of several edges, and from the rows
/// into blocks again.
class DevicePool {
 public:
  /// `pixel_weights` [batch][cells], or empty.
  DevicePool(const arloss::kernels::PoolParams& sizes, const std::vector<std::int64_t>& labels,
             const std::vector<float>& pixel_weights, const std::vector<std::int64_t>& edges = {});

  /// Poisons the outputs, launches, and checks the guard bands.
  void run();

  const arloss::kernels::PoolParams& params() const { return params_; }
  const DeviceTable& cells() const { return *cells_; }
  /// Of the index-th edge: its blocks from cells, and from rows; the rows.
  const DeviceTable& blocks(std::size_t index) const { return *blocks_[index]; }
  const DeviceTable& blocks_of_rows(std::size_t index) const { return *blocks_of_rows_[index]; }
  const DeviceTable& rows(std::size_t index) const { return *rows_[index]; }
  std::vector<float> weights() const { return weights_.read(); }
  arloss::kernels::LabelCensus census() const { return total_.read()[0]; }
  /// Every output byte, what was not written included.
  std::vector<unsigned char> bytes() const;

 private:
  using Tables = std::vector<std::unique_ptr<DeviceTable>>;

  std::vector<DeviceTable*> tables() const;
  arloss::kernels::PoolTablesParams from_cells() const;
  arloss::kernels::PoolTablesParams from_rows() const;

  arloss::kernels::PoolParams params_;
  std::vector<std::int64_t> edges_;
  DeviceInput<unsigned char> labels_;
  std::unique_ptr<DeviceInput<float>> pixel_weights_;
  std::unique_ptr<DeviceTable> cells_;
  Tables blocks_, rows_, blocks_of_rows_;
  DeviceOutput<float> weights_;
  DeviceOutput<arloss::kernels::LabelCensus> slots_;
  DeviceOutput<std::uint32_t> ticket_;
  DeviceOutput<arloss::kernels::LabelCensus> total_;
};

}  // namespace kernel_tests

#endif

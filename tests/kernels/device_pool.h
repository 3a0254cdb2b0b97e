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
arloss::kernels::PoolParams pool_params(const oracle::Problem& problem, std::int64_t edge,
                                        arloss::kernels::LabelType type);

/// One scale of a label map, pooled on the device.
class DevicePool {
 public:
  /// `pixel_weights` [batch][blocks], or empty.
  DevicePool(const arloss::kernels::PoolParams& sizes, const std::vector<std::int64_t>& labels,
             const std::vector<float>& pixel_weights);

  /// Poisons the outputs, launches, and checks the guard bands.
  void run();

  const arloss::kernels::PoolParams& params() const { return params_; }
  std::vector<std::int32_t> codes() const { return codes_.read(); }
  std::vector<arloss::kernels::LabelCount> counts() const { return counts_.read(); }
  std::vector<float> weights() const { return weights_.read(); }
  arloss::kernels::LabelCensus census() const { return total_.read()[0]; }
  /// Every output byte, what was not written included.
  std::vector<unsigned char> bytes() const;

 private:
  arloss::kernels::PoolParams params_;
  DeviceInput<unsigned char> labels_;
  std::unique_ptr<DeviceInput<float>> pixel_weights_;
  DeviceOutput<std::int32_t> codes_;
  DeviceOutput<arloss::kernels::LabelCount> counts_;
  DeviceOutput<float> weights_;
  DeviceOutput<arloss::kernels::LabelCensus> slots_;
  DeviceOutput<std::uint32_t> ticket_;
  DeviceOutput<arloss::kernels::LabelCensus> total_;
};

}  // namespace kernel_tests

#endif

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

std::size_t num_blocks(const PoolParams& params) {
  return static_cast<std::size_t>(params.batch * blocks_per_image(params));
}

}  // namespace

PoolParams pool_params(const oracle::Problem& problem, std::int64_t edge, LabelType type) {
  PoolParams params{};
  params.label_type = type;
  params.batch = problem.batch;
  params.classes = problem.classes;
  params.edge = edge;
  params.grid = {problem.depth, problem.height, problem.width};
  params.label_grid = {problem.label_depth, problem.label_height, problem.label_width};
  params.has_ignore_index = problem.has_ignore_index;
  params.ignore_index = problem.ignore_index;
  return params;
}

DevicePool::DevicePool(const PoolParams& sizes, const std::vector<std::int64_t>& labels,
                       const std::vector<float>& pixel_weights)
    : params_(sizes),
      labels_(stored(sizes.label_type, labels)),
      codes_(num_blocks(sizes)),
      counts_(num_blocks(sizes) * static_cast<std::size_t>(count_stride(sizes))),
      weights_(num_blocks(sizes)),
      slots_(static_cast<std::size_t>(pool_grid_blocks(sizes))),
      ticket_(1),
      total_(1) {
  if (!pixel_weights.empty()) pixel_weights_ = std::make_unique<DeviceInput<float>>(pixel_weights);
  ticket_.fill(0);
  params_.labels = labels_.data();
  params_.pixel_weights = pixel_weights_ ? pixel_weights_->data() : nullptr;
  params_.codes = codes_.data();
  params_.counts = counts_.data();
  params_.weights = weights_.data();
  params_.census = {slots_.data(), ticket_.data(), total_.data()};
}

void DevicePool::run() {
  codes_.fill(DeviceOutput<std::int32_t>::kPoison);
  counts_.fill(DeviceOutput<LabelCount>::kPoison);
  weights_.fill(DeviceOutput<float>::kPoison);
  total_.fill(DeviceOutput<LabelCensus>::kPoison);
  check(launch_pool(params_, nullptr));
  EXPECT_TRUE(codes_.guards_are_intact() && counts_.guards_are_intact() && weights_.guards_are_intact() &&
              slots_.guards_are_intact() && ticket_.guards_are_intact() && total_.guards_are_intact());
  EXPECT_EQ(ticket_.read()[0], 0u) << "ready for the next launch";
}

std::vector<unsigned char> DevicePool::bytes() const {
  std::vector<unsigned char> all = codes_.bytes();
  for (const auto& part : {counts_.bytes(), weights_.bytes(), total_.bytes()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace kernel_tests

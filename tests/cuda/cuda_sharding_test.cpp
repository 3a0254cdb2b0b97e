/// The additive state on CUDA.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "cuda/device_runner.h"
#include "support/sharding_checks.h"

namespace support {
namespace {

struct CudaRank {
  CudaRank(const CaseSpec& held, const Batch& batch)
      : spec(held), plan(batch.problem, make_cuda_options()), buffers(plan, batch) {}

  arloss_status_t accumulate() {
    buffers.use_bare_workspace();
    return support::accumulate(plan, buffers, nullptr);
  }
  arloss_status_t finish() { return support::finish(plan, buffers, nullptr); }
  arloss_status_t backward() {
    buffers.use_bare_workspace();
    return support::backward(plan, buffers, nullptr);
  }
  std::vector<double> head() const {
    std::vector<double> sums(plan.sum_count());
    std::memcpy(sums.data(), buffers.state.read().data(), sums.size() * sizeof(double));
    return sums;
  }
  void set_head(const std::vector<double>& sums) {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(sums.data());
    buffers.state.assign({bytes, bytes + sums.size() * sizeof(double)});
  }
  Outcome outcome() const {
    buffers.expect_guards_intact();
    return buffers.read(spec);
  }

  CaseSpec spec;
  Plan plan;
  DeviceBuffers buffers;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Cuda, Sharding, CudaRank);

}  // namespace
}  // namespace support

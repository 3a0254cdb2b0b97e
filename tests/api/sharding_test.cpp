/// The additive state on the CPU.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "support/runner.h"
#include "support/sharding_checks.h"

namespace support {
namespace {

struct CpuRank {
  CpuRank(const CaseSpec& held, const Batch& batch)
      : spec(held), plan(batch.problem, make_options(ARLOSS_ALGORITHM_FACTORED, 2)), buffers(plan, batch) {}

  arloss_status_t accumulate() { return support::accumulate(plan, buffers); }
  arloss_status_t finish() { return support::finish(plan, buffers); }
  arloss_status_t backward() {
    buffers.workspace.fill(0x5a);
    return support::backward(plan, buffers);
  }
  std::vector<double> head() const {
    std::vector<double> sums(plan.sum_count());
    std::memcpy(sums.data(), buffers.state.data(), sums.size() * sizeof(double));
    return sums;
  }
  void set_head(const std::vector<double>& sums) {
    std::memcpy(buffers.state.data(), sums.data(), sums.size() * sizeof(double));
  }
  Outcome outcome() const {
    buffers.expect_guards_intact();
    return read_outcome(spec, buffers);
  }

  CaseSpec spec;
  Plan plan;
  Buffers buffers;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Cpu, Sharding, CpuRank);

/// A single rank: accumulate and finish are forward.
TEST(CpuSharding, OneRankIsForward) {
  for (const CaseSpec& spec : factorable_kinds(2)) {
    const Batch batch = pack(spec, draw_inputs(spec));
    const Plan plan(batch.problem, make_options(ARLOSS_ALGORITHM_FACTORED, 1));
    CpuRank rank(spec, batch);
    ASSERT_EQ(rank.accumulate(), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    ASSERT_EQ(rank.finish(), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    ASSERT_EQ(rank.backward(), ARLOSS_STATUS_SUCCESS) << arloss_last_message();
    EXPECT_TRUE(rank.outcome() == run_forward_backward(plan, spec, batch)) << describe(spec);
  }
}

}  // namespace
}  // namespace support

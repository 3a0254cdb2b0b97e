#ifndef ARLOSS_TESTS_INSPECTION_H
#define ARLOSS_TESTS_INSPECTION_H

#include <cstdint>
#include <vector>

#include "arloss/arloss.h"
#include "support/case.h"

namespace support {

/// Problems for the calls that look at inputs: every scale mode, labels hard and mixed, every dtype, 2-D and 3-D.
std::vector<CaseSpec> inspection_list();

inline constexpr arloss_affinity_t kAffinities[] = {ARLOSS_AFFINITY_OUTPUT, ARLOSS_AFFINITY_LABEL,
                                                    ARLOSS_AFFINITY_RESIDUAL};

/// Rows that one call of arloss_affinity_rows is asked for.
struct Rows {
  std::vector<std::int64_t> images, cells;
};
/// The first, the last and some between, one of them twice.
Rows some_rows(const CaseSpec& spec);
/// What the definition has there, row after row.
std::vector<double> expected_rows(const CaseSpec& spec, const oracle::Inputs& inputs, arloss_affinity_t which,
                                  const Rows& rows);
/// Equal but for a few float32 roundings of a number up to 1.
void expect_close(const std::vector<float>& found, const std::vector<double>& expected);

/// What arloss_check reports of good inputs.
void expect_no_faults(const arloss_report_t& report, const CaseSpec& spec, const oracle::Inputs& inputs);

/// 2 x 5 x 4 x 6 in every layout and logits dtype; inputs with two faults of a kind or more, and what looks like some;
/// what arloss_check reports of them.
std::vector<CaseSpec> faulty_list();
oracle::Inputs faulty_inputs(const CaseSpec& spec);
void expect_all_faults(const arloss_report_t& report, const CaseSpec& spec);

}  // namespace support

#endif

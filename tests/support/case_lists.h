#ifndef ARLOSS_TESTS_CASE_LISTS_H
#define ARLOSS_TESTS_CASE_LISTS_H

#include <cstdint>
#include <utility>
#include <vector>

#include "support/case.h"

namespace support {

/// Every penalty with every scale mode, reduction and span, several times over; all else (dtypes, layout, label types,
/// regimes, grids in 2-D and 3-D, label ratios, scales, weights ...) drawn so that each value turns up equally often.
std::vector<CaseSpec> mixed_list();

/// Every regime with every penalty and logits dtype on one grid, the scale modes in turn; and near-perfect predictions
/// of an image of one class.
std::vector<CaseSpec> regime_list();

/// Cells N around the tile edges of the kernels, with class counts that cycle through all of them up to 40.
std::vector<CaseSpec> size_list();

/// Every class count up to 300.
std::vector<CaseSpec> class_list();

/// Every kind of problem of penalties with their parameters, on two images of `height` x 31 cells: scale modes, spans,
/// labels hard or not.
std::vector<CaseSpec> problem_kinds(const std::vector<std::pair<oracle::Penalty, double>>& penalties,
                                    std::int64_t height);
/// Seeds, dtypes and layouts by the place in the list.
void vary_by_place(std::vector<CaseSpec>& list);

}  // namespace support

#endif

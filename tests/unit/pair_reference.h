#ifndef ARLOSS_TESTS_PAIR_REFERENCE_H
#define ARLOSS_TESTS_PAIR_REFERENCE_H

#include <cstdint>
#include <vector>

#include "arloss/arloss.h"

namespace pair_reference {

using Real = long double;
using Rows = std::vector<std::vector<Real>>;  // [cells][classes]

/// One panel of cells by definition: probabilities, label distributions, weights. A cell of weight 0 is absent.
struct PanelRows {
  Rows p;
  std::vector<Rows> t;  // [scales]
  std::vector<float> weight;

  std::int64_t classes() const { return static_cast<std::int64_t>(p[0].size()); }
  std::size_t count() const { return p.size(); }
  Real s(std::size_t i, std::size_t c) const;
};

/// What a tile of pairs is asked for.
struct PairTask {
  arloss_penalty_t penalty;
  float param;
  std::vector<float> omega;
  bool is_blend;
  bool is_diagonal;  // strip and partner are the same panel: CROSS_ENTROPY leaves pairs i = i out
};

/// phi and phi' of one pair, by their definitions, with the error that float32 may make of them: relative to the terms
/// that A and B are sums of, not to A and B.
struct PairValue {
  Real value, slope, value_tolerance, slope_tolerance;
  bool is_at_edge;  // so near a jump of the slope that rounding decides the side
};

PairValue exact_pair(const PairTask& task, const PanelRows& strip, std::size_t i, const PanelRows& partner,
                     std::size_t j);

/// sum_ij w_i w_j phi, and h_i = sum_j w_j phi' s_j without w_i, with what float32 may make of them.
struct PairSums {
  Real loss, loss_tolerance;
  Rows h, h_tolerance;  // [cells][classes]
};

PairSums exact_sums(const PairTask& task, const PanelRows& strip, const PanelRows& partner);

}  // namespace pair_reference

#endif

#include "pair_reference.h"

#include <algorithm>
#include <cmath>

namespace pair_reference {
namespace {

/// Roundings that a pair's affinity may collect, per unit of its terms.
constexpr Real kRounding = 6e-7L;

std::size_t argmax(const std::vector<Real>& row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

/// <sqrt(a), sqrt(b)>, and its error: in units of the products of the residuals to the nearest one-hot row.
struct ExactAffinity {
  ExactAffinity(const std::vector<Real>& a, const std::vector<Real>& b) {
    const std::size_t v = argmax(a), w = argmax(b);
    Real size = 0;
    for (std::size_t c = 0; c < a.size(); ++c) {
      value += std::sqrt(a[c] * b[c]);
      size += std::fabs(residual(b, w, c)) * std::sqrt(a[c]);
    }
    tolerance = kRounding * (size + std::fabs(residual(a, v, w)));
  }

  static Real residual(const std::vector<Real>& p, std::size_t v, std::size_t c) {
    if (c != v) return std::sqrt(p[c]);
    Real others = 0;
    for (std::size_t d = 0; d < p.size(); ++d) others += d == v ? 0 : p[d];
    return -others / (1 + std::sqrt(p[v]));
  }

  /// One-hot rows: no rounding touches their product.
  bool is_hard() const { return value == 0 || value == 1; }

  Real value = 0, tolerance = 0;
};

/// One side's target: B of a scale, or of the blend.
struct Target {
  Real value, tolerance;
  bool is_hard;
};

PairValue squared(Real d, Real tolerance) {
  return {d * d, 2 * d, 2 * std::fabs(d) * tolerance + tolerance * tolerance + 1e-6L * d * d, 2 * tolerance, false};
}

/// Against a target of 0 or 1 the sign is known however small d is.
PairValue absolute(Real d, Real tolerance, bool is_hard) {
  const Real slope = d > 0 ? 1 : d < 0 ? -1 : 0;
  return {std::fabs(d), slope, tolerance, 0, std::fabs(d) <= (is_hard ? 1e-17L : tolerance)};
}

PairValue huber(Real d, Real tolerance, Real delta) {
  const bool is_quadratic = std::fabs(d) <= delta;
  const Real value = is_quadratic ? d * d / 2 : delta * (std::fabs(d) - delta / 2);
  const Real slope = is_quadratic ? d : std::copysign(delta, d);
  return {value, slope, std::fabs(slope) * tolerance + tolerance * tolerance + 1e-6L * value, tolerance + 1e-7L * delta,
          false};
}

PairValue log_cosh(Real d, Real tolerance, Real delta) {
  const Real x = d / delta, half = std::tanh(x / 2), step = tolerance / delta;
  const Real value = 2 * std::atanh(half * half), slope = std::tanh(x) / delta;
  return {value, slope, std::fabs(slope) * tolerance + step * step + 1e-6L * value,
          step / delta + 1e-6L * std::fabs(slope), false};
}

PairValue cross_entropy(const ExactAffinity& affinity, const Target& target, Real eps) {
  const Real a = affinity.value, b = target.value, a_tolerance = affinity.tolerance;
  const Real a_in = std::min(std::max(a, eps), 1 - eps), b_in = std::min(std::max(b, eps), 1 - eps);
  const Real gain = std::log(a_in / b_in), loss = std::log((1 - a_in) / (1 - b_in));
  const Real up = b / a_in, down = (1 - b) / (1 - a_in), bend = 1 / (a_in * (1 - a_in));
  const bool is_clamped = a < eps || a > 1 - eps;
  const Real slope = is_clamped ? 0 : down - up;
  const Real tolerance = a_tolerance + target.tolerance;
  // A step of A or B by its error, to second order; and the logarithms' own error.
  const Real value_tolerance = std::fabs(slope) * a_tolerance + (std::fabs(gain) + std::fabs(loss)) * target.tolerance +
                               bend * tolerance * tolerance +
                               kRounding * (b * std::fabs(gain) + (1 - b) * std::fabs(loss));
  const Real edge = a_tolerance + 1e-7L * eps;
  return {-b * gain - (1 - b) * loss, slope, value_tolerance,
          is_clamped ? 0 : bend * tolerance + kRounding * (up + down),
          std::fabs(a - eps) <= edge || std::fabs(1 - a - eps) <= edge};
}

PairValue penalise(const PairTask& task, const ExactAffinity& a, const Target& b) {
  const Real d = a.value - b.value, tolerance = a.tolerance + b.tolerance;
  switch (task.penalty) {
    case ARLOSS_PENALTY_SQUARED: return squared(d, tolerance);
    case ARLOSS_PENALTY_ABSOLUTE: return absolute(d, tolerance, b.is_hard);
    case ARLOSS_PENALTY_HUBER: return huber(d, tolerance, task.param);
    case ARLOSS_PENALTY_LOG_COSH: return log_cosh(d, tolerance, task.param);
    default: return cross_entropy(a, b, task.param);
  }
}

}  // namespace

Real PanelRows::s(std::size_t i, std::size_t c) const { return std::sqrt(p[i][c]); }

PairValue exact_pair(const PairTask& task, const PanelRows& strip, std::size_t i, const PanelRows& partner,
                     std::size_t j) {
  const ExactAffinity a(strip.p[i], partner.p[j]), finest(strip.t[0][i], partner.t[0][j]);
  PairValue sum{0, 0, 0, 0, false};
  // The residual against a coarser target is that against the finest, moved by the distance of the two.
  Target blend{0, finest.tolerance, true};
  for (std::size_t k = 0; k < task.omega.size(); ++k) {
    const ExactAffinity b(strip.t[k][i], partner.t[k][j]);
    const Real omega = task.omega[k];
    const Target target{b.value,
                        b.tolerance + (k > 0 ? finest.tolerance + kRounding * std::fabs(b.value - finest.value) : 0),
                        b.is_hard() && finest.value == b.value};
    blend.value += omega * target.value;
    blend.tolerance += omega * target.tolerance;
    blend.is_hard &= target.is_hard;
    if (task.is_blend) continue;
    const PairValue pair = penalise(task, a, target);
    sum.value += omega * pair.value;
    sum.slope += omega * pair.slope;
    sum.value_tolerance += omega * (pair.value_tolerance + kRounding * pair.value);
    sum.slope_tolerance += omega * (pair.slope_tolerance + kRounding * std::fabs(pair.slope));
    sum.is_at_edge |= pair.is_at_edge;
  }
  return task.is_blend ? penalise(task, a, blend) : sum;
}

PairSums exact_sums(const PairTask& task, const PanelRows& strip, const PanelRows& partner) {
  const std::size_t classes = strip.p[0].size();
  PairSums sums{0, 0, Rows(strip.count(), std::vector<Real>(classes, 0)),
                Rows(strip.count(), std::vector<Real>(classes, 0))};
  for (std::size_t i = 0; i < strip.count(); ++i)
    for (std::size_t j = 0; j < partner.count(); ++j) {
      if (strip.weight[i] == 0 || partner.weight[j] == 0) continue;
      if (task.is_diagonal && task.penalty == ARLOSS_PENALTY_CROSS_ENTROPY && i == j) continue;
      const PairValue pair = exact_pair(task, strip, i, partner, j);
      const Real weight = partner.weight[j], both = weight * strip.weight[i];
      sums.loss += both * pair.value;
      sums.loss_tolerance += both * (pair.value_tolerance + kRounding * pair.value);
      const Real edge = pair.is_at_edge ? 2 * std::fabs(pair.slope) + 1 : 0;
      for (std::size_t c = 0; c < classes; ++c) {
        const Real s = partner.s(j, c);
        sums.h[i][c] += weight * pair.slope * s;
        sums.h_tolerance[i][c] += weight * (pair.slope_tolerance + kRounding * std::fabs(pair.slope) + edge) * s;
      }
    }
  return sums;
}

}  // namespace pair_reference

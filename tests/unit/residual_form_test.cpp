/// The residual form's joins against the definition: sums over all pairs of cells, in long double.
#include "math/residual_form.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "support/random.h"

namespace arloss::math {
namespace {

using Real = long double;
using Rows = std::vector<std::vector<Real>>;  // [cells][classes]

/// Cells of random label rows U_k, residual rows E = S - U_1 and weights. The identities hold for any rows; rows as
/// they occur (positive, of norm 1 or 0) keep the sums from being a special case of something else.
struct Cells {
  std::int64_t classes;
  std::vector<Real> weight;
  Rows e;
  std::vector<Rows> u;  // [scales]
  std::vector<double> omega;

  std::size_t count() const { return weight.size(); }
  int num_scales() const { return static_cast<int>(u.size()); }
  Real s(std::size_t i, std::int64_t c) const { return u[0][i][at(c)] + e[i][at(c)]; }
  static std::size_t at(std::int64_t c) { return static_cast<std::size_t>(c); }
};

std::vector<Real> random_unit_row(support::Random& random, std::int64_t classes) {
  std::vector<Real> row;
  Real norm = 0;
  for (std::int64_t c = 0; c < classes; ++c) row.push_back(random.chance(0.5) ? random.uniform() : 0.0);
  row[static_cast<std::size_t>(random.below(classes))] += 1;
  for (const Real value : row) norm += value * value;
  for (Real& value : row) value /= std::sqrt(norm);
  return row;
}

Cells random_cells(std::uint64_t seed, std::size_t count, std::int64_t classes, int num_scales, double residual_size) {
  support::Random random(seed);
  Cells cells{classes, {}, {}, std::vector<Rows>(static_cast<std::size_t>(num_scales)), {}};
  // Sums of exactly 1: a rest of 1e-16 times B would show beside residuals of 1e-6.
  for (int k = 0; k < num_scales; ++k) cells.omega.push_back(std::ldexp(1.0, k + 1 < num_scales ? -1 - k : -k));
  for (std::size_t i = 0; i < count; ++i) {
    cells.weight.push_back(random.chance(0.2) ? 0 : random.uniform(0.2, 3));
    for (Rows& rows : cells.u) rows.push_back(random_unit_row(random, classes));
    cells.e.emplace_back();
    for (std::int64_t c = 0; c < classes; ++c) cells.e.back().push_back(residual_size * random.normal());
  }
  return cells;
}

/// [classes][classes] of sum_i w_i left(i, c) right(i, d).
template <class Left, class Right>
void add_matrix(const Cells& cells, const Left& left, const Right& right, double* out) {
  for (std::int64_t c = 0; c < cells.classes; ++c)
    for (std::int64_t d = 0; d < cells.classes; ++d) {
      Real sum = 0;
      for (std::size_t i = 0; i < cells.count(); ++i) sum += cells.weight[i] * left(i, c) * right(i, d);
      out[c * cells.classes + d] = static_cast<double>(sum);
    }
}

struct Sums {
  explicit Sums(const Cells& cells)
      : values(
            static_cast<std::size_t>(ResidualSums::num_matrices(cells.num_scales()) * cells.classes * cells.classes)),
        sums(values.data(), cells.classes, cells.num_scales()) {
    const auto e = [&](std::size_t i, std::int64_t c) { return cells.e[i][Cells::at(c)]; };
    const auto u = [&](int k) {
      return [&cells, k](std::size_t i, std::int64_t c) { return cells.u[Cells::at(k)][i][Cells::at(c)]; };
    };
    const auto step = [&](int k) { return [u, k](std::size_t i, std::int64_t c) { return u(k)(i, c) - u(0)(i, c); }; };
    add_matrix(cells, e, e, sums.p());
    add_matrix(cells, u(0), e, sums.q());
    for (int k = 1; k < cells.num_scales(); ++k) {
      add_matrix(cells, step(k), e, sums.d(k));
      add_matrix(cells, step(k), u(0), sums.dr(k));
    }
    for (int k = 0; k < cells.num_scales(); ++k)
      for (int l = k; l < cells.num_scales(); ++l) add_matrix(cells, u(k), u(l), sums.r(k, l));
  }

  std::vector<double> values;
  ResidualSums sums;
};

Real dot(const std::vector<Real>& a, const std::vector<Real>& b) {
  Real sum = 0;
  for (std::size_t c = 0; c < a.size(); ++c) sum += a[c] * b[c];
  return sum;
}

/// A_ij - B^k_ij for k = 0 is formed from the residuals, so that small ones keep their digits.
Real finest_residual(const Cells& cells, std::size_t i, std::size_t j) {
  return dot(cells.e[i], cells.u[0][j]) + dot(cells.u[0][i], cells.e[j]) + dot(cells.e[i], cells.e[j]);
}

Real label_affinity(const Cells& cells, int k, std::size_t i, std::size_t j) {
  return dot(cells.u[Cells::at(k)][i], cells.u[Cells::at(k)][j]);
}

Real blend_residual(const Cells& cells, std::size_t i, std::size_t j) {
  Real residual = finest_residual(cells, i, j);
  if (cells.num_scales() == 1) return residual;
  for (int k = 0; k < cells.num_scales(); ++k)
    residual += (k == 0 ? 1 - Real{cells.omega[0]} : -Real{cells.omega[Cells::at(k)]}) * label_affinity(cells, k, i, j);
  return residual;
}

/// sum_ij w_i w_j term(i, j).
template <class Term>
Real sum_over_pairs(const Cells& cells, const Term& term) {
  Real sum = 0;
  for (std::size_t i = 0; i < cells.count(); ++i)
    for (std::size_t j = 0; j < cells.count(); ++j) sum += cells.weight[i] * cells.weight[j] * term(i, j);
  return sum;
}

/// Adds term(element) over a whole matrix.
template <class Term>
double sum_of_elements(std::int64_t classes, const Term& term) {
  double sum = 0;
  for (std::int64_t c = 0; c < classes; ++c)
    for (std::int64_t d = 0; d < classes; ++d) sum += term(Element(c, d, classes));
  return sum;
}

double blend_loss(const Cells& cells, const ResidualSums& sums) {
  return sum_of_elements(cells.classes, [&](Element at) { return blend_term(sums, cells.omega.data(), at); });
}

void expect_near_relative(double actual, Real expected, double tolerance) {
  EXPECT_NEAR(actual, static_cast<double>(expected), tolerance * std::fabs(static_cast<double>(expected)));
}

/// Calls body(cells) over scales, classes and sizes of the residual.
template <class Body>
void for_each_cells(const Body& body) {
  std::uint64_t seed = 0;
  for (int num_scales = 1; num_scales <= 4; ++num_scales)
    for (const std::int64_t classes : {1, 2, 5, 8})
      for (const double residual_size : {0.7, 1e-6}) {
        SCOPED_TRACE(std::to_string(num_scales) + " scales, " + std::to_string(classes) + " classes, residuals of " +
                     std::to_string(residual_size));
        body(random_cells(++seed, 23, classes, num_scales, residual_size));
      }
}

TEST(ResidualSums, MatricesLieApartAndFillTheCount) {
  for (int num_scales = 1; num_scales <= 8; ++num_scales) {
    std::vector<double> values(static_cast<std::size_t>(ResidualSums::num_matrices(num_scales)) * 9);
    const ResidualSums sums(values.data(), 3, num_scales);
    std::set<std::ptrdiff_t> offsets = {sums.p() - values.data(), sums.q() - values.data()};
    for (int k = 1; k < num_scales; ++k) offsets.insert({sums.d(k) - values.data(), sums.dr(k) - values.data()});
    for (int k = 0; k < num_scales; ++k)
      for (int l = k; l < num_scales; ++l) offsets.insert(sums.r(k, l) - values.data());
    EXPECT_EQ(offsets.size() * 9, values.size());
    EXPECT_EQ(*offsets.begin(), 0);
    EXPECT_EQ(*offsets.rbegin() + 9, static_cast<std::ptrdiff_t>(values.size()));
    EXPECT_TRUE(std::all_of(offsets.begin(), offsets.end(), [](std::ptrdiff_t offset) { return offset % 9 == 0; }));
  }
}

TEST(ResidualForm, BlendLossIsTheSumOverPairs) {
  for_each_cells([](const Cells& cells) {
    const Sums sums(cells);
    const Real expected = sum_over_pairs(
        cells, [&](std::size_t i, std::size_t j) { return blend_residual(cells, i, j) * blend_residual(cells, i, j); });
    expect_near_relative(blend_loss(cells, sums.sums), expected, 1e-11);
  });
}

TEST(ResidualForm, SeparateLossIsTheConstantMore) {
  for_each_cells([](const Cells& cells) {
    const Sums sums(cells);
    const Real expected = sum_over_pairs(cells, [&](std::size_t i, std::size_t j) {
      Real loss = 0;
      for (int k = 0; k < cells.num_scales(); ++k) {
        const Real residual =
            finest_residual(cells, i, j) + label_affinity(cells, 0, i, j) - label_affinity(cells, k, i, j);
        loss += cells.omega[Cells::at(k)] * residual * residual;
      }
      return loss;
    });
    const double constant = sum_of_elements(
        cells.classes, [&](Element at) { return separate_constant_term(sums.sums, cells.omega.data(), at); });
    const double blend = blend_loss(cells, sums.sums);
    // One scale: the constant is 0 up to rounding of the labels' own norm, whatever the residuals are.
    const Real labels = sum_over_pairs(cells, [&](std::size_t i, std::size_t j) {
      return label_affinity(cells, 0, i, j) * label_affinity(cells, 0, i, j);
    });
    EXPECT_NEAR(blend + constant, static_cast<double>(expected), 1e-11 * static_cast<double>(expected + labels));
  });
}

/// sum_j w_j 2 d_ij s_j: h_i without w_i.
std::vector<Real> pair_gradient(const Cells& cells, std::size_t i) {
  std::vector<Real> h(Cells::at(cells.classes), 0);
  for (std::size_t j = 0; j < cells.count(); ++j)
    for (std::int64_t c = 0; c < cells.classes; ++c)
      h[Cells::at(c)] += 4 * cells.weight[j] * blend_residual(cells, i, j) * cells.s(j, c);
  return h;
}

/// E_i G + u^1_i M - sum_k (u^k_i - u^1_i) K_k.
std::vector<Real> coefficient_gradient(const Cells& cells, const ResidualCoefficients& matrices, std::size_t i) {
  std::vector<Real> h(Cells::at(cells.classes), 0);
  for (std::int64_t c = 0; c < cells.classes; ++c)
    for (std::int64_t d = 0; d < cells.classes; ++d) {
      const std::int64_t cd = c * cells.classes + d;
      const Real u = cells.u[0][i][Cells::at(c)];
      h[Cells::at(d)] += cells.e[i][Cells::at(c)] * matrices.g[cd] + u * matrices.m[cd];
      for (int k = 1; k < cells.num_scales(); ++k)
        h[Cells::at(d)] -=
            (cells.u[Cells::at(k)][i][Cells::at(c)] - u) * matrices.k[(k - 1) * cells.classes * cells.classes + cd];
    }
  return h;
}

TEST(ResidualForm, CoefficientsGiveTheGradientOfThePairs) {
  for_each_cells([](const Cells& cells) {
    const Sums sums(cells);
    const double factor = 4 * 0.37;
    std::vector<float> values(static_cast<std::size_t>(ResidualCoefficients::num_matrices(cells.num_scales()) *
                                                       cells.classes * cells.classes));
    const std::int64_t size = cells.classes * cells.classes;
    const ResidualCoefficients matrices{values.data(), values.data() + size, values.data() + 2 * size};
    for (std::int64_t c = 0; c < cells.classes; ++c)
      for (std::int64_t d = 0; d < cells.classes; ++d)
        write_coefficients(sums.sums, cells.omega.data(), factor, Element(c, d, cells.classes), matrices);
    Real error = 0, norm = 0;
    for (std::size_t i = 0; i < cells.count(); ++i) {
      const std::vector<Real> expected = pair_gradient(cells, i), actual = coefficient_gradient(cells, matrices, i);
      for (std::size_t c = 0; c < expected.size(); ++c) {
        error += std::pow(actual[c] - Real{0.37} * expected[c], 2);
        norm += std::pow(Real{0.37} * expected[c], 2);
      }
    }
    // The matrices are float32; nothing but their rounding may be lost.
    EXPECT_LE(std::sqrt(error), 1.5e-7L * std::sqrt(norm));
  });
}

/// Cells as ABSOLUTE takes them: S = sqrt(softmax), U one-hot. `classes_of_cells` is written.
Cells hard_cells(std::uint64_t seed, std::int64_t classes, double spread, std::vector<std::size_t>& class_of_cell) {
  support::Random random(seed);
  Cells cells = random_cells(seed, 29, classes, 1, 0);
  for (std::size_t i = 0; i < cells.count(); ++i) {
    const std::size_t y = class_of_cell.emplace_back(Cells::at(random.below(classes)));
    std::vector<Real> p;
    Real sum = 0;
    for (std::int64_t c = 0; c < classes; ++c)
      sum += p.emplace_back(std::exp(Real{random.normal()} - (Cells::at(c) == y ? 0 : spread)));
    for (std::int64_t c = 0; c < classes; ++c) {
      const Real s = std::sqrt(p[Cells::at(c)] / sum);
      cells.u[0][i][Cells::at(c)] = Cells::at(c) == y;
      cells.e[i][Cells::at(c)] = Cells::at(c) == y ? (s * s - 1) / (s + 1) : s;
    }
  }
  return cells;
}

std::vector<double> class_weights(const Cells& cells, const std::vector<std::size_t>& class_of_cell) {
  std::vector<double> n(Cells::at(cells.classes), 0);
  for (std::size_t i = 0; i < cells.count(); ++i) n[class_of_cell[i]] += static_cast<double>(cells.weight[i]);
  return n;
}

TEST(AbsoluteForm, LossIsTheSumOverPairs) {
  for (const std::int64_t classes : {1, 2, 5, 8})
    for (const double spread : {0.0, 3.0, 12.0}) {
      std::vector<std::size_t> class_of_cell;
      const Cells cells = hard_cells(7 + static_cast<std::uint64_t>(classes), classes, spread, class_of_cell);
      const Real expected =
          sum_over_pairs(cells, [&](std::size_t i, std::size_t j) { return std::fabs(finest_residual(cells, i, j)); });
      const Sums sums(cells);
      double loss = 0;
      for (std::int64_t d = 0; d < classes; ++d)
        loss += absolute_term(class_weights(cells, class_of_cell).data(), sums.sums.q(), d, classes);
      EXPECT_NEAR(loss, static_cast<double>(expected), 1e-11 * static_cast<double>(expected) + 1e-15);
    }
}

TEST(AbsoluteForm, CoefficientsGiveTheGradientOfThePairs) {
  for (const std::int64_t classes : {1, 2, 5, 8})
    for (const double spread : {0.0, 3.0}) {
      std::vector<std::size_t> class_of_cell;
      const Cells cells = hard_cells(3 + static_cast<std::uint64_t>(classes), classes, spread, class_of_cell);
      std::vector<float> rows(static_cast<std::size_t>(classes * classes));
      const Sums sums(cells);
      for (std::int64_t d = 0; d < classes; ++d)
        write_absolute_coefficients(class_weights(cells, class_of_cell).data(), sums.sums.q(), classes, 2 * 0.37, d,
                                    rows.data());
      for (std::size_t i = 0; i < cells.count(); ++i)
        for (std::int64_t c = 0; c < classes; ++c) {
          // d|A - B| / dA is +-1; a pair at d = 0 is one of A = B = 1 here, where the linear form takes -1.
          Real expected = 0, size = 0;
          for (std::size_t j = 0; j < cells.count(); ++j) {
            const Real term = 2 * 0.37L * cells.weight[j] * cells.s(j, c);
            expected += class_of_cell[i] == class_of_cell[j] ? -term : term;
            size += std::fabs(term);
          }
          EXPECT_NEAR(rows[class_of_cell[i] * Cells::at(classes) + Cells::at(c)], static_cast<double>(expected),
                      1e-7 * static_cast<double>(size));
        }
    }
}

}  // namespace
}  // namespace arloss::math

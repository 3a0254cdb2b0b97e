#ifndef ARLOSS_MATH_FACTORED_FORM_H
#define ARLOSS_MATH_FACTORED_FORM_H

#include <cstdint>

#include "math/residual_form.h"

namespace arloss::math {

/// From additive sums to loss and gradient matrices: everything a factored plan does between its forward and its
/// backward, for one group of cells. A value without pointers: the CPU loops over elements, a device deals them to
/// threads.
///
/// Head of a group: [sum of w, count of w > 0, sums...], float64. Coefficients: [scale, dead value, matrices...],
/// float32. Sums and matrices come in parts that share no scale: one part for BLEND, SEPARATE and ABSOLUTE, one per
/// scale for PYRAMID.
struct FactoredForm {
  static constexpr int kMaxScales = 8;
  static constexpr std::int64_t kWeights = 2;  // head values before the sums
  static constexpr std::int64_t kFlags = 2;    // coefficients before the matrices

  struct Part {
    int num_scales;
    double omega[kMaxScales];         // within the part; {1} for a scale of a pyramid
    double weight;                    // of the part in the loss
    std::int64_t sums, coefficients;  // where they begin in a group's head and coefficients
    int table;                        // which table of pooled rows the part sums over, -1 for the cells' own
  };

  bool is_absolute, is_separate;
  double quadratic_factor;  // 1, or 1/2 for HUBER (math.md, eq. 22)
  std::int64_t classes;
  std::int64_t head_count, coefficient_count;  // of one group
  int num_parts;
  Part parts[kMaxScales];

  ARLOSS_HOST_DEVICE ResidualSums sums(const Part& part, double* head) const {
    return {head + part.sums, classes, part.num_scales};
  }
  /// Of a form of one part: where in the head the sums over E begin (P, Q_1 and D_k; Q alone for ABSOLUTE), and how
  /// many values they are. The rest of the head is of labels and weights alone.
  ARLOSS_HOST_DEVICE std::int64_t first_product() const { return parts[0].sums + (is_absolute ? classes : 0); }
  ARLOSS_HOST_DEVICE std::int64_t product_count() const {
    return classes * classes * (is_absolute ? 1 : 1 + parts[0].num_scales);
  }
  /// What loss and matrices are made of one by one: columns for ABSOLUTE, else elements of a C x C matrix.
  ARLOSS_HOST_DEVICE std::int64_t num_terms() const { return is_absolute ? classes : classes * classes; }

  /// Z L of the group is the sum of all terms, or 0 where rounding takes that below.
  ARLOSS_HOST_DEVICE double loss_term(const double* head, std::int64_t term) const {
    if (is_absolute) {
      const double* const n = head + parts[0].sums;
      return absolute_term(n, n + classes, term, classes);
    }
    const Element at(term / classes, term % classes, classes);
    double loss = 0;
    for (int p = 0; p < num_parts; ++p) {
      const ResidualSums part_sums = sums(parts[p], const_cast<double*>(head));
      double part_loss = blend_term(part_sums, parts[p].omega, at);
      if (is_separate) part_loss += separate_constant_term(part_sums, parts[p].omega, at);
      loss += parts[p].weight * quadratic_factor * part_loss;
    }
    return loss;
  }

  /// The gradient's matrices: 4 / Z of eq. 16, 2 / Z of eq. 21, with the chain's 1/2 (eq. 11); `factor` holds 1 / Z.
  ARLOSS_HOST_DEVICE void write_matrices(const double* head, std::int64_t term, double factor, float* out) const {
    if (is_absolute) {
      const double* const n = head + parts[0].sums;
      return write_absolute_coefficients(n, n + classes, classes, factor, term, out + parts[0].coefficients);
    }
    const Element at(term / classes, term % classes, classes);
    const std::int64_t size = classes * classes;
    for (int p = 0; p < num_parts; ++p) {
      float* const matrices = out + parts[p].coefficients;
      write_coefficients(sums(parts[p], const_cast<double*>(head)), parts[p].omega,
                         2 * parts[p].weight * quadratic_factor * factor, at,
                         {matrices, matrices + size, matrices + 2 * size});
    }
  }
};

/// What a group's sum over pairs is multiplied with: 1 / Z, the mean over images, loss_weight (math.md, eq. 9).
struct Reduction {
  bool is_sum;    // Z = 1
  double factor;  // loss_weight, over the number of images for a mean of them

  /// 0 where fewer than two cells are live: A = B there, and what the sum holds is rounding.
  ARLOSS_HOST_DEVICE double scale(double sum_w, double live_count) const {
    if (live_count <= 1) return 0;
    return is_sum ? factor : factor / (sum_w * sum_w);
  }
  ARLOSS_HOST_DEVICE double loss(double sum, double sum_w, double live_count) const {
    const double s = scale(sum_w, live_count), positive = sum < 0 ? 0 : sum;  // NaN stays NaN
    return s == 0 && sum == sum ? 0 : positive * s;
  }
};

}  // namespace arloss::math

#endif

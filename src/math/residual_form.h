#ifndef ARLOSS_MATH_RESIDUAL_FORM_H
#define ARLOSS_MATH_RESIDUAL_FORM_H

#include <cstdint>

#include "math/host_device.h"

namespace arloss::math {

/// The additive float64 sums of the residual form over one set of cells (math.md, eq. 13), laid out as consecutive C x
/// C matrices, row-major:
///   P = E'WE, Q_1 = U_1'WE, D_k = (U_k - U_1)'WE, R_kl = U_k'WU_l (k <= l), DR_k = (U_k - U_1)'WU_1.
/// Scales count from 0 here; scale 0 is the finest.
class ResidualSums {
 public:
  ARLOSS_HOST_DEVICE ResidualSums(double* base, std::int64_t classes, int num_scales)
      : base_(base), size_(classes * classes), num_scales_(num_scales) {}

  ARLOSS_HOST_DEVICE static constexpr std::int64_t num_matrices(int num_scales) {
    return 2 + 2 * (num_scales - 1) + num_scales * (num_scales + 1) / 2;
  }

  ARLOSS_HOST_DEVICE std::int64_t matrix_size() const { return size_; }
  ARLOSS_HOST_DEVICE int num_scales() const { return num_scales_; }
  ARLOSS_HOST_DEVICE double* p() const { return matrix(0); }
  ARLOSS_HOST_DEVICE double* q() const { return matrix(1); }
  ARLOSS_HOST_DEVICE double* d(int k) const { return matrix(1 + k); }             // k >= 1
  ARLOSS_HOST_DEVICE double* dr(int k) const { return matrix(num_scales_ + k); }  // k >= 1
  ARLOSS_HOST_DEVICE double* r(int k, int l) const {                              // k <= l
    return matrix(2 * num_scales_ + k * num_scales_ - k * (k - 1) / 2 + (l - k));
  }

 private:
  ARLOSS_HOST_DEVICE double* matrix(std::int64_t index) const { return base_ + index * size_; }

  double* base_;
  std::int64_t size_;
  int num_scales_;
};

/// Sum of a_cd b_cd.
ARLOSS_HOST_DEVICE inline double inner_product(const double* a, const double* b, std::int64_t size) {
  double sum = 0;
  for (std::int64_t index = 0; index < size; ++index) sum += a[index] * b[index];
  return sum;
}

/// tr(A B) = sum of a_cd b_dc.
ARLOSS_HOST_DEVICE inline double trace_of_product(const double* a, const double* b, std::int64_t classes) {
  double sum = 0;
  for (std::int64_t c = 0; c < classes; ++c)
    for (std::int64_t d = 0; d < classes; ++d) sum += a[c * classes + d] * b[d * classes + c];
  return sum;
}

/// Z L_1, the squared loss against the finest scale alone (math.md, eq. 14).
ARLOSS_HOST_DEVICE inline double finest_scale_loss(const ResidualSums& sums, std::int64_t classes) {
  const std::int64_t size = sums.matrix_size();
  return 2 * inner_product(sums.p(), sums.r(0, 0), size) + inner_product(sums.p(), sums.p(), size) +
         2 * trace_of_product(sums.q(), sums.q(), classes) + 4 * trace_of_product(sums.p(), sums.q(), classes);
}

/// What the coarser scales add to Z L_1 through the predictions (math.md, eq. 15, middle term).
ARLOSS_HOST_DEVICE inline double coarser_scales_loss(const ResidualSums& sums, const double* omega) {
  double total = 0;
  for (int k = 1; k < sums.num_scales(); ++k) {
    const double *r = sums.r(0, 0), *d = sums.d(k), *dr = sums.dr(k), *q = sums.q();
    double sum = 0;
    for (std::int64_t index = 0; index < sums.matrix_size(); ++index) {
      const double q_k = q[index] + d[index];
      sum += 2 * r[index] * d[index] + 2 * dr[index] * q_k + d[index] * (q_k + q[index]);
    }
    total -= 2 * omega[k] * sum;
  }
  return total;
}

/// <B^k, B^l> = |R_kl|^2, for any order of k and l.
ARLOSS_HOST_DEVICE inline double label_product(const ResidualSums& sums, int k, int l) {
  const double* r = k < l ? sums.r(k, l) : sums.r(l, k);
  return inner_product(r, r, sums.matrix_size());
}

/// |B^1 - B|^2 = sum_{k,l > 0} omega_k omega_l <B^1 - B^k, B^1 - B^l>, labels only (math.md, eq. 15, last term). As
/// differences of equal numbers it is exactly 0 where the scales agree; written with omega_1 it would keep the rounding
/// of their sum.
ARLOSS_HOST_DEVICE inline double blend_constant(const ResidualSums& sums, const double* omega) {
  double total = 0;
  for (int k = 1; k < sums.num_scales(); ++k)
    for (int l = 1; l < sums.num_scales(); ++l)
      total += omega[k] * omega[l] *
               ((label_product(sums, 0, 0) - label_product(sums, 0, k)) -
                (label_product(sums, 0, l) - label_product(sums, k, l)));
  return total;
}

/// Z L of the squared penalty against the blend of the scales, free of cancellation (math.md, eq. 15).
ARLOSS_HOST_DEVICE inline double blend_loss(const ResidualSums& sums, const double* omega, std::int64_t classes) {
  const double finest = finest_scale_loss(sums, classes);
  if (sums.num_scales() == 1) return finest;
  return finest + coarser_scales_loss(sums, omega) + blend_constant(sums, omega);
}

/// What SEPARATE adds to BLEND: sum_k omega_k |B^k|^2 - |B|^2 = sum_{k<l} omega_k omega_l |B^k - B^l|^2, labels only
/// (math.md, eq. 26).
ARLOSS_HOST_DEVICE inline double separate_constant(const ResidualSums& sums, const double* omega) {
  double total = 0;
  for (int k = 0; k < sums.num_scales(); ++k)
    for (int l = k + 1; l < sums.num_scales(); ++l)
      total += omega[k] * omega[l] *
               ((label_product(sums, k, k) - label_product(sums, k, l)) -
                (label_product(sums, k, l) - label_product(sums, l, l)));
  return total;
}

/// The gradient's C x C float32 matrices, each times `factor` (math.md, eq. 16):
///   h_i = w_i ( E_i G + u^1_i M - sum_{k > 0} (u^k_i - u^1_i) K_k ),  K_k carrying its omega_k.
struct ResidualCoefficients {
  float* g;
  float* m;
  float* k;  // [num_scales - 1][C][C]

  ARLOSS_HOST_DEVICE static constexpr std::int64_t num_matrices(int num_scales) { return 1 + num_scales; }
};

ARLOSS_HOST_DEVICE inline void write_coefficients(const ResidualSums& sums, const double* omega, std::int64_t classes,
                                                  double factor, const ResidualCoefficients& out) {
  const double *p = sums.p(), *q = sums.q(), *r = sums.r(0, 0);
  for (std::int64_t c = 0; c < classes; ++c)
    for (std::int64_t d = 0; d < classes; ++d) {
      const std::int64_t cd = c * classes + d, dc = d * classes + c;
      out.g[cd] = static_cast<float>(factor * (r[cd] + q[cd] + q[dc] + p[cd]));
      double m = p[cd] + q[dc];
      for (int k = 1; k < sums.num_scales(); ++k) {
        m -= omega[k] * (sums.d(k)[cd] + sums.dr(k)[cd]);
        out.k[(k - 1) * sums.matrix_size() + cd] =
            static_cast<float>(factor * omega[k] * (q[cd] + sums.d(k)[cd] + r[cd] + sums.dr(k)[cd]));
      }
      out.m[cd] = static_cast<float>(factor * m);
    }
}

/// Z L of ABSOLUTE with hard labels, from n_c = sum of w over class c and Q = U'WE (math.md, eq. 21).
ARLOSS_HOST_DEVICE inline double absolute_loss(const double* n, const double* q, std::int64_t classes) {
  double total = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    const double* q_c = q + c * classes;
    total -= 2 * n[c] * q_c[c] + inner_product(q_c, q_c, classes);
    for (std::int64_t d = c + 1; d < classes; ++d) {
      const double* q_d = q + d * classes;
      total += 2 * (n[d] * q_c[d] + n[c] * q_d[c] + inner_product(q_c, q_d, classes));
    }
  }
  return total;
}

/// Row y of out, times `factor`: sum_c K_c - 2 K_y, with K_c = n_c e_c + Q_c; then h_i = w_i out[y_i] (math.md, eq.
/// 21).
ARLOSS_HOST_DEVICE inline void write_absolute_coefficients(const double* n, const double* q, std::int64_t classes,
                                                           double factor, float* out) {
  for (std::int64_t d = 0; d < classes; ++d) {
    double column = n[d];
    for (std::int64_t c = 0; c < classes; ++c) column += q[c * classes + d];
    for (std::int64_t y = 0; y < classes; ++y)
      out[y * classes + d] = static_cast<float>(factor * (column - 2 * (q[y * classes + d] + (y == d ? n[d] : 0))));
  }
}

}  // namespace arloss::math

#endif

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

// Each part of the loss is a sum over the elements of the C x C matrices. What one element adds is a function of its
// own, so that a loop, or the threads of a device, may do the adding.

/// Element of row c and column d, and of its mirror image.
struct Element {
  std::int64_t cd, dc;
  ARLOSS_HOST_DEVICE Element(std::int64_t c, std::int64_t d, std::int64_t classes)
      : cd(c * classes + d), dc(d * classes + c) {}
};

/// Of Z L_1, the squared loss against the finest scale alone (math.md, eq. 14).
ARLOSS_HOST_DEVICE inline double finest_scale_term(const ResidualSums& sums, Element at) {
  const double p = sums.p()[at.cd], q = sums.q()[at.cd], q_mirrored = sums.q()[at.dc];
  return 2 * p * sums.r(0, 0)[at.cd] + p * p + 2 * q * q_mirrored + 4 * p * q_mirrored;
}

/// Of what the coarser scales add to Z L_1 through the predictions (math.md, eq. 15, middle term).
ARLOSS_HOST_DEVICE inline double coarser_scales_term(const ResidualSums& sums, const double* omega, Element at) {
  const double r = sums.r(0, 0)[at.cd], q = sums.q()[at.cd];
  double total = 0;
  for (int k = 1; k < sums.num_scales(); ++k) {
    const double d = sums.d(k)[at.cd], q_k = q + d;
    total -= 2 * omega[k] * (2 * r * d + 2 * sums.dr(k)[at.cd] * q_k + d * (q_k + q));
  }
  return total;
}

/// Of <B^k, B^l> = |R_kl|^2, for any order of k and l.
ARLOSS_HOST_DEVICE inline double label_product_term(const ResidualSums& sums, int k, int l, Element at) {
  const double r = (k < l ? sums.r(k, l) : sums.r(l, k))[at.cd];
  return r * r;
}

/// Of |B^1 - B|^2 = sum_{k,l > 0} omega_k omega_l <B^1 - B^k, B^1 - B^l>, labels only (math.md, eq. 15, last term). As
/// differences of equal numbers it is exactly 0 where the scales agree; written with omega_1 it would keep the rounding
/// of their sum.
ARLOSS_HOST_DEVICE inline double blend_constant_term(const ResidualSums& sums, const double* omega, Element at) {
  double total = 0;
  for (int k = 1; k < sums.num_scales(); ++k)
    for (int l = 1; l < sums.num_scales(); ++l)
      total += omega[k] * omega[l] *
               ((label_product_term(sums, 0, 0, at) - label_product_term(sums, 0, k, at)) -
                (label_product_term(sums, 0, l, at) - label_product_term(sums, k, l, at)));
  return total;
}

/// Of Z L of the squared penalty against the blend of the scales, free of cancellation (math.md, eq. 15).
ARLOSS_HOST_DEVICE inline double blend_term(const ResidualSums& sums, const double* omega, Element at) {
  return finest_scale_term(sums, at) + coarser_scales_term(sums, omega, at) + blend_constant_term(sums, omega, at);
}

/// Of what SEPARATE adds to BLEND: sum_k omega_k |B^k|^2 - |B|^2 = sum_{k<l} omega_k omega_l |B^k - B^l|^2, labels only
/// (math.md, eq. 26).
ARLOSS_HOST_DEVICE inline double separate_constant_term(const ResidualSums& sums, const double* omega, Element at) {
  double total = 0;
  for (int k = 0; k < sums.num_scales(); ++k)
    for (int l = k + 1; l < sums.num_scales(); ++l)
      total += omega[k] * omega[l] *
               ((label_product_term(sums, k, k, at) - label_product_term(sums, k, l, at)) -
                (label_product_term(sums, k, l, at) - label_product_term(sums, l, l, at)));
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

ARLOSS_HOST_DEVICE inline void write_coefficients(const ResidualSums& sums, const double* omega, double factor,
                                                  Element at, const ResidualCoefficients& out) {
  const double p = sums.p()[at.cd], q = sums.q()[at.cd], q_mirrored = sums.q()[at.dc], r = sums.r(0, 0)[at.cd];
  out.g[at.cd] = static_cast<float>(factor * (r + q + q_mirrored + p));
  double m = p + q_mirrored;
  for (int k = 1; k < sums.num_scales(); ++k) {
    const double d = sums.d(k)[at.cd], dr = sums.dr(k)[at.cd];
    m -= omega[k] * (d + dr);
    out.k[(k - 1) * sums.matrix_size() + at.cd] = static_cast<float>(factor * omega[k] * (q + d + r + dr));
  }
  out.m[at.cd] = static_cast<float>(factor * m);
}

/// What column d adds to Z L of ABSOLUTE with hard labels, from n_c = sum of w over class c and Q = U'WE (math.md, eq.
/// 21).
ARLOSS_HOST_DEVICE inline double absolute_term(const double* n, const double* q, std::int64_t d, std::int64_t classes) {
  const double diagonal = q[d * classes + d];
  double others = 0, squares = diagonal * diagonal;
  for (std::int64_t c = 0; c < classes; ++c) {
    if (c == d) continue;
    others += q[c * classes + d];
    squares += q[c * classes + d] * q[c * classes + d];
  }
  const double column = others + diagonal;
  return 2 * n[d] * (others - diagonal) + column * column - 2 * squares;
}

/// Column d of out, times `factor`: row y is sum_c K_c - 2 K_y, with K_c = n_c e_c + Q_c; then h_i = w_i out[y_i]
/// (math.md, eq. 21).
ARLOSS_HOST_DEVICE inline void write_absolute_coefficients(const double* n, const double* q, std::int64_t classes,
                                                           double factor, std::int64_t d, float* out) {
  double column = n[d];
  for (std::int64_t c = 0; c < classes; ++c) column += q[c * classes + d];
  for (std::int64_t y = 0; y < classes; ++y)
    out[y * classes + d] = static_cast<float>(factor * (column - 2 * (q[y * classes + d] + (y == d ? n[d] : 0))));
}

}  // namespace arloss::math

#endif

#ifndef ARLOSS_KERNELS_PAIR_FEATURES_H
#define ARLOSS_KERNELS_PAIR_FEATURES_H

#include <cstdint>

#include "math/host_device.h"

namespace arloss::kernels {

/// What a row of pairs is made of, one value per class; u^1 is that of the finest scale.
enum class RowSource : std::int8_t {
  kRoot,           // s
  kResidual,       // E = s - u^1
  kBlendResidual,  // s - sum_k omega_k u^k
  kBlendShift,     // sum_k omega_k u^k - u^1
  kLabel,          // u^k
  kLabelStep,      // u^k - u^from
};

/// C numbers of a row, as halves.
struct RowFeature {
  RowSource source;
  std::int8_t scale, from;  // where the source asks for them, 0 the finest
  bool is_remainder;        // what the leading half leaves of the number
  bool is_residual;         // scaled by what the residuals of its group are; others by kPairScale
  float factor;
};

/// A - B of a pair as one product of two packed rows (math.md, eq. 27). Features stand side by side, each with its
/// classes padded to whole pieces of eight. Where the penalty acts on each B^k (SEPARATE), segment k of the features
/// takes the sum so far from A - B^(k-1) to A - B^k.
struct PairFeatures {
  static constexpr int kMaxSegments = 8;
  /// Sixteen products for SEPARATE with eight scales, of three pairs of halves each.
  static constexpr int kMax = 48;
  struct Segment {
    int end;  // the feature after its last; all segments but the last have an even number of them, whole steps
    float omega;
  };

  bool is_exact = false;
  bool looks_up = false;  // <u_i, E_j> is not among the products: u_i is one class, E_j of it comes from a table
  int count = 0, num_segments = 0;
  RowFeature left[kMax], right[kMax];
  Segment segments[kMaxSegments];

  /// Pieces of a row, an even number: products take sixteen numbers at once.
  ARLOSS_HOST_DEVICE std::int64_t pieces(std::int64_t octets) const { return (count * octets + 1) / 2 * 2; }
};

/// Halves hold numbers of magnitude 1 at 2^15, where they have their digits.
inline constexpr int kPairExponent = 15;

/// The features of A - B against `num_scales` scales of labels; `is_exact`: in two halves each, the product of two
/// remainders, 2^-22 of the whole, left out; `looks_up`: of one scale of hard labels in single halves. The first
/// feature on the right is s, the third its remainder where `is_exact`: the gradient's operand.
inline PairFeatures pair_features(int num_scales, const double* omega, bool is_separate, bool is_exact,
                                  bool looks_up = false) {
  PairFeatures features;
  features.is_exact = is_exact;
  features.looks_up = looks_up;
  const auto add = [&](RowFeature left, RowFeature right, bool follows_left) {
    left.is_residual = follows_left;
    right.is_residual = !follows_left;
    for (int part = 0; part < (is_exact ? 3 : 1); ++part) {
      left.is_remainder = part == 1;
      right.is_remainder = part == 2;
      features.left[features.count] = left;
      features.right[features.count++] = right;
    }
  };
  const auto feature = [](RowSource source, int scale = 0, int from = 0, double factor = 1) {
    return RowFeature{source, static_cast<std::int8_t>(scale), static_cast<std::int8_t>(from), false,
                      false,  static_cast<float>(factor)};
  };
  const auto end_segment = [&](double weight) {
    features.segments[features.num_segments++] = {features.count, static_cast<float>(weight)};
  };
  const bool is_blend = !is_separate && num_scales > 1;
  add(feature(RowSource::kResidual), feature(RowSource::kRoot), true);
  if (!looks_up)
    add(feature(RowSource::kLabel), feature(is_blend ? RowSource::kBlendResidual : RowSource::kResidual), false);
  if (is_blend) {
    add(feature(RowSource::kBlendShift, 0, 0, -1), feature(RowSource::kLabel), true);
    for (int k = 1; k < num_scales; ++k)
      add(feature(RowSource::kLabelStep, k, 0, -omega[k]), feature(RowSource::kLabelStep, k), true);
  }
  end_segment(is_separate ? omega[0] : 1);
  for (int k = 1; is_separate && k < num_scales; ++k) {
    add(feature(RowSource::kLabelStep, k, k - 1, -1), feature(RowSource::kLabel, k - 1), true);
    add(feature(RowSource::kLabel, k, 0, -1), feature(RowSource::kLabelStep, k, k - 1), false);
    end_segment(omega[k]);
  }
  return features;
}

}  // namespace arloss::kernels

#endif

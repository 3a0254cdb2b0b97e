#ifndef ARLOSS_KERNELS_EMBED_MIXED_RESIDUALS_CUH
#define ARLOSS_KERNELS_EMBED_MIXED_RESIDUALS_CUH

#include "kernels/pool/label_rows.cuh"
#include "kernels/tile/two_float.cuh"

namespace arloss::kernels {

/// E of the label of a cell with one, -delta / (1 + s), never 1 - p (math.md, eq. 17).
__device__ inline float pure_residual(float delta, float s) { return quotient(-delta, 1 + s); }

__device__ inline TwoFloat subtract(TwoFloat a, TwoFloat b) {
  const TwoFloat high = add_exactly(a.high, -b.high);
  return {high.high, high.low + (a.low - b.low)};
}

/// ln n to 1e-9, without float64, which most devices have in name only. n = m 2^k with m within a factor sqrt(2) of 1,
/// and ln m = 2 atanh f with f = (m - 1) / (m + 1): 2 f carried in two floats, the rest of the series, at most 4e-3, in
/// one.
__device__ inline TwoFloat log_of_count(std::uint32_t n) {
  constexpr std::int32_t kSqrtHalf = 0x3f3504f3;                       // bits of sqrt(1/2)
  constexpr float kLn2High = 0x1.62e4p-1f, kLn2Low = 0x1.7f7d1cp-20f;  // the first has 15 bits: exact times any k
  const std::int32_t bits = __float_as_int(static_cast<float>(n)), k = (bits - kSqrtHalf) >> 23;
  const float m = __int_as_float(bits - (k << 23));
  const TwoFloat denominator = add_exactly(m, 1);
  const float inverse = ptx::inverse(denominator.high), f = (m - 1) * inverse;
  const float remainder = fmaf(-f, denominator.high, m - 1) - f * denominator.low;
  const float f2 = f * f;
  const float series = fmaf(f2, fmaf(f2, fmaf(f2, fmaf(f2, 2.0f / 11, 2.0f / 9), 2.0f / 7), 2.0f / 5), 2.0f / 3);
  const TwoFloat high = add_exactly(static_cast<float>(k) * kLn2High, 2 * f);
  return {high.high, high.low + fmaf(static_cast<float>(k), kLn2Low, fmaf(f * f2, series, 2 * remainder * inverse))};
}

/// E of the labelled classes of a cell with several (math.md, eq. 18a). With v the labelled class of the largest
/// p_v / t_v, and b_c = z_c - z_v - ln(t_c / t_v), which is 0 at the optimum, softmax gives
///   p_c = t_c e^(b_c) / (1 + r),   r = sum over labelled c of t_c (e^(b_c) - 1) + (t_v / p_v) sum over the others of
///   p, E_c = u_c (e^((b_c - ln(1 + r)) / 2) - 1),
/// so that nothing of size 1 is subtracted from another once b_c is known, and float32 keeps E's relative accuracy.
class MixedResiduals {
 public:
  /// Before any residual is asked for, of a row of several classes. `unlabelled`: sum of exp(z - largest) over the
  /// classes without a label; `logits[c]`: any class's logit.
  template <class Logits>
  __device__ void normalise(const LabelRow& row, const Logits& logits, float unlabelled, float largest) {
    choose_reference(row, logits);
    float r = unlabelled * expf(largest - reference_) * row.t<float>(reference_index_);
    for_each(row, logits, [&](int index, float b) { r += row.t<float>(index) * expm1f(b); });
    log_sum_ = log1pf(r);
  }

  /// Calls body(class, E) for the labelled classes.
  template <class Logits, class Body>
  __device__ void for_each_residual(const LabelRow& row, const Logits& logits, const Body& body) const {
    for_each(row, logits,
             [&](int index, float b) { body(row.label(index), row.u<float>(index) * expm1f(0.5f * (b - log_sum_))); });
  }

 private:
  template <class Logits>
  __device__ void choose_reference(const LabelRow& row, const Logits& logits) {
    float most = -INFINITY;
#pragma unroll 1
    for (int index = 0; index < row.size(); ++index) {
      const float z = logits[row.label(index)], ratio = z - log_of_count(row.count(index)).high;
      if (index > 0 && !(ratio > most)) continue;
      most = ratio;
      reference_ = z;
      reference_index_ = index;
    }
    log_count_ = log_of_count(row.count(reference_index_));
  }

  /// Calls body(index, b) for the entries of the row.
  template <class Logits, class Body>
  __device__ void for_each(const LabelRow& row, const Logits& logits, const Body& body) const {
#pragma unroll 1
    for (int index = 0; index < row.size(); ++index) body(index, excess(logits[row.label(index)], row.count(index)));
  }

  /// b of a class. An infinite difference is its own answer: the parts of one would be NaN.
  __device__ float excess(float z, std::uint32_t count) const {
    const float plain = z == reference_ ? 0 : z - reference_;
    if (isinf(plain)) return plain;
    const TwoFloat difference = z == reference_ ? TwoFloat{0, 0} : add_exactly(z, -reference_);
    const TwoFloat b = subtract(difference, subtract(log_of_count(count), log_count_));
    return b.high + b.low;
  }

  float reference_ = 0;  // z_v
  int reference_index_ = 0;
  TwoFloat log_count_{};  // ln of v's count
  float log_sum_ = 0;     // ln(1 + r)
};

}  // namespace arloss::kernels

#endif

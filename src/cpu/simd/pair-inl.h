// All pairs of a strip's cells (in lanes) with a partner panel's (broadcast): affinity, penalty and slope in registers,
// the slopes multiplied back onto the partners' rows. One visit to each pair gives loss and gradient.
#if defined(ARLOSS_CPU_SIMD_PAIR_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ARLOSS_CPU_SIMD_PAIR_INL_H
#undef ARLOSS_CPU_SIMD_PAIR_INL_H
#else
#define ARLOSS_CPU_SIMD_PAIR_INL_H
#endif

#include "cpu/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace arloss::cpu {
namespace HWY_NAMESPACE {

/// The verbs of penalty-inl.h for a vector of pairs.
struct VectorOps {
  using Number = Float;
  static HWY_INLINE Float set(float value) { return broadcast(value); }
  static HWY_INLINE Float add(Float a, Float b) { return hn::Add(a, b); }
  static HWY_INLINE Float sub(Float a, Float b) { return hn::Sub(a, b); }
  static HWY_INLINE Float mul(Float a, Float b) { return hn::Mul(a, b); }
  static HWY_INLINE Float div(Float a, Float b) { return hn::Div(a, b); }
  static HWY_INLINE Float neg(Float a) { return hn::Neg(a); }
  static HWY_INLINE Float abs(Float a) { return hn::Abs(a); }
  static HWY_INLINE Float min(Float a, Float b) { return hn::Min(a, b); }
  static HWY_INLINE Float max(Float a, Float b) { return hn::Max(a, b); }
  static HWY_INLINE Float select_less(Float a, Float b, Float yes, Float no) {
    return hn::IfThenElse(hn::Lt(a, b), yes, no);
  }
  static HWY_INLINE Float log_ratio(Float numerator, Float denominator, Float difference) {
    return HWY_NAMESPACE::log_ratio(numerator, denominator, difference);
  }
};

#define ARLOSS_FUNCTION HWY_INLINE
#include "math/penalty-inl.h"
#undef ARLOSS_FUNCTION

using PairAffinity = Affinity<VectorOps>;

/// Partners taken at once: eight independent sums keep two multiply-add units of latency four busy.
constexpr int kPartners = 8;

/// <f_j, s_i> for kPartners partners j and one vector of strip cells i.
HWY_INLINE void multiply_rows(const PairJob& job, int i, int j, Float (&sums)[kPartners]) {
  for (int q = 0; q < kPartners; ++q) sums[q] = hn::Zero(FloatTag());
  for (std::int64_t c = 0; c < job.classes; ++c) {
    const Float s = load(job.strip.s + c * kPanel + i);
    const float* f = job.partner.f + c * kPanel + j;
    for (int q = 0; q < kPartners; ++q) sums[q] = hn::MulAdd(broadcast(f[q]), s, sums[q]);
  }
}

/// Affinity from t = <f_j, s_i> + f_i[v_j]: 1 + t where both rows lean on the same class, else t (math.md, eq. 23).
HWY_INLINE PairAffinity from_anchored(Float t, hn::Mask<FloatTag> is_same) {
  const Float one = broadcast(1.0f);
  const Float plus = hn::Add(one, t), minus = hn::Sub(one, t);
  return {hn::IfThenElse(is_same, plus, t), hn::IfThenElse(is_same, hn::Neg(t), minus)};
}

HWY_INLINE hn::Mask<FloatTag> same_anchor(const std::int32_t* strip_anchor, int i, std::int32_t partner_anchor) {
  const IntTag di;
  return hn::RebindMask(FloatTag(), hn::Eq(hn::LoadU(di, strip_anchor + i), hn::Set(di, partner_anchor)));
}

HWY_INLINE PairAffinity output_affinity(const PairJob& job, int i, int j, Float product) {
  const std::int32_t anchor = job.partner.anchor[j];
  const Float t = hn::Add(product, load(job.strip.f + std::int64_t{anchor} * kPanel + i));
  return from_anchored(t, same_anchor(job.strip.anchor, i, anchor));
}

/// B^k with its complement: the partner's few non-zero classes against the strip's dense rows.
HWY_INLINE PairAffinity label_affinity(const PairLabels& labels, int i, int j) {
  const std::int32_t anchor = labels.partner_anchor[j];
  Float t = load(labels.strip_residual + std::int64_t{anchor} * kPanel + i);
  const LabelEntry* entries = labels.partner_entries[j];
  for (int entry = 0; entry < labels.partner_counts[j]; ++entry)
    t = hn::MulAdd(broadcast(entries[entry].residual),
                   load(labels.strip_u + std::int64_t{entries[entry].label} * kPanel + i), t);
  return from_anchored(t, same_anchor(labels.strip_anchor, i, anchor));
}

/// B = sum_k omega_k B^k and its complement (math.md, eq. 6).
HWY_INLINE PairAffinity blended_affinity(const PairJob& job, int i, int j) {
  if (job.num_scales == 1) return label_affinity(job.labels[0], i, j);
  PairAffinity blend{hn::Zero(FloatTag()), hn::Zero(FloatTag())};
  for (int k = 0; k < job.num_scales; ++k) {
    const PairAffinity b = label_affinity(job.labels[k], i, j);
    const Float omega = broadcast(job.labels[k].omega);
    blend.value = hn::MulAdd(omega, b.value, blend.value);
    blend.complement = hn::MulAdd(omega, b.complement, blend.complement);
  }
  return blend;
}

/// The penalty of one vector of pairs: against the blend, or the weighted sum over the scales (math.md, eq. 7).
template <class Phi>
HWY_INLINE Penalty<VectorOps> penalise(const PairJob& job, const Phi& phi, int i, int j, const PairAffinity& a) {
  if (job.is_blend) return phi(a, blended_affinity(job, i, j));
  Penalty<VectorOps> sum{hn::Zero(FloatTag()), hn::Zero(FloatTag())};
  for (int k = 0; k < job.num_scales; ++k) {
    const Penalty<VectorOps> penalty = phi(a, label_affinity(job.labels[k], i, j));
    const Float omega = broadcast(job.labels[k].omega);
    sum.value = hn::MulAdd(omega, penalty.value, sum.value);
    sum.slope = hn::MulAdd(omega, penalty.slope, sum.slope);
  }
  return sum;
}

/// Lanes of strip cells i.. that are not partner j itself.
HWY_INLINE Float off_diagonal(int i, int j) {
  const IntTag di;
  const auto is_self = hn::Eq(hn::Add(hn::Iota(di, 0), hn::Set(di, i)), hn::Set(di, j));
  return hn::IfThenElse(hn::RebindMask(FloatTag(), is_self), hn::Zero(FloatTag()), broadcast(1.0f));
}

/// Penalties and slopes of one vector of strip cells with every partner; returns sum_j w_j phi, float32 over kPanel
/// terms.
template <class Phi>
HWY_INLINE Float visit_partners(const PairJob& job, const Phi& phi, int i) {
  Float loss = hn::Zero(FloatTag());
  for (int j = 0; j < kPanel; j += kPartners) {
    Float products[kPartners];
    multiply_rows(job, i, j, products);
    for (int q = 0; q < kPartners; ++q) {
      const PairAffinity a = output_affinity(job, i, j + q, products[q]);
      const Penalty<VectorOps> penalty = penalise(job, phi, i, j + q, a);
      Float weight = broadcast(job.partner.weight[j + q]);
      if (Phi::kSkipsDiagonal && job.is_diagonal) weight = hn::Mul(weight, off_diagonal(i, j + q));
      loss = hn::MulAdd(weight, penalty.value, loss);
      if (job.wants_slope) store(hn::Mul(weight, penalty.slope), job.slope + (j + q) * kPanel + i);
    }
  }
  return loss;
}

/// h_c += sum_j slope_j s_jc for kClasses classes of one vector of strip cells, float32 over kPanel terms.
template <int kClasses>
HWY_INLINE void multiply_slopes(const PairJob& job, int i, std::int64_t first) {
  Float sums[kClasses];
  for (int q = 0; q < kClasses; ++q) sums[q] = hn::Zero(FloatTag());
  for (int j = 0; j < kPanel; ++j) {
    const Float slope = load(job.slope + j * kPanel + i);
    for (int q = 0; q < kClasses; ++q)
      sums[q] = hn::MulAdd(slope, broadcast(job.partner.s[(first + q) * kPanel + j]), sums[q]);
  }
  HWY_ALIGN float lane[HWY_LANES(float)];
  for (int q = 0; q < kClasses; ++q) {
    hn::Store(sums[q], FloatTag(), lane);
    double* h = job.h + (first + q) * kPanel + i;
    for (int index = 0; index < lanes(); ++index) h[index] += static_cast<double>(lane[index]);
  }
}

template <class Phi>
HWY_INLINE void visit_tile(const PairJob& job) {
  const Phi phi(job.penalty_param);
  for (int i = 0; i < kPanel; i += lanes()) {
    const Float loss = visit_partners(job, phi, i);
    if (job.wants_loss) *job.loss += static_cast<double>(sum_of_lanes(hn::Mul(loss, load(job.strip.weight + i))));
    if (!job.wants_slope) continue;
    std::int64_t c = 0;
    for (; c + 8 <= job.classes; c += 8) multiply_slopes<8>(job, i, c);
    for (; c + 2 <= job.classes; c += 2) multiply_slopes<2>(job, i, c);
    for (; c < job.classes; ++c) multiply_slopes<1>(job, i, c);
  }
}

HWY_ATTR void pair_tile(const PairJob& job) {
  switch (job.penalty) {
    case ARLOSS_PENALTY_SQUARED: return visit_tile<SquaredError<VectorOps>>(job);
    case ARLOSS_PENALTY_ABSOLUTE: return visit_tile<AbsoluteError<VectorOps>>(job);
    case ARLOSS_PENALTY_HUBER: return visit_tile<Huber<VectorOps>>(job);
    case ARLOSS_PENALTY_CROSS_ENTROPY: return visit_tile<CrossEntropy<VectorOps>>(job);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace arloss::cpu
HWY_AFTER_NAMESPACE();

#endif

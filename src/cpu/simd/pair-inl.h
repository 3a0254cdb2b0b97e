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
  static HWY_INLINE Float mul_add(Float a, Float b, Float c) { return hn::MulAdd(a, b, c); }
  static HWY_INLINE Float inverse(Float a) { return hn::Div(broadcast(1.0f), a); }
  static HWY_INLINE Float exp(Float a) { return exp_nonpositive(a); }
  static HWY_INLINE Float neg(Float a) { return hn::Neg(a); }
  static HWY_INLINE Float abs(Float a) { return hn::Abs(a); }
  static HWY_INLINE Float min(Float a, Float b) { return hn::Min(a, b); }
  static HWY_INLINE Float max(Float a, Float b) { return hn::Max(a, b); }
  static HWY_INLINE Float select_less(Float a, Float b, Float yes, Float no) {
    return hn::IfThenElse(hn::Lt(a, b), yes, no);
  }
  static HWY_INLINE Float select_zero(Float a, Float yes, Float no) {
    return hn::IfThenElse(hn::Eq(a, hn::Zero(FloatTag())), yes, no);
  }
  static HWY_INLINE Float log(Float a) { return log_positive(a); }
  static HWY_INLINE Float twice_atanh_excess(Float w) { return HWY_NAMESPACE::twice_atanh_excess(w); }
};

#define ARLOSS_FUNCTION HWY_INLINE
#include "math/penalty-inl.h"
#undef ARLOSS_FUNCTION

using PairAffinity = Affinity<VectorOps>;

/// Partners taken at once: eight independent sums keep two multiply-add units of latency four busy.
constexpr int kPartners = 8;
/// Vectors of strip rows taken at once by products, so that a partner's number is loaded once for both.
template <class Phi>
constexpr int kStripVectors = kHasManyRegisters&& Phi::kTerms == PairTerms::kResidual ? 2 : 1;

/// Sums over the classes for one vector of strip rows i and kPartners partners j.
struct PairSums {
  Float d[kPartners];         // A - B of the finest scale, or what product_residual completes to it
  Float distance[kPartners];  // |s_i - s_j|^2
  Float a[kPartners];         // <s_i, s_j>
};

/// <E_j, s_i>: one multiply-add per class.
template <int kVectors>
HWY_INLINE void sum_products(const PairJob& job, int i, int j, PairSums (&sums)[kVectors]) {
  for (PairSums& sum : sums)
    for (Float& d : sum.d) d = hn::Zero(FloatTag());
  for (std::int64_t c = 0; c < job.classes; ++c) {
    const float* const s = job.strip.s + c * kPanel + i;
    const float* const residual = job.partner.residual + c * kPanel + j;
    for (int q = 0; q < kPartners; ++q) {
      const Float partner = broadcast(residual[q]);
      for (int v = 0; v < kVectors; ++v) sums[v].d[q] = hn::MulAdd(partner, load(s + v * lanes()), sums[v].d[q]);
    }
  }
}

/// A - B = sum_c e (e / 2 - t) with e = E_i - E_j and t = s_i - s_j, every factor small where rows agree; beside it
/// 2 (1 - A) = |t|^2 and A = <s_i, s_j> (math.md, eq. 23).
HWY_INLINE void sum_differences(const PairJob& job, int i, int j, PairSums& sums) {
  for (int q = 0; q < kPartners; ++q) sums.d[q] = sums.distance[q] = sums.a[q] = hn::Zero(FloatTag());
  for (std::int64_t c = 0; c < job.classes; ++c) {
    const Float s = load(job.strip.s + c * kPanel + i);
    const Float residual = load(job.strip.residual + c * kPanel + i);
    for (int q = 0; q < kPartners; ++q) {
      const Float partner_s = broadcast(job.partner.s[c * kPanel + j + q]);
      const Float e = hn::Sub(residual, broadcast(job.partner.residual[c * kPanel + j + q]));
      const Float t = hn::Sub(s, partner_s);
      sums.d[q] = hn::MulAdd(e, hn::MulSub(broadcast(0.5f), e, t), sums.d[q]);
      sums.distance[q] = hn::MulAdd(t, t, sums.distance[q]);
      sums.a[q] = hn::MulAdd(s, partner_s, sums.a[q]);
    }
  }
}

/// base + <residual of the partner's label row j, tile of the strip>, by the row's few entries.
HWY_INLINE Float add_entries(const PairLabels& labels, const float* tile, int i, int j, Float base) {
  const LabelEntry* entries = labels.partner_entries[j];
  for (int entry = 0; entry < labels.partner_counts[j]; ++entry)
    base = hn::MulAdd(broadcast(entries[entry].residual), load(tile + std::int64_t{entries[entry].label} * kPanel + i),
                      base);
  return base;
}

/// A - B of the finest scale = <E_j, s_i> + <u_j, E_i> (math.md, eq. 23), with u_j = onehot(anchor) + its entries.
HWY_INLINE Float product_residual(const PairJob& job, int i, int j, Float product) {
  const PairLabels& finest = job.labels[0];
  const Float anchored =
      hn::Add(product, load(job.strip.residual + std::int64_t{finest.partner_anchor[j]} * kPanel + i));
  return add_entries(finest, job.strip.residual, i, j, anchored);
}

/// B^k with its complement, from t = <r_j, u_i> + r_i[v_j], r the rows less their anchors v: 1 + t where the anchors
/// agree, else t.
HWY_INLINE PairAffinity label_affinity(const PairLabels& labels, int i, int j) {
  const IntTag di;
  const std::int32_t anchor = labels.partner_anchor[j];
  const Float t =
      add_entries(labels, labels.strip_u, i, j, load(labels.strip_residual + std::int64_t{anchor} * kPanel + i));
  const auto is_same = hn::RebindMask(FloatTag(), hn::Eq(hn::LoadU(di, labels.strip_anchor + i), hn::Set(di, anchor)));
  const Float one = broadcast(1.0f);
  return {hn::IfThenElse(is_same, hn::Add(one, t), t), hn::IfThenElse(is_same, hn::Neg(t), hn::Sub(one, t))};
}

/// One vector of pairs against the finest scale.
template <class Phi>
HWY_INLINE Pair<VectorOps> finest_pair(const PairJob& job, const PairSums& sums, int i, int j, int q) {
  Pair<VectorOps> pair;
  if (Phi::kTerms == PairTerms::kResidual) {
    pair.d = product_residual(job, i, j + q, sums.d[q]);
    if (job.num_scales > 1) pair.b = label_affinity(job.labels[0], i, j + q);
    return pair;
  }
  pair.a = {sums.a[q], hn::Mul(broadcast(0.5f), sums.distance[q])};
  pair.b = label_affinity(job.labels[0], i, j + q);
  pair.d = settled_residual<VectorOps>(sums.d[q], pair.a, pair.b);
  return pair;
}

/// The penalty against B = sum_k omega_k B^k: d moves by the blend's distance from the finest scale (math.md, eq. 6).
template <class Phi>
HWY_INLINE Penalty<VectorOps> penalise_blend(const PairJob& job, const Phi& phi, Pair<VectorOps> pair, int i, int j) {
  const PairAffinity finest = pair.b;
  const Float omega_finest = broadcast(job.labels[0].omega);
  pair.b = {hn::Mul(omega_finest, finest.value), hn::Mul(omega_finest, finest.complement)};
  for (int k = 1; k < job.num_scales; ++k) {
    const PairAffinity b = label_affinity(job.labels[k], i, j);
    const Float omega = broadcast(job.labels[k].omega);
    pair.d = hn::MulAdd(omega, affinity_difference<VectorOps>(finest, b), pair.d);
    pair.b.value = hn::MulAdd(omega, b.value, pair.b.value);
    pair.b.complement = hn::MulAdd(omega, b.complement, pair.b.complement);
  }
  return phi(pair);
}

/// The weighted sum of the penalties against each B^k (math.md, eq. 7).
template <class Phi>
HWY_INLINE Penalty<VectorOps> penalise_scales(const PairJob& job, const Phi& phi, const Pair<VectorOps>& finest, int i,
                                              int j) {
  Penalty<VectorOps> sum{hn::Zero(FloatTag()), hn::Zero(FloatTag())};
  for (int k = 0; k < job.num_scales; ++k) {
    Pair<VectorOps> pair = finest;
    if (k > 0) {
      pair.b = label_affinity(job.labels[k], i, j);
      pair.d = hn::Add(finest.d, affinity_difference<VectorOps>(finest.b, pair.b));
    }
    const Penalty<VectorOps> penalty = phi(pair);
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

/// Penalty and slope of one vector of strip cells with a partner; adds w_j phi to `loss`.
template <class Phi, bool kHasOneScale>
HWY_INLINE void visit_partner(const PairJob& job, const Phi& phi, const Pair<VectorOps>& pair, int i, int j,
                              Float& loss) {
  const Penalty<VectorOps> penalty = kHasOneScale   ? phi(pair)
                                     : job.is_blend ? penalise_blend(job, phi, pair, i, j)
                                                    : penalise_scales(job, phi, pair, i, j);
  Float weight = broadcast(job.partner.weight[j]);
  if (Phi::kSkipsDiagonal && job.is_diagonal) weight = hn::Mul(weight, off_diagonal(i, j));
  loss = hn::MulAdd(weight, penalty.value, loss);
  if (job.wants_slope) store(hn::Mul(weight, penalty.slope), job.slope + j * kPanel + i);
}

/// Penalties and slopes of kStripVectors vectors of strip cells with every partner; adds sum_ij w_i w_j phi, float32
/// over kPanel terms.
template <class Phi, bool kHasOneScale>
HWY_INLINE void visit_partners(const PairJob& job, const Phi& phi, int i) {
  constexpr int kVectors = kStripVectors<Phi>;
  Float losses[kVectors];
  for (Float& loss : losses) loss = hn::Zero(FloatTag());
  for (int j = 0; j < kPanel; j += kPartners) {
    PairSums sums[kVectors];
    if (Phi::kTerms == PairTerms::kResidual) sum_products(job, i, j, sums);
    if (Phi::kTerms == PairTerms::kAffinities) sum_differences(job, i, j, sums[0]);
    for (int v = 0; v < kVectors; ++v)
      for (int q = 0; q < kPartners; ++q) {
        const int row = i + v * lanes();
        const Pair<VectorOps> pair = finest_pair<Phi>(job, sums[v], row, j, q);
        visit_partner<Phi, kHasOneScale>(job, phi, pair, row, j + q, losses[v]);
      }
  }
  for (int v = 0; v < kVectors && job.wants_loss; ++v)
    *job.loss += static_cast<double>(sum_of_lanes(hn::Mul(losses[v], load(job.strip.weight + i + v * lanes()))));
}

/// h_c += sum_j slope_j s_jc for kClasses classes of kVectors vectors of strip rows, float32 over kPanel terms.
template <int kClasses, int kVectors>
HWY_INLINE void multiply_slopes(const PairJob& job, int i, std::int64_t first) {
  Float sums[kVectors][kClasses];
  for (auto& row : sums)
    for (Float& sum : row) sum = hn::Zero(FloatTag());
  for (int j = 0; j < kPanel; ++j) {
    const float* const slope = job.slope + j * kPanel + i;
    for (int q = 0; q < kClasses; ++q) {
      const Float s = broadcast(job.partner.s[(first + q) * kPanel + j]);
      for (int v = 0; v < kVectors; ++v) sums[v][q] = hn::MulAdd(load(slope + v * lanes()), s, sums[v][q]);
    }
  }
  for (int v = 0; v < kVectors; ++v)
    for (int q = 0; q < kClasses; ++q) add_to_doubles(sums[v][q], job.h + (first + q) * kPanel + i + v * lanes());
}

template <class Phi>
HWY_INLINE void visit_tile(const PairJob& job) {
  const Phi phi(job.penalty_param);
  for (int i = 0; i < kPanel; i += kStripVectors<Phi> * lanes())
    job.num_scales == 1 ? visit_partners<Phi, true>(job, phi, i) : visit_partners<Phi, false>(job, phi, i);
  if (!job.wants_slope) return;
  constexpr int kVectors = 2;
  for_equal_parts<kClassSums>(job.classes, [&](auto count, std::int64_t first) HWY_ATTR {
    for (int i = 0; i < kPanel; i += kVectors * lanes())
      multiply_slopes<decltype(count)::value, kVectors>(job, i, first);
  });
}

HWY_ATTR void pair_tile(const PairJob& job) {
  with_penalty<VectorOps>(job.penalty, [&](auto tag) HWY_ATTR { visit_tile<typename decltype(tag)::Type>(job); });
}

}  // namespace HWY_NAMESPACE
}  // namespace arloss::cpu
HWY_AFTER_NAMESPACE();

#endif

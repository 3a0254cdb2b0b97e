// Logits in, square-root rows and residuals out.
#if defined(ARLOSS_CPU_SIMD_EMBED_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ARLOSS_CPU_SIMD_EMBED_INL_H
#undef ARLOSS_CPU_SIMD_EMBED_INL_H
#else
#define ARLOSS_CPU_SIMD_EMBED_INL_H
#endif

#include "cpu/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace arloss::cpu {
namespace HWY_NAMESPACE {

/// One stored element as a float.
template <class Element>
HWY_INLINE float load_one(const typename Element::Stored* from) {
  // A whole vector from a copy: reading past the element itself could leave the caller's buffer.
  HWY_ALIGN typename Element::Stored copy[HWY_LANES(float)] = {*from};
  return hn::GetLane(Element::load(copy));
}
template <>
HWY_INLINE float load_one<Float32Element>(const float* from) {
  return *from;
}

/// Fills the tile with logits as floats, zero past the last cell. Never reads outside the span.
template <class Element>
HWY_INLINE void load_logits(const CellSpan& span, int stride, float* tile) {
  const auto* logits = static_cast<const typename Element::Stored*>(span.data);
  for (std::int64_t c = 0; c < span.classes; ++c) {
    const auto* from = logits + c * span.class_stride;
    float* to = tile + c * stride;
    int i = 0;
    if (span.cell_stride == 1)
      for (; i + lanes() <= span.count; i += lanes()) store(Element::load(from + i), to + i);
    for (; i < span.count; ++i) to[i] = load_one<Element>(from + i * span.cell_stride);
    for (; i < stride; ++i) to[i] = 0;
  }
}

/// Largest logit of each lane's cell. A NaN need not show here: it stays in the tile and turns the sum of exponentials
/// NaN.
HWY_INLINE Float max_logit(const float* tile, int stride, std::int64_t classes) {
  Float largest = load(tile);
  for (std::int64_t c = 1; c < classes; ++c) largest = hn::Max(largest, load(tile + c * stride));
  return largest;
}

/// Sums of one vector of cells on the way to the softmax.
struct ExponentialSums {
  Float sum;       // of exp(z - max)
  Float rest;      // the same without the anchor class: its digits survive where the anchor's probability is near 1
  Float anchored;  // exp((z - max) / 2) of the anchor class
};

/// Replaces the logits by exp((z - max) / 2): one exponential per element, squared for the sum, so that no square root
/// is taken per element and nothing is divided by s. Sums join every kSumClasses classes: in one chain the softmax of
/// 1000 equal classes was 4.8e-5 off.
HWY_INLINE ExponentialSums exponentiate(float* tile, int stride, std::int64_t classes, Float largest, Float anchor) {
  constexpr std::int64_t kSumClasses = 32;
  const Float zero = hn::Zero(FloatTag());
  ExponentialSums sums{zero, zero, zero};
  for (std::int64_t first = 0; first < classes; first += kSumClasses) {
    Float sum = zero, rest = zero;
    const std::int64_t last = first + kSumClasses < classes ? first + kSumClasses : classes;
    for (std::int64_t c = first; c < last; ++c) {
      const Float half = hn::Mul(broadcast(0.5f), hn::Sub(load(tile + c * stride), largest));
      const Float e = exp_nonpositive(half);
      store(e, tile + c * stride);
      const auto is_anchor = hn::Eq(anchor, broadcast(static_cast<float>(c)));
      const Float squared = hn::Mul(e, e);
      sum = hn::Add(sum, squared);
      rest = hn::Add(rest, hn::IfThenZeroElse(is_anchor, squared));
      sums.anchored = hn::IfThenElse(is_anchor, e, sums.anchored);
    }
    sums.sum = hn::Add(sums.sum, sum);
    sums.rest = hn::Add(sums.rest, rest);
  }
  return sums;
}

/// s and residual of one vector of cells (math.md, eq. 17): -delta / (1 + s) for the anchor class, delta the sum of the
/// other probabilities, never 1 - p.
HWY_INLINE void write_rows(const EmbedJob& job, int first, const ExponentialSums& sums, Float anchor) {
  const FloatTag d;
  const Float one = broadcast(1.0f);
  const Float inverse = hn::Div(one, hn::Sqrt(sums.sum));
  const Float delta = hn::Div(sums.rest, sums.sum);
  const Float anchor_residual = hn::Neg(hn::Div(delta, hn::MulAdd(sums.anchored, inverse, one)));
  const auto is_live = hn::Gt(load(job.weight + first), hn::Zero(d));
  for (std::int64_t c = 0; c < job.logits.classes; ++c) {
    float* s_row = job.s + c * job.stride + first;
    const Float s = hn::IfThenElseZero(is_live, hn::Mul(load(s_row), inverse));
    const auto is_anchor = hn::Eq(anchor, broadcast(static_cast<float>(c)));
    store(s, s_row);
    store(hn::IfThenElse(is_anchor, hn::IfThenElseZero(is_live, anchor_residual), s),
          job.residual + c * job.stride + first);
  }
}

HWY_ATTR void embed(const EmbedJob& job) {
  with_element(job.logits.dtype, [&](auto element) { load_logits<decltype(element)>(job.logits, job.stride, job.s); });
  for (int i = 0; i < job.stride; i += lanes()) {
    const Float largest = max_logit(job.s + i, job.stride, job.logits.classes);
    const Float anchor = hn::ConvertTo(FloatTag(), hn::LoadU(IntTag(), job.anchor + i));
    const ExponentialSums sums = exponentiate(job.s + i, job.stride, job.logits.classes, largest, anchor);
    write_rows(job, i, sums, anchor);
    store(largest, job.max_logit + i);
    store(sums.sum, job.sum + i);
  }
}

HWY_ATTR float load_logit(const void* logit, arloss_dtype_t dtype) {
  float value = 0;
  with_element(dtype, [&](auto element) {
    using Element = decltype(element);
    value = load_one<Element>(static_cast<const typename Element::Stored*>(logit));
  });
  return value;
}

}  // namespace HWY_NAMESPACE
}  // namespace arloss::cpu
HWY_AFTER_NAMESPACE();

#endif

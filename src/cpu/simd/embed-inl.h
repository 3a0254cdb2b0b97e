// Logits in, square-root rows and residuals out.
#if defined(ARLOSS_CPU_SIMD_EMBED_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ARLOSS_CPU_SIMD_EMBED_INL_H
#undef ARLOSS_CPU_SIMD_EMBED_INL_H
#else
#define ARLOSS_CPU_SIMD_EMBED_INL_H
#endif

#include <hwy/cache_control.h>

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

/// Fills `length` cells of the tile with logits as floats, zero past the last one. Never reads outside the span.
template <class Element>
HWY_INLINE void load_logits(const CellSpan& span, int stride, int length, float* tile) {
  const auto* logits = static_cast<const typename Element::Stored*>(span.data);
  for (std::int64_t c = 0; c < span.classes; ++c) {
    const auto* from = logits + c * span.class_stride;
    float* to = tile + c * stride;
    int i = 0;
    if (span.cell_stride == 1)
      for (; i + lanes() <= span.count; i += lanes()) {
        hwy::Prefetch(from + span.count +
                      i);  // of the chunk that follows: a row is too short for the hardware's to see
        store(Element::load(from + i), to + i);
      }
    for (; i < span.count; ++i) to[i] = load_one<Element>(from + i * span.cell_stride);
    for (; i < length; ++i) to[i] = 0;
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

/// Replaces the logits of classes [first, last) by exp((z - max) / 2), one exponential per element, squared for the
/// sum, so that no square root is taken per element and nothing is divided by s; returns `rest` with the squares added.
/// kAsks: but for the anchors'.
template <bool kAsks>
HWY_INLINE Float exponentiate(float* tile, std::int64_t stride, std::int64_t first, std::int64_t last,
                              Float half_largest, const Anchors& anchors, Float rest, ExponentialSums& sums) {
  for (std::int64_t c = first; c < last; ++c) {
    const Float e = exp_nonpositive(hn::MulSub(broadcast(0.5f), load(tile + c * stride), half_largest));
    store(e, tile + c * stride);
    Float squared = hn::Mul(e, e);
    if (kAsks) {
      const auto is_anchor = anchors.are(c);
      squared = hn::IfThenZeroElse(is_anchor, squared);
      sums.anchored = hn::IfThenElse(is_anchor, e, sums.anchored);
    }
    rest = hn::Add(rest, squared);
  }
  return rest;
}

/// Of all classes. Sums join every kSumClasses classes: in one chain the softmax of 1000 equal classes was 4.8e-5 off.
HWY_INLINE ExponentialSums exponentiate(float* tile, std::int64_t stride, std::int64_t classes, Float largest,
                                        const Anchors& anchors) {
  constexpr std::int64_t kSumClasses = 32;
  const Float zero = hn::Zero(FloatTag()), half_largest = hn::Mul(broadcast(0.5f), largest);
  ExponentialSums sums{zero, zero, zero};
  for (std::int64_t first = 0; first < classes; first += kSumClasses) {
    const std::int64_t last = first + kSumClasses < classes ? first + kSumClasses : classes;
    // The classes that may be an anchor: all, or one.
    const bool has_anchor = first <= anchors.first && anchors.first < last;
    const std::int64_t asked = !anchors.are_alike ? first : has_anchor ? anchors.first : last;
    const std::int64_t not_asked = !anchors.are_alike ? last : has_anchor ? asked + 1 : last;
    Float rest = zero;
    rest = exponentiate<false>(tile, stride, first, asked, half_largest, anchors, rest, sums);
    rest = exponentiate<true>(tile, stride, asked, not_asked, half_largest, anchors, rest, sums);
    rest = exponentiate<false>(tile, stride, not_asked, last, half_largest, anchors, rest, sums);
    sums.rest = hn::Add(sums.rest, rest);
  }
  sums.sum = hn::MulAdd(sums.anchored, sums.anchored, sums.rest);
  return sums;
}

/// s and residual of one vector of cells (math.md, eq. 17): -delta / (1 + s) for the anchor class, delta the sum of the
/// other probabilities, never 1 - p.
HWY_INLINE void write_rows(const EmbedJob& job, int i, const ExponentialSums& sums, const Anchors& anchors) {
  const FloatTag d;
  const Float one = broadcast(1.0f);
  const Float inverse = hn::Div(one, hn::Sqrt(sums.sum));
  const Float delta = hn::Div(sums.rest, sums.sum);
  const auto is_live = hn::Gt(load(job.weight + i), hn::Zero(d));
  const Float anchor_residual =
      hn::IfThenElseZero(is_live, hn::Neg(hn::Div(delta, hn::MulAdd(sums.anchored, inverse, one))));
  const std::int64_t classes = job.logits.classes, stride = job.stride;
  float* const s_tile = job.s + i;
  float* const residual_tile = job.residual + i;
  for (std::int64_t c = 0; c < classes; ++c) {
    const Float s = hn::IfThenElseZero(is_live, hn::Mul(load(s_tile + c * stride), inverse));
    store(s, s_tile + c * stride);
    store(anchors.are_alike ? s : hn::IfThenElse(anchors.are(c), anchor_residual, s), residual_tile + c * stride);
  }
  if (anchors.are_alike && anchors.first >= 0) store(anchor_residual, residual_tile + anchors.first * stride);
}

HWY_ATTR void embed(const EmbedJob& job) {
  const int length = (job.logits.count + kPanel - 1) / kPanel * kPanel;
  with_element(job.logits.dtype,
               [&](auto element) { load_logits<decltype(element)>(job.logits, job.stride, length, job.s); });
  for (int i = 0; i < length; i += lanes()) {
    const Float largest = max_logit(job.s + i, job.stride, job.logits.classes);
    const Anchors anchors = anchors_of(hn::LoadU(IntTag(), job.anchor + i));
    const ExponentialSums sums = exponentiate(job.s + i, job.stride, job.logits.classes, largest, anchors);
    write_rows(job, i, sums, anchors);
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

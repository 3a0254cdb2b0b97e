// From v = s h to the caller's gradient.
#if defined(ARLOSS_CPU_SIMD_CHAIN_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ARLOSS_CPU_SIMD_CHAIN_INL_H
#undef ARLOSS_CPU_SIMD_CHAIN_INL_H
#else
#define ARLOSS_CPU_SIMD_CHAIN_INL_H
#endif

#include "cpu/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace arloss::cpu {
namespace HWY_NAMESPACE {

/// Has a class of this s more than half?
HWY_INLINE auto is_largest(Float s) { return hn::Gt(s, broadcast(0.70710678f)); }

/// dz of one vector of cells, in place of v, not yet scaled (math.md, eq. 11), but for the class that holds more than
/// half: returns minus the sum of the others, which is its dz (eq. 20). On its own it would be the difference of two
/// numbers near h.
HWY_INLINE Float chain_cells(const ChainJob& job, int i) {
  const std::int64_t classes = job.gradient.classes, stride = job.stride;
  const float* const s_tile = job.s + i;
  float* const v_tile = job.v + i;
  Float dot = hn::Zero(FloatTag());
  for (std::int64_t c = 0; c < classes; ++c) dot = hn::Add(dot, load(v_tile + c * stride));
  Float others = hn::Zero(FloatTag());
  for (std::int64_t c = 0; c < classes; ++c) {
    const Float s = load(s_tile + c * stride);
    const Float dz = hn::NegMulAdd(hn::Mul(s, s), dot, load(v_tile + c * stride));
    others = hn::Sub(others, hn::IfThenZeroElse(is_largest(s), dz));
    store(dz, v_tile + c * stride);
  }
  return others;
}

/// dz of one class and vector of cells, scaled and weighted.
HWY_INLINE Float finished(const ChainJob& job, std::int64_t c, int i, const float* largest_dz) {
  const Float weight = load(job.weight + i);
  const auto takes_rest = is_largest(load(job.s + c * job.stride + i));
  const Float dz = hn::IfThenElse(takes_rest, load(largest_dz + i), load(job.v + c * job.stride + i));
  return hn::IfThenElseZero(hn::Ne(weight, hn::Zero(FloatTag())), hn::Mul(dz, hn::Mul(weight, broadcast(job.scale))));
}

/// One cell, by way of a vector: the conversions exist once, and nothing past the element is touched.
template <class Element>
HWY_INLINE void store_one(const ChainJob& job, float value, float weight, typename Element::Stored* to) {
  if (job.adds && weight == 0) return;
  HWY_ALIGN typename Element::Stored copy[HWY_LANES(float)] = {*to};
  const Float old = job.adds ? Element::load(copy) : hn::Zero(FloatTag());
  Element::store(job.adds ? hn::Add(old, broadcast(value)) : broadcast(value), copy);
  *to = copy[0];
}

/// Are all cells of a vector written alike? Where something is added, cells of weight 0 keep their bits.
HWY_INLINE bool is_whole(const ChainJob& job, int i) {
  if (job.gradient.cell_stride != 1 || i + lanes() > job.gradient.count) return false;
  return !job.adds || hn::AllTrue(FloatTag(), hn::Ne(load(job.weight + i), hn::Zero(FloatTag())));
}

/// Class by class: a row of the gradient at a time. Vectors of cells that are not written alike go cell by cell.
template <class Element>
HWY_INLINE void write_gradient(const ChainJob& job, const float* largest_dz) {
  const CellSpan& span = job.gradient;
  auto* const gradient = static_cast<typename Element::Stored*>(const_cast<void*>(span.data));
  for (std::int64_t c = 0; c < span.classes; ++c) {
    auto* const to = gradient + c * span.class_stride;
    for (int i = 0; i < span.count; i += lanes()) {
      const Float dz = finished(job, c, i, largest_dz);
      if (is_whole(job, i)) {
        Element::store(job.adds ? hn::Add(Element::load(to + i), dz) : dz, to + i);
        continue;
      }
      HWY_ALIGN float cells[HWY_LANES(float)];
      store(dz, cells);
      for (int lane = 0; lane < lanes() && i + lane < span.count; ++lane)
        store_one<Element>(job, cells[lane], job.weight[i + lane], to + (i + lane) * span.cell_stride);
    }
  }
}

HWY_ATTR void chain(const ChainJob& job) {
  HWY_ALIGN float largest_dz[kChunk];
  for (int i = 0; i < job.gradient.count; i += lanes()) store(chain_cells(job, i), largest_dz + i);
  with_element(job.gradient.dtype, [&](auto element) { write_gradient<decltype(element)>(job, largest_dz); });
}

}  // namespace HWY_NAMESPACE
}  // namespace arloss::cpu
HWY_AFTER_NAMESPACE();

#endif

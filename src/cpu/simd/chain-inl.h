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

/// dz of one vector of cells, in place of v, not yet scaled (math.md, eq. 11). Where one class holds more than half its
/// dz is minus the sum of the others (eq. 20): computed on its own it would be the difference of two numbers near h.
HWY_INLINE void chain_cells(const ChainJob& job, int i) {
  const FloatTag d;
  const std::int64_t classes = job.gradient.classes;
  Float dot = hn::Zero(d);
  for (std::int64_t c = 0; c < classes; ++c) dot = hn::Add(dot, load(job.v + c * job.stride + i));
  Float others = hn::Zero(d);
  for (std::int64_t c = 0; c < classes; ++c) {
    const Float s = load(job.s + c * job.stride + i);
    const Float p = hn::Mul(s, s);
    const Float dz = hn::NegMulAdd(p, dot, load(job.v + c * job.stride + i));
    const auto is_largest = hn::Gt(p, broadcast(0.5f));
    others = hn::Add(others, hn::IfThenZeroElse(is_largest, dz));
    store(dz, job.v + c * job.stride + i);
  }
  const Float factor = hn::Mul(load(job.weight + i), broadcast(job.scale));
  const auto is_live = hn::Ne(load(job.weight + i), hn::Zero(d));
  for (std::int64_t c = 0; c < classes; ++c) {
    float* row = job.v + c * job.stride + i;
    const Float s = load(job.s + c * job.stride + i);
    const auto is_largest = hn::Gt(hn::Mul(s, s), broadcast(0.5f));
    const Float dz = hn::IfThenElse(is_largest, hn::Neg(others), load(row));
    store(hn::IfThenElseZero(is_live, hn::Mul(dz, factor)), row);
  }
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

/// One vector of cells. Where cells of weight 0 are to keep their bits and some are among them, cell by cell.
template <class Element>
HWY_INLINE void store_vector(const ChainJob& job, const float* row, int i, typename Element::Stored* to) {
  if (!job.adds) return Element::store(load(row + i), to);
  const auto is_live = hn::Ne(load(job.weight + i), hn::Zero(FloatTag()));
  if (hn::AllTrue(FloatTag(), is_live)) return Element::store(hn::Add(Element::load(to), load(row + i)), to);
  for (int lane = 0; lane < lanes(); ++lane) store_one<Element>(job, row[i + lane], job.weight[i + lane], to + lane);
}

template <class Element>
HWY_INLINE void store_gradient(const ChainJob& job) {
  const CellSpan& span = job.gradient;
  auto* gradient = static_cast<typename Element::Stored*>(const_cast<void*>(span.data));
  for (std::int64_t c = 0; c < span.classes; ++c) {
    const float* row = job.v + c * job.stride;
    auto* to = gradient + c * span.class_stride;
    int i = 0;
    if (span.cell_stride == 1)
      for (; i + lanes() <= span.count; i += lanes()) store_vector<Element>(job, row, i, to + i);
    for (; i < span.count; ++i) store_one<Element>(job, row[i], job.weight[i], to + i * span.cell_stride);
  }
}

HWY_ATTR void chain(const ChainJob& job) {
  for (int i = 0; i < job.gradient.count; i += lanes()) chain_cells(job, i);
  with_element(job.gradient.dtype, [&](auto element) { store_gradient<decltype(element)>(job); });
}

}  // namespace HWY_NAMESPACE
}  // namespace arloss::cpu
HWY_AFTER_NAMESPACE();

#endif

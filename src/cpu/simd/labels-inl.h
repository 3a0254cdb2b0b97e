// Rows of labels, byte by byte.
#if defined(ARLOSS_CPU_SIMD_LABELS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ARLOSS_CPU_SIMD_LABELS_INL_H
#undef ARLOSS_CPU_SIMD_LABELS_INL_H
#else
#define ARLOSS_CPU_SIMD_LABELS_INL_H
#endif

#include <cstdint>

#include "cpu/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace arloss::cpu {
namespace HWY_NAMESPACE {

HWY_ATTR void mark_changes(const std::uint8_t* a, const std::uint8_t* b, std::int64_t count, std::uint8_t flag,
                           std::uint8_t* flags) {
  const hn::ScalableTag<std::uint8_t> d;
  const auto flag_of_all = hn::Set(d, flag);
  const auto mark = [&](std::int64_t i) HWY_ATTR {
    const auto differs = hn::Ne(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    hn::StoreU(hn::Or(hn::LoadU(d, flags + i), hn::IfThenElseZero(differs, flag_of_all)), d, flags + i);
  };
  const auto width = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + width <= count; i += width) mark(i);
  if (i == count) return;
  if (count >= width) return mark(count - width);  // some once more
  for (; i < count; ++i) flags[i] |= a[i] != b[i] ? flag : std::uint8_t{0};
}

}  // namespace HWY_NAMESPACE
}  // namespace arloss::cpu
HWY_AFTER_NAMESPACE();

#endif

#ifndef ARLOSS_TESTS_EMBED_JOB_H
#define ARLOSS_TESTS_EMBED_JOB_H

#include <cstdint>
#include <vector>

#include "simd_fixture.h"
#include "support/half.h"

namespace arloss::cpu {

/// Where one class or cell of a span lies: planes longer than the span (NCHW), or pixels wider than its classes (NHWC).
struct SpanLayout {
  const char* name;
  bool is_planar;
  int slack;  // elements between rows of the span

  std::int64_t class_stride(int count) const { return is_planar ? count + slack : 1; }
  std::int64_t cell_stride(std::int64_t classes) const { return is_planar ? 1 : classes + slack; }
  /// Elements from the span's first to its last, both included.
  std::int64_t extent(std::int64_t classes, int count) const {
    return (classes - 1) * class_stride(count) + (count - 1) * cell_stride(classes) + 1;
  }
  std::int64_t index(std::int64_t classes, int count, std::int64_t c, int i) const {
    return c * class_stride(count) + i * cell_stride(classes);
  }
  CellSpan span(const void* data, arloss_dtype_t dtype, std::int64_t classes, int count) const {
    return {data, dtype, class_stride(count), cell_stride(classes), count, classes};
  }
};

inline constexpr SpanLayout kLayouts[] = {
    {"dense planes", true, 0}, {"long planes", true, 13}, {"dense pixels", false, 0}, {"wide pixels", false, 3}};

/// What an embed call writes, and the weights and anchors it is given.
struct EmbedBuffers {
  EmbedBuffers(std::int64_t classes, int count, int stride)
      : s(classes, stride, 7),
        residual(classes, stride, 7),
        weight(static_cast<std::size_t>(stride), 0.0f),
        max_logit(weight.size(), 7),
        sum(weight.size(), 7),
        anchor(weight.size(), -1) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) weight[i] = 1;
  }

  EmbedJob job(const CellSpan& logits) {
    return {logits,          static_cast<int>(s.stride), weight.data(), anchor.data(), s.data(),
            residual.data(), max_logit.data(),           sum.data()};
  }

  Tile s, residual;
  std::vector<float> weight, max_logit, sum;
  std::vector<std::int32_t> anchor;
};

}  // namespace arloss::cpu

#endif

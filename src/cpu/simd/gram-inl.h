// Products over the cells of a chunk: Gram sums forward, row-times-matrix backward.
#if defined(ARLOSS_CPU_SIMD_GRAM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ARLOSS_CPU_SIMD_GRAM_INL_H
#undef ARLOSS_CPU_SIMD_GRAM_INL_H
#else
#define ARLOSS_CPU_SIMD_GRAM_INL_H
#endif

#include "cpu/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace arloss::cpu {
namespace HWY_NAMESPACE {

/// Dot products of four left rows with some right rows: sums that hide the latency of two multiply-add units, and ask
/// for less than one load each.
struct GramTile {
  static constexpr int kLeft = 4, kRight = kHasManyRegisters ? 4 : 2;
  float sums[kRight][kLeft];
};

HWY_INLINE void multiply_gram_tile(const float* const (&left)[GramTile::kLeft], const float* (&right)[GramTile::kRight],
                                   int length, GramTile& tile) {
  Float sums[GramTile::kRight][GramTile::kLeft];
  for (auto& column : sums)
    for (Float& sum : column) sum = hn::Zero(FloatTag());
  for (int i = 0; i < length; i += lanes())
    for (int q = 0; q < GramTile::kRight; ++q) {
      const Float value = load(right[q] + i);
      for (int r = 0; r < GramTile::kLeft; ++r) sums[q][r] = hn::MulAdd(load(left[r] + i), value, sums[q][r]);
    }
  for (int q = 0; q < GramTile::kRight; ++q) sum_lanes(sums[q], tile.sums[q]);
}

HWY_INLINE void add_gram_tile(const GramJob& job, const GramTile& tile, int first_row, std::int64_t first_class) {
  for (int r = 0; r < GramTile::kLeft && first_row + r < job.num_left; ++r) {
    const std::int64_t row_class = job.row_class != nullptr ? job.row_class[first_row + r] : first_row + r;
    for (int q = 0; q < GramTile::kRight && first_class + q < job.classes; ++q)
      if (!job.is_symmetric || first_class + q >= row_class)
        job.out[row_class * job.classes + first_class + q] += static_cast<double>(tile.sums[q][r]);
  }
}

HWY_ATTR void gram(const GramJob& job) {
  // Rows past the last repeat it; add_gram_tile drops their sums.
  const auto left_row = [&](int r) {
    return job.left + std::int64_t{r < job.num_left ? r : job.num_left - 1} * job.stride;
  };
  const auto right_row = [&](std::int64_t d) {
    return job.right + (d < job.classes ? d : job.classes - 1) * job.stride;
  };
  for (int r = 0; r < job.num_left; r += GramTile::kLeft) {
    const float* const left[] = {left_row(r), left_row(r + 1), left_row(r + 2), left_row(r + 3)};
    const std::int64_t first = job.is_symmetric ? r : 0;
    for (std::int64_t d = first; d < job.classes; d += GramTile::kRight) {
      const float* right[GramTile::kRight];
      for (int q = 0; q < GramTile::kRight; ++q) right[q] = right_row(d + q);
      GramTile tile;
      multiply_gram_tile(left, right, job.length, tile);
      add_gram_tile(job, tile, r, d);
    }
  }
}

/// table[anchor][d] of one vector of cells; one load where all lie in one class, as most do on real label maps.
struct AnchorRows {
  const float* table;
  std::int64_t classes;
  Anchors anchors;
  Int index;  // anchor * classes, 0 where there is none
  hn::Mask<FloatTag> is_anchored;

  HWY_INLINE Float at(std::int64_t d) const {
    if (!anchors.are_alike) return hn::IfThenElseZero(is_anchored, hn::GatherIndex(FloatTag(), table + d, index));
    return anchors.first < 0 ? hn::Zero(FloatTag()) : broadcast(table[anchors.first * classes + d]);
  }
};

HWY_INLINE AnchorRows anchor_rows(const ProductJob& job, int i) {
  const IntTag di;
  const Int anchor = job.table != nullptr ? hn::LoadU(di, job.anchor + i) : hn::Set(di, -1);
  const Int row = hn::Max(anchor, hn::Zero(di));
  return {job.table, job.classes, anchors_of(anchor), hn::Mul(row, hn::Set(di, static_cast<std::int32_t>(job.classes))),
          hn::RebindMask(FloatTag(), hn::Gt(anchor, hn::Set(di, -1)))};
}

/// kOutputs classes of the product for kVectors vectors of cells.
template <int kOutputs, int kVectors>
HWY_INLINE void write_outputs(const ProductJob& job, int i, std::int64_t first, const AnchorRows* rows) {
  Float sums[kVectors][kOutputs];
  const auto at = [&](int v, int q) { return (first + q) * job.stride + i + v * lanes(); };
  for (int v = 0; v < kVectors; ++v)
    for (int q = 0; q < kOutputs; ++q) {
      sums[v][q] = rows[v].at(first + q);
      if (job.adds) sums[v][q] = hn::Add(sums[v][q], load(job.out + at(v, q)));
    }
  for (std::int64_t c = 0; c < job.classes && job.tile != nullptr; ++c) {
    const float* const row = job.matrix + c * job.classes + first;
    const float* const tile = job.tile + c * job.stride + i;
    for (int q = 0; q < kOutputs; ++q) {
      const Float factor = broadcast(row[q]);
      for (int v = 0; v < kVectors; ++v) sums[v][q] = hn::MulAdd(load(tile + v * lanes()), factor, sums[v][q]);
    }
  }
  for (int v = 0; v < kVectors; ++v)
    for (int q = 0; q < kOutputs; ++q) store(sums[v][q], job.out + at(v, q));
}

template <int kVectors>
HWY_INLINE void write_vectors(const ProductJob& job, int i) {
  AnchorRows rows[kVectors];
  for (int v = 0; v < kVectors; ++v) rows[v] = anchor_rows(job, i + v * lanes());
  for_equal_parts<kClassSums>(job.classes, [&](auto count, std::int64_t first) HWY_ATTR {
    write_outputs<decltype(count)::value, kVectors>(job, i, first, rows);
  });
}

HWY_ATTR void product(const ProductJob& job) {
  int i = 0;
  for (; i + 2 * lanes() <= job.length; i += 2 * lanes()) write_vectors<2>(job, i);
  for (; i < job.length; i += lanes()) write_vectors<1>(job, i);
}

HWY_ATTR void multiply(const float* a, const float* b, int b_stride, int stride, int length, std::int64_t rows,
                       float* out) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (int i = 0; i < length; i += lanes())
      store(hn::Mul(load(a + r * stride + i), load(b + r * b_stride + i)), out + r * stride + i);
}

}  // namespace HWY_NAMESPACE
}  // namespace arloss::cpu
HWY_AFTER_NAMESPACE();

#endif

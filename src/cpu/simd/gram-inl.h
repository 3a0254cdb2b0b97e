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

/// Dot products of four left rows with two right rows: eight sums hide the latency of one multiply-add unit pair, in
/// sixteen registers.
struct GramTile {
  static constexpr int kLeft = 4, kRight = 2;
  float sums[kLeft][kRight];
};

HWY_INLINE void multiply_gram_tile(const float* const (&left)[GramTile::kLeft],
                                   const float* const (&right)[GramTile::kRight], int length, GramTile& tile) {
  const Float zero = hn::Zero(FloatTag());
  Float sum00 = zero, sum01 = zero, sum10 = zero, sum11 = zero;
  Float sum20 = zero, sum21 = zero, sum30 = zero, sum31 = zero;
  for (int i = 0; i < length; i += lanes()) {
    const Float right0 = load(right[0] + i), right1 = load(right[1] + i);
    const Float left0 = load(left[0] + i), left1 = load(left[1] + i);
    sum00 = hn::MulAdd(left0, right0, sum00);
    sum01 = hn::MulAdd(left0, right1, sum01);
    sum10 = hn::MulAdd(left1, right0, sum10);
    sum11 = hn::MulAdd(left1, right1, sum11);
    const Float left2 = load(left[2] + i), left3 = load(left[3] + i);
    sum20 = hn::MulAdd(left2, right0, sum20);
    sum21 = hn::MulAdd(left2, right1, sum21);
    sum30 = hn::MulAdd(left3, right0, sum30);
    sum31 = hn::MulAdd(left3, right1, sum31);
  }
  tile.sums[0][0] = sum_of_lanes(sum00);
  tile.sums[0][1] = sum_of_lanes(sum01);
  tile.sums[1][0] = sum_of_lanes(sum10);
  tile.sums[1][1] = sum_of_lanes(sum11);
  tile.sums[2][0] = sum_of_lanes(sum20);
  tile.sums[2][1] = sum_of_lanes(sum21);
  tile.sums[3][0] = sum_of_lanes(sum30);
  tile.sums[3][1] = sum_of_lanes(sum31);
}

HWY_INLINE void add_gram_tile(const GramJob& job, const GramTile& tile, int first_row, std::int64_t first_class) {
  for (int r = 0; r < GramTile::kLeft && first_row + r < job.num_left; ++r) {
    const std::int64_t row_class = job.row_class != nullptr ? job.row_class[first_row + r] : first_row + r;
    for (int q = 0; q < GramTile::kRight && first_class + q < job.classes; ++q)
      if (!job.is_symmetric || first_class + q >= row_class)
        job.out[row_class * job.classes + first_class + q] += static_cast<double>(tile.sums[r][q]);
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
      const float* const right[] = {right_row(d), right_row(d + 1)};
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
  bool is_uniform;
  std::int32_t first;
  Int index;  // anchor * classes, 0 where there is none
  hn::Mask<FloatTag> is_anchored;

  HWY_INLINE Float at(std::int64_t d) const {
    if (is_uniform) return first < 0 ? hn::Zero(FloatTag()) : broadcast(table[first * classes + d]);
    return hn::IfThenElseZero(is_anchored, hn::GatherIndex(FloatTag(), table + d, index));
  }
};

HWY_INLINE AnchorRows anchor_rows(const ProductJob& job, int i) {
  const IntTag di;
  const Int anchor = hn::LoadU(di, job.anchor + i);
  const std::int32_t first = job.anchor[i];
  const Int zero = hn::Zero(di);
  return {job.table,
          job.classes,
          hn::AllTrue(di, hn::Eq(anchor, hn::Set(di, first))),
          first,
          hn::Mul(hn::Max(anchor, zero), hn::Set(di, static_cast<std::int32_t>(job.classes))),
          hn::RebindMask(FloatTag(), hn::Gt(anchor, hn::Set(di, -1)))};
}

/// kOutputs classes of the product for one vector of cells.
template <int kOutputs>
HWY_INLINE void multiply_outputs(const ProductJob& job, int i, std::int64_t first, Float (&sums)[kOutputs]) {
  for (std::int64_t c = 0; c < job.classes; ++c) {
    const Float value = load(job.tile + c * job.stride + i);
    const float* row = job.matrix + c * job.classes + first;
    for (int q = 0; q < kOutputs; ++q) sums[q] = hn::MulAdd(value, broadcast(row[q]), sums[q]);
  }
}

template <int kOutputs>
HWY_INLINE void write_outputs(const ProductJob& job, int i, std::int64_t first, const AnchorRows* rows) {
  Float sums[kOutputs];
  for (int q = 0; q < kOutputs; ++q) {
    float* out = job.out + (first + q) * job.stride + i;
    sums[q] = job.adds ? load(out) : hn::Zero(FloatTag());
    if (rows != nullptr) sums[q] = hn::Add(sums[q], rows->at(first + q));
  }
  if (job.tile != nullptr) multiply_outputs<kOutputs>(job, i, first, sums);
  for (int q = 0; q < kOutputs; ++q) store(sums[q], job.out + (first + q) * job.stride + i);
}

HWY_ATTR void product(const ProductJob& job) {
  constexpr int kOutputs = 8;  // independent sums: two multiply-add units of latency four stay busy
  for (int i = 0; i < job.length; i += lanes()) {
    AnchorRows rows;
    if (job.table != nullptr) rows = anchor_rows(job, i);
    const AnchorRows* const table_rows = job.table != nullptr ? &rows : nullptr;
    std::int64_t d = 0;
    for (; d + kOutputs <= job.classes; d += kOutputs) write_outputs<kOutputs>(job, i, d, table_rows);
    for (; d + 2 <= job.classes; d += 2) write_outputs<2>(job, i, d, table_rows);
    for (; d < job.classes; ++d) write_outputs<1>(job, i, d, table_rows);
  }
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

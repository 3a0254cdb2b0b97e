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

/// Calls body(first, last) for the runs of cells that some parts of a chunk make.
template <class Body>
HWY_INLINE void for_each_run(CellParts parts, const Body& body) {
  while (parts != 0) {
    const std::size_t skipped = hwy::Num0BitsBelowLS1Bit_Nonzero32(parts);
    const std::size_t length = hwy::Num0BitsBelowLS1Bit_Nonzero32(~(parts >> skipped));
    const std::size_t first = skipped * kPart, last = first + length * kPart;
    body(static_cast<std::int64_t>(first), static_cast<std::int64_t>(last));
    parts &= ~parts_of(static_cast<int>(first), static_cast<int>(last));
  }
}

/// Where the vectors of some parts of a chunk begin.
struct VectorStarts {
  int count = 0;
  std::int64_t at[kChunk];

  explicit VectorStarts(CellParts parts) {
    for_each_run(parts, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
      for (std::int64_t i = first; i < last; i += lanes()) at[count++] = i;
    });
  }
};

/// Dot products of four left rows with some right rows: sums that hide the latency of two multiply-add units, and ask
/// for less than one load each.
struct GramTile {
  static constexpr int kLeft = 4, kRight = kHasManyRegisters ? 4 : 2;
  float sums[kRight][kLeft];
};

HWY_INLINE void multiply_gram_tile(const float* const (&left)[GramTile::kLeft], const float* (&right)[GramTile::kRight],
                                   CellParts parts, GramTile& tile) {
  Float sums[GramTile::kRight][GramTile::kLeft];
  for (auto& column : sums)
    for (Float& sum : column) sum = hn::Zero(FloatTag());
  for_each_run(parts, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    for (std::int64_t i = first; i < last; i += lanes())
      for (int q = 0; q < GramTile::kRight; ++q) {
        const Float value = load(right[q] + i);
        for (int r = 0; r < GramTile::kLeft; ++r) sums[q][r] = hn::MulAdd(load(left[r] + i), value, sums[q][r]);
      }
  });
  for (int q = 0; q < GramTile::kRight; ++q) sum_lanes(sums[q], tile.sums[q]);
}

HWY_INLINE void add_gram_tile(const GramJob& job, const GramTile& tile, std::int64_t first_left,
                              std::int64_t first_right) {
  const auto in_tile = [](std::int64_t rows, int most) { return static_cast<int>(rows < most ? rows : most); };
  const int num_left = in_tile(job.left.count - first_left, GramTile::kLeft);
  const int num_right = in_tile(job.right.count - first_right, GramTile::kRight);
  for (int q = 0; q < num_right; ++q) {
    const std::int64_t d = job.right.class_of(first_right + q);
    for (int r = 0; r < num_left; ++r) {
      const std::int64_t c = job.left.class_of(first_left + r);
      if (!job.is_symmetric || d >= c) job.out[c * job.classes + d] += static_cast<double>(tile.sums[q][r]);
    }
  }
}

HWY_ATTR void gram(const GramJob& job) {
  // Rows past the last repeat it; add_gram_tile drops their sums.
  const auto row = [&](const ClassRows& rows, std::int64_t r) {
    return rows.tile + (r < rows.count ? r : rows.count - 1) * job.stride;
  };
  for (std::int64_t r = 0; r < job.left.count; r += GramTile::kLeft) {
    const float* const left[] = {row(job.left, r), row(job.left, r + 1), row(job.left, r + 2), row(job.left, r + 3)};
    const std::int64_t first = job.is_symmetric ? r : 0;
    for (std::int64_t d = first; d < job.right.count; d += GramTile::kRight) {
      const float* right[GramTile::kRight];
      for (int q = 0; q < GramTile::kRight; ++q) right[q] = row(job.right, d + q);
      GramTile tile;
      multiply_gram_tile(left, right, job.left.parts & job.right.parts, tile);
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

HWY_INLINE AnchorRows anchor_rows(const ProductJob& job, std::int64_t i) {
  const IntTag di;
  const Int anchor = job.table != nullptr ? hn::LoadU(di, job.anchor + i) : hn::Set(di, -1);
  const Int row = hn::Max(anchor, hn::Zero(di));
  return {job.table, job.classes, anchors_of(anchor), hn::Mul(row, hn::Set(di, static_cast<std::int32_t>(job.classes))),
          hn::RebindMask(FloatTag(), hn::Gt(anchor, hn::Set(di, -1)))};
}

HWY_INLINE Float joined(Join join, const float* out, Float sum) {
  if (join == Join::kReplace) return sum;
  return join == Join::kAdd ? hn::Add(load(out), sum) : hn::Sub(load(out), sum);
}

/// kOutputs classes of the product for kVectors vectors of cells, each at its start.
template <int kOutputs, int kVectors>
HWY_INLINE void write_outputs(const ProductJob& job, const std::int64_t* start, std::int64_t first,
                              const AnchorRows* rows) {
  Float sums[kVectors][kOutputs];
  for (int v = 0; v < kVectors; ++v)
    for (int q = 0; q < kOutputs; ++q) sums[v][q] = rows[v].at(first + q);
  for (std::int64_t r = 0; r < job.rows.count; ++r) {
    const float* const row = job.matrix + job.rows.class_of(r) * job.classes + first;
    const float* const tile = job.rows.tile + r * job.stride;
    for (int q = 0; q < kOutputs; ++q) {
      const Float factor = broadcast(row[q]);
      for (int v = 0; v < kVectors; ++v) sums[v][q] = hn::MulAdd(load(tile + start[v]), factor, sums[v][q]);
    }
  }
  for (int v = 0; v < kVectors; ++v)
    for (int q = 0; q < kOutputs; ++q) {
      float* const out = job.out + (first + q) * job.stride + start[v];
      store(joined(job.join, out, sums[v][q]), out);
    }
}

template <int kVectors>
HWY_INLINE void write_vectors(const ProductJob& job, const std::int64_t* start) {
  AnchorRows rows[kVectors];
  for (int v = 0; v < kVectors; ++v) rows[v] = anchor_rows(job, start[v]);
  for_equal_parts<kClassSums>(job.classes, [&](auto count, std::int64_t first) HWY_ATTR {
    write_outputs<decltype(count)::value, kVectors>(job, start, first, rows);
  });
}

HWY_ATTR void product(const ProductJob& job) {
  const VectorStarts starts(job.rows.parts);
  int n = 0;
  for (; n + 2 <= starts.count; n += 2) write_vectors<2>(job, starts.at + n);
  if (n < starts.count) write_vectors<1>(job, starts.at + n);
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

#ifndef ARLOSS_KERNELS_PACK_KERNELS_CUH
#define ARLOSS_KERNELS_PACK_KERNELS_CUH

#include "kernels/pair/pair_row.cuh"
#include "kernels/pair/pair_scale.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

__device__ inline float feature_value(const PairRow& row, const RowFeature& feature, std::int64_t c) {
  switch (feature.source) {
    case RowSource::kRoot: return row.s(c);
    case RowSource::kResidual: return row.residual(c);
    case RowSource::kBlendResidual: return row.residual(c) - row.blend_shift(c);
    case RowSource::kBlendShift: return row.blend_shift(c);
    case RowSource::kLabel: return row.u(feature.scale, c);
    default: return row.label_step(feature.scale, feature.from, c);
  }
}

/// Hands what rounding to a half takes from a class on to the next where that has about the same number. Rows of alike
/// numbers would else be off as a whole: the loss of constant logits by 1.1e-3. Unlike ones would only round twice.
__device__ inline void spread_rounding(float (&values)[8]) {
  constexpr float kAlike = 1.0f / 16;
  float before = 0, left = 0;
#pragma unroll
  for (int c = 0; c < 8; ++c) {
    const float value = values[c];
    if (fabsf(value - before) <= kAlike * fabsf(value)) values[c] += left;
    left = remainder_of(values[c]);
    before = value;
  }
}

/// Eight classes of a feature, from `first` on.
__device__ inline HalfPiece pack_piece(const PairRow& row, const RowFeature& feature, std::int64_t first,
                                       std::int64_t classes, float scale, bool has_remainders) {
  float values[8];
#pragma unroll
  for (int c = 0; c < 8; ++c) values[c] = 0;
#pragma unroll 1  // one copy of the sources' code; the loop's values stay in registers by the selects below
  for (int c = 0; c < 8; ++c) {
    if (first + c >= classes) break;
    const float value = scale * feature_value(row, feature, first + c);
#pragma unroll
    for (int k = 0; k < 8; ++k) values[k] = k == c ? value : values[k];
  }
  if (!has_remainders) spread_rounding(values);
  HalfPiece leading, remainder;
  split_piece(values, leading, remainder);
  return feature.is_remainder ? remainder : leading;
}

/// pack_kernel.  Computes: one piece of a row to a thread; rows of weight 0, and what pads a row, are zeros.
/// Reads: each number of a row once per feature that it is in.
/// Cost: per row, class and feature 4 bytes in and 2 out, from and to L2.
__global__ void __launch_bounds__(PairRowTile::kThreads, PairRowTile::kResidentBlocks)
    pack_kernel(const PackParams params) {
  follow_earlier_kernels();
  const std::int64_t octets = class_octets(params.rows.classes), pieces = params.features.pieces(octets);
  const PairRowPlace place(params.rows.rows);
  if (place.row >= params.rows.rows) return;
  const bool is_right = place.plane % 2 != 0;
  const std::int64_t piece = place.plane / 2 % pieces, image = place.plane / 2 / pieces;
  const PairRow row(params.rows, image, place.row);
  const std::int64_t number = piece / octets;
  HalfPiece packed{};
  if (number < params.features.count && row.weight() != 0) {
    const RowFeature& feature = (is_right ? params.features.right : params.features.left)[number];
    const int exponent =
        feature.is_residual ? residual_exponent(params.bounds[image / params.rows.images_per_group]) : kPairExponent;
    packed = pack_piece(row, feature, piece % octets * 8, params.rows.classes, feature.factor * power_of_two(exponent),
                        params.features.is_exact);
  }
  (is_right ? params.right : params.left)[(image * params.rows.rows + place.row) * pieces + piece] = packed;
}

/// look_up_kernel.  Computes: eight neighbouring columns of a class's residuals to a thread.
__global__ void __launch_bounds__(PairRowTile::kThreads, PairRowTile::kResidentBlocks)
    look_up_kernel(const LookUpParams params) {
  follow_earlier_kernels();
  const PairRows& rows = params.rows;
  const std::int64_t pieces = look_up_columns(rows.rows_of_group()) / 8;
  const PairRowPlace place(pieces);
  if (place.row >= pieces) return;
  const std::int64_t c = place.plane % rows.classes, group = place.plane / rows.classes;
  const float scale = power_of_two(residual_exponent(params.bounds[group]));
  float values[8];
#pragma unroll
  for (int k = 0; k < 8; ++k) {
    const std::int64_t column = 8 * place.row + k, image = group * rows.images_per_group + column / rows.rows;
    const bool is_present = column < rows.rows_of_group();
    const PairRow row(rows, is_present ? image : 0, is_present ? column % rows.rows : 0);
    values[k] = is_present && row.weight() != 0 ? scale * row.residual(c) : 0;
  }
  HalfPiece leading, remainder;
  split_piece(values, leading, remainder);
  params.table[place.plane * pieces + place.row] = leading;
}

/// planes_kernel.  Computes: s and the label rows of the cells as planes. One thread per row and class.
__global__ void __launch_bounds__(PairRowTile::kThreads, PairRowTile::kResidentBlocks)
    planes_kernel(const PlanesParams params) {
  follow_earlier_kernels();
  const PairRowPlace place(params.rows.rows);
  if (place.row >= params.rows.rows) return;
  const std::int64_t c = place.plane % params.rows.classes, image = place.plane / params.rows.classes;
  const PairRow row(params.rows, image, place.row);
  const bool is_live = row.weight() != 0;
  const std::int64_t element = place.plane * params.rows.rows + place.row;
  const std::int64_t set = params.rows.batch * params.rows.classes * params.rows.rows;
  params.s[element] = is_live ? row.s(c) : 0;
  for (int k = 0; k < params.rows.labels.count; ++k) params.u[k * set + element] = is_live ? row.u(k, c) : 0;
}

}  // namespace arloss::kernels

#endif

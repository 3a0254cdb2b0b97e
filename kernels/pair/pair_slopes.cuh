#ifndef ARLOSS_KERNELS_PAIR_SLOPES_CUH
#define ARLOSS_KERNELS_PAIR_SLOPES_CUH

#include "kernels/pair/pair_products.cuh"

namespace arloss::kernels {

/// The slopes of 16 rows x 16 columns as an A operand, or what their halves leave.
template <class Shape>
__device__ void pack_slopes(const PairRegisters<Shape>& slopes, int m, int n, bool is_remainder,
                            std::uint32_t (&fragment)[4]) {
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const float* const pair = slopes.values[m][n + k / 2] + k % 2 * 2;
    fragment[k] = is_remainder ? bits_of(__floats2half2_rn(remainder_of(pair[0]), remainder_of(pair[1])))
                               : bits_of(__floats2half2_rn(pair[0], pair[1]));
  }
}

/// sum_j w_j phi' s_j of the warp's rows.
template <class Shape>
struct PairSlopes {
  float values[Shape::kRowTiles][Shape::kOctets > 0 ? Shape::kOctets : 1][4];

  __device__ void clear() {
#pragma unroll
    for (int m = 0; m < Shape::kRowTiles; ++m)
#pragma unroll
      for (int octet = 0; octet < Shape::kOctets; ++octet)
#pragma unroll
        for (int e = 0; e < 4; ++e) values[m][octet][e] = 0;
  }

  /// Slopes x s, or x its remainder `piece` pieces on.
  __device__ void add(const PairChunk<Shape>& chunk, int n, int piece, int octets,
                      const std::uint32_t (&slopes)[Shape::kRowTiles][4]) {
#pragma unroll
    for (int octet = 0; octet < Shape::kOctets; octet += 2) {
      if (octet >= octets) break;
      std::uint32_t s[4];
      ptx::ldmatrix_x4_trans(s, chunk.transposed + n * 8 * chunk.pitch + piece + octet);
#pragma unroll
      for (int m = 0; m < Shape::kRowTiles; ++m) {
        ptx::mma_m16n8k16(values[m][octet], slopes[m], {s[0], s[1]});
        if (octet + 1 < Shape::kOctets) ptx::mma_m16n8k16(values[m][octet + 1], slopes[m], {s[2], s[3]});
      }
    }
  }

  /// Of a chunk's slopes.
  __device__ void add(const PairChunk<Shape>& chunk, const PairRegisters<Shape>& slopes, int octets) {
#pragma unroll
    for (int n = 0; n < Shape::kColumnTiles; n += 2) {
      std::uint32_t leading[Shape::kRowTiles][4], remainder[Shape::kRowTiles][4];
#pragma unroll
      for (int m = 0; m < Shape::kRowTiles; ++m) {
        pack_slopes(slopes, m, n, false, leading[m]);
        if (Shape::kIsExact) pack_slopes(slopes, m, n, true, remainder[m]);
      }
      if (Shape::kIsExact) {
        add(chunk, n, 0, octets, remainder);
        add(chunk, n, 2 * octets, octets, leading);
      }
      add(chunk, n, 0, octets, leading);
    }
  }

  /// Into the split's planes, times factor_of(the thread's row): the block's first sums are written, later ones added;
  /// then starts anew.
  template <class FactorOf>
  __device__ void flush(const PairParams& params, const PairBlock& block, const FactorOf& factor_of, bool is_first) {
#pragma unroll
    for (int m = 0; m < Shape::kRowTiles; ++m)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const std::int64_t row = row_of_lane<Shape>(block, m, half);
        if (row >= block.rows) continue;
        const auto row_stride = static_cast<std::uint32_t>(params.rows);
        float* const planes = slope_planes(params, block, row);
        const float factor = factor_of(2 * m + half);
#pragma unroll
        for (int octet = 0; octet < Shape::kOctets; ++octet)
#pragma unroll
          for (int e = 0; e < 2; ++e) {
            const int c = 8 * octet + product_column(e);
            if (c >= params.classes) continue;
            float& sum = planes[static_cast<std::uint32_t>(c) * std::uint64_t{row_stride}];
            const float mine = factor * values[m][octet][2 * half + e];
            sum = is_first ? mine : sum + mine;
          }
      }
    clear();
  }
};

}  // namespace arloss::kernels

#endif

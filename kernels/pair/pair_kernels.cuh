#ifndef ARLOSS_KERNELS_PAIR_KERNELS_CUH
#define ARLOSS_KERNELS_PAIR_KERNELS_CUH

#include "kernels/pair/pair_penalties.cuh"
#include "kernels/pair/pair_products.cuh"
#include "kernels/pair/pair_scale.cuh"
#include "kernels/pair/pair_slopes.cuh"
#include "kernels/pair/pair_stages.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

/// Powers of two: products of rows are (A - B) / unit, columns' weights are multiplied by `weight`, and sums of slopes
/// and losses by what takes both off.
struct PairFactors {
  float unit, weight, slope, loss;
  PairLift lift;
};

template <class Phi>
__device__ PairFactors pair_factors(const PairParams& params, const PairBlock& block) {
  const PairBounds bounds = params.bounds[block.group];
  const float unit = power_of_two(-kPairExponent - residual_exponent(bounds));
  const Phi phi(params.sums.penalty_param, unit);
  const float largest_slope = phi.largest_slope(difference_bound(bounds) / unit);
  const int exponent = slope_exponent(__int_as_float(bounds.weight), largest_slope);
  // phi = unit^kDegree phi', and its slope by d that by x over the unit.
  float slope = params.sums.factor * power_of_two(-kPairExponent - exponent), loss = power_of_two(-exponent);
  if (Phi::kDegree == 0) slope /= unit;
#pragma unroll
  for (int k = 0; k < Phi::kDegree; ++k) {
    if (k > 0) slope *= unit;
    loss *= unit;
  }
  return {unit, power_of_two(exponent), slope, loss, PairLift(bounds, largest_slope)};
}

/// Penalties of a chunk: slopes, and the loss of its rows where it is wanted.
template <bool kWantsLoss, class Phi, class Shape>
__device__ void penalise(const PairChunk<Shape>& chunk, const Phi& phi, float weight_factor,
                         const PairRegisters<Shape>& products, PairRegisters<Shape>& slopes,
                         PairLoss<2 * Shape::kRowTiles>& loss) {
  constexpr bool kAdds = Shape::kSteps == 0;  // a segment's to those before
  float weights[Shape::kColumnTiles][2];
#pragma unroll
  for (int n = 0; n < Shape::kColumnTiles; ++n)
#pragma unroll
    for (int e = 0; e < 2; ++e) weights[n][e] = weight_factor * chunk.weights[8 * n + e];
  slopes.for_each([&](float& slope, int m, int n, int e) {
    Pair<FloatOps> pair{};
    pair.d = products.values[m][n][e];
    const Penalty<FloatOps> penalty = phi(pair);
    const float weight = weights[n][e % 2];
    if (kWantsLoss) loss.add(2 * m + e / 2, weight, penalty.value);
    if (Shape::kOctets > 0) slope = kAdds ? fmaf(weight, penalty.slope, slope) : weight * penalty.slope;
  });
}

/// Has the warp rows that are lifted?
template <int kRows>
__device__ bool has_lift(const PairLift& lift, const PairLoss<kRows>& loss) {
  bool is_lifted = false;
#pragma unroll
  for (int r = 0; r < kRows; ++r) is_lifted |= lift.of(loss.row_weight(r)) != 1;
  return __any_sync(~0u, is_lifted) != 0;
}

/// Where a chunk of columns lies: in which tile, from which of its columns on, and how its losses count.
struct PairPlace {
  int tile, first_column, loss_factor;
};

/// What a thread block takes through all its column tiles.
template <class Phi, class Shape>
struct PairVisit {
  const PairParams& params;
  const PairBlock& block;
  const PairShared& shared;
  const Phi phi;
  const PairFactors factors;
  const PairLabels<Shape> labels;
  PairStrip<Shape> strip;
  PairSlopes<Shape> slopes;
  PairLoss<2 * Shape::kRowTiles> loss;
  bool has_lift;
};

/// The penalties of products that are A - B now.
template <class Phi, class Shape>
__device__ void end_segment(PairVisit<Phi, Shape>& visit, const PairChunk<Shape>& chunk, const PairPlace& place,
                            float omega, PairRegisters<Shape>& products, PairRegisters<Shape>& slopes) {
  const PairBlock& block = visit.block;
  if (block.has_diagonal(place.tile))
    clear_diagonal((place.tile - block.diagonal) * PairTile::kColumns + place.first_column, products);
  // Half of the tiles want no loss, a third of the instructions of a penalty.
  if (place.loss_factor > 0)
    penalise<true>(chunk, visit.phi, omega * visit.factors.weight, products, slopes, visit.loss);
  else
    penalise<false>(chunk, visit.phi, omega * visit.factors.weight, products, slopes, visit.loss);
}

/// All pairs of the strip with a chunk of columns.
template <class Phi, class Shape>
__device__ void visit_chunk(PairVisit<Phi, Shape>& visit, const PairChunk<Shape>& chunk, const PairPlace& place) {
  const auto octets = static_cast<int>(class_octets(visit.params.classes));
  PairRegisters<Shape> products, slopes;
  Shape::kLooksUp ? look_labels_up(chunk, visit.labels, products) : products.clear();
  if constexpr (Shape::kSteps > 0) {
    multiply_rows(chunk, visit.strip, products);
    end_segment(visit, chunk, place, 1, products, slopes);
  } else {
    slopes.clear();
    int step = 0;
#pragma unroll 1
    for (int segment = 0; segment < visit.params.num_segments; ++segment) {
      const int last = (visit.params.segments[segment].end * octets + 1) / 2;
      multiply_rows(chunk, step, last, products);
      end_segment(visit, chunk, place, visit.params.segments[segment].omega, products, slopes);
      step = last;
    }
  }
  if constexpr (Shape::kOctets > 0) {
    if (visit.has_lift)
      slopes.for_each([&](float& slope, int m, int, int e) {
        slope *= visit.factors.lift.of(visit.loss.row_weight(2 * m + e / 2));
      });
    visit.slopes.add(chunk, slopes, octets);
  }
}

/// All pairs of the strip with a column tile, which lies in `stage`.
template <class Phi, class Shape>
__device__ void visit_tile(PairVisit<Phi, Shape>& visit, int tile, int stage) {
  const int loss_factor = visit.params.sums.wants_loss ? visit.block.loss_factor(tile) : 0;
#pragma unroll 1
  for (int first = 0; first < PairTile::kColumns; first += Shape::kColumns) {
    const PairChunk<Shape> chunk(visit.shared, stage, first);
    if (Shape::kHoldsStrip && tile == 0 && first == 0) visit.strip.load(chunk);
    visit_chunk(visit, chunk, {tile, first, loss_factor});
  }
  if (loss_factor > 0) visit.loss.end_tile(visit.factors.loss * static_cast<float>(loss_factor));
  if constexpr (Shape::kOctets > 0) {
    const auto factor_of = [&](int r) {
      return visit.factors.slope * (visit.has_lift ? visit.factors.lift.undone(visit.loss.row_weight(r)) : 1);
    };
    if (visit.block.ends_sums(tile))
      visit.slopes.flush(visit.params, visit.block, factor_of, visit.block.begins_sums(tile));
  }
}

/// pair_kernel.  Computes: sum_ij w_i w_j phi(A_ij - B_ij) of a strip of rows i, and sum_j w_j phi' s_j of each
/// (math.md, eq. 11, 27), over all pairs but i = j; the loss takes each unordered pair of tiles once.
/// Owns: loss[group][strip][split], and the strip's slopes of its split.  Reads: the strip's rows once, all columns'.
/// Order: shapes alone decide. Products, and slopes of 512 columns, by tensor cores; then float32. Losses of a column
/// tile in float32, then two floats, the block's in float64.
/// Cost: per 16 x 16 pairs 2 mma per 16 numbers of a row and 1 per 8 classes (exact: 3), besides the penalties.
template <class Phi, class Shape>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kResidentBlocks) pair_kernel(const PairParams params) {
  follow_earlier_kernels();
  extern __shared__ HalfPiece pair_shared[];
  const PairShared shared(pair_shared, Shape::kStripRows, static_cast<int>(pair_pitch(params.pieces)),
                          static_cast<int>(params.classes));
  const PairBlock block = pair_block(params, Shape::kStripRows);
  const PairFactors factors = pair_factors<Phi>(params, block);
  PairVisit<Phi, Shape> visit{
      params,
      block,
      shared,
      Phi(params.sums.penalty_param, factors.unit),
      factors,
      PairLabels<Shape>(params, block),
      {},
      {},
      PairLoss<2 * Shape::kRowTiles>(params, block, [&](int r) { return row_of_lane<Shape>(block, r / 2, r % 2); }),
      false};
  visit.has_lift = has_lift(factors.lift, visit.loss);
  visit.slopes.clear();
  copy_strip<Shape>(params, block, shared);
  PairColumnCopy<Shape> columns(params, block);
  if (block.num_tiles > 0) columns.start(0, shared, 0);
  ptx::cp_async_commit();
  for (int tile = 0; tile < block.num_tiles; ++tile) {
    if (tile + 1 < block.num_tiles) columns.start(tile + 1, shared, (tile + 1) % 2);
    ptx::cp_async_commit();   // empty after the last tile, so that the wait below always leaves one group
    ptx::cp_async_wait<1>();  // this thread's copies of this tile
    __syncthreads();          // all threads' copies of this tile before its reads
    visit_tile(visit, tile, tile % 2);
    __syncthreads();  // reads of this stage before the copies that overwrite it
  }
  ptx::cp_async_wait<0>();
  __syncthreads();  // all copies and reads before the loss's tree takes their place
  using LossStorage = typename PairLossReduce<Shape::kThreads>::TempStorage;
  if (params.sums.wants_loss)
    visit.loss.template write<Shape::kThreads>(params.sums.losses, *reinterpret_cast<LossStorage*>(pair_shared));
}

}  // namespace arloss::kernels

#endif

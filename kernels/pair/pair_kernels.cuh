#ifndef ARLOSS_KERNELS_PAIR_KERNELS_CUH
#define ARLOSS_KERNELS_PAIR_KERNELS_CUH

#include "kernels/pair/pair_blocks.cuh"
#include "kernels/pair/pair_penalties.cuh"
#include "kernels/pair/pair_scale.cuh"
#include "kernels/ptx/cp_async.cuh"
#include "kernels/tile/fragments.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

/// What a warp of the pair kernel holds in registers.
template <int kItsRowTiles, int kItsColumnTiles, int kItsOctets, bool kItIsExact, int kItsSteps>
struct PairShape {
  static constexpr int kRowTiles = kItsRowTiles;        // of 16 rows
  static constexpr int kColumnTiles = kItsColumnTiles;  // of 8 columns
  static constexpr int kColumns = 8 * kColumnTiles;
  static constexpr int kOctets = kItsOctets;    // of classes that slopes are summed for; 0: loss alone
  static constexpr bool kIsExact = kItIsExact;  // slopes and s as two halves each
  /// Steps of 16 numbers in a row that is one segment; 0: any row.
  static constexpr int kSteps = kItsSteps;
  static constexpr bool kHoldsStrip = kSteps > 0 && !kIsExact;  // its rows fit registers
  static constexpr int kStripRows = PairTile::kWarps * 16 * kRowTiles;
  /// On a multiprocessor, at least: what registers allow.
  static constexpr int kResidentBlocks = kHoldsStrip && kSteps <= 3 ? 3 : 2;
};

/// The row of the group that a lane has in half `half` of a row tile.
template <class Shape>
__device__ std::int64_t row_of_lane(const PairBlock& block, int m, int half) {
  return block.first_row + static_cast<int>(threadIdx.x) / 32 * 16 * Shape::kRowTiles + 16 * m + product_row(2 * half);
}

/// 16 kRowTiles rows x a chunk of columns, in C-fragment order.
template <class Shape>
struct PairRegisters {
  float values[Shape::kRowTiles][Shape::kColumnTiles][4];

  __device__ void clear() {
    for_each([](float& value, int, int, int) { value = 0; });
  }
  /// body(value, row tile, column tile, element)
  template <class Body>
  __device__ void for_each(const Body& body) {
#pragma unroll
    for (int m = 0; m < Shape::kRowTiles; ++m)
#pragma unroll
      for (int n = 0; n < Shape::kColumnTiles; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e) body(values[m][n][e], m, n, e);
  }
};

/// A thread block's shared memory: the strip's rows, and two stages of a column tile with its weights.
class PairShared {
 public:
  __device__ PairShared(HalfPiece* base, int strip_rows, int pitch)
      : base_(base), strip_rows_(strip_rows), pitch_(pitch) {}

  __device__ int pitch() const { return pitch_; }
  __device__ HalfPiece* left() const { return base_; }
  __device__ HalfPiece* right(int stage) const { return base_ + (strip_rows_ + stage * PairTile::kColumns) * pitch_; }
  __device__ float* weights(int stage) const { return reinterpret_cast<float*>(right(2)) + stage * PairTile::kColumns; }

 private:
  HalfPiece* base_;
  int strip_rows_, pitch_;
};

/// Starts copies of kRows rows at a time, two threads to a row; zeros past the group's last row.
template <class Shape>
class PairCopy {
 public:
  static constexpr int kRows = PairTile::kThreads / 2;

  __device__ PairCopy(const PairParams& params, const PairBlock& block, const HalfPiece* rows, std::int64_t first_row)
      : rows_(rows),
        from_(rows + (block.first_row_of_group + first_row + thread_row()) * params.pieces + thread_piece()),
        rows_left_(block.rows - first_row - thread_row()),
        pairs_(static_cast<int>(params.pieces) / 2) {}

  __device__ void start(HalfPiece* to, int pitch) {
    const bool is_valid = rows_left_ > 0;
    const HalfPiece* const from = is_valid ? from_ : rows_;
    to += thread_row() * pitch + thread_piece();
    if constexpr (Shape::kSteps > 0) {
#pragma unroll
      for (int pair = 0; pair < Shape::kSteps; ++pair) ptx::cp_async_16(to + 2 * pair, from + 2 * pair, is_valid);
    } else {
#pragma unroll 1
      for (int pair = 0; pair < pairs_; ++pair) ptx::cp_async_16(to + 2 * pair, from + 2 * pair, is_valid);
    }
    from_ += 2 * kRows * pairs_;
    rows_left_ -= kRows;
  }

 private:
  __device__ static int thread_row() { return static_cast<int>(threadIdx.x) / 2; }
  __device__ static int thread_piece() { return static_cast<int>(threadIdx.x) % 2; }

  const HalfPiece *rows_, *from_;
  std::int64_t rows_left_;
  int pairs_;
};

template <class Shape>
__device__ void copy_strip(const PairParams& params, const PairBlock& block, const PairShared& shared) {
  PairCopy<Shape> copy(params, block, params.left, block.first_row);
  for (int first = 0; first < Shape::kStripRows; first += PairCopy<Shape>::kRows)
    copy.start(shared.left() + first * shared.pitch(), shared.pitch());
}

/// The copies of column tile after column tile, with their weights.
template <class Shape>
class PairColumnCopy {
 public:
  static_assert(PairTile::kColumns == PairCopy<Shape>::kRows, "a column tile is copied at once");

  __device__ PairColumnCopy(const PairParams& params, const PairBlock& block)
      : rows_(params, block, params.right, block.first_column(0)),
        all_weights_(params.weights),
        weights_(params.weights + block.first_row_of_group + block.first_column(0) + threadIdx.x),
        weights_left_(block.rows - block.first_column(0) - threadIdx.x) {}

  __device__ void start(const PairShared& shared, int stage) {
    rows_.start(shared.right(stage), shared.pitch());
    if (threadIdx.x >= PairTile::kColumns) return;
    const bool is_valid = weights_left_ > 0;
    ptx::cp_async_4(shared.weights(stage) + threadIdx.x, is_valid ? weights_ : all_weights_, is_valid);
    weights_ += PairTile::kColumns;
    weights_left_ -= PairTile::kColumns;
  }

 private:
  PairCopy<Shape> rows_;
  const float *all_weights_, *weights_;
  std::int64_t weights_left_;
};

/// A chunk of a column tile: where the lane's ldmatrix rows begin, and the lane's columns' weights.
template <class Shape>
struct PairChunk {
  const HalfPiece *left, *columns, *transposed;
  const float* weights;
  int pitch;

  __device__ PairChunk(const PairShared& shared, int stage, int first_column) : pitch(shared.pitch()) {
    const int lane = lane_index();
    left = shared.left() + (static_cast<int>(threadIdx.x) / 32 * 16 * Shape::kRowTiles + lane % 16) * pitch + lane / 16;
    columns = shared.right(stage) + (first_column + lane % 8 + lane / 16 * 8) * pitch + lane / 8 % 2;
    transposed = shared.right(stage) + (first_column + lane % 16) * pitch + lane / 16;
    weights = shared.weights(stage) + first_column + product_column(0);
  }
};

/// 16 numbers of the warp's rows, as A operands.
template <class Shape>
struct PairLeft {
  std::uint32_t values[Shape::kRowTiles][4];

  __device__ void load(const HalfPiece* left, int pitch, int step) {
#pragma unroll
    for (int m = 0; m < Shape::kRowTiles; ++m) ptx::ldmatrix_x4(values[m], left + m * 16 * pitch + 2 * step);
  }
};

/// The warp's rows where they fit registers.
template <class Shape>
struct PairStrip {
  PairLeft<Shape> steps[Shape::kHoldsStrip ? Shape::kSteps : 1];

  __device__ void load(const PairChunk<Shape>& chunk) {
#pragma unroll
    for (int step = 0; step < Shape::kSteps; ++step) steps[step].load(chunk.left, chunk.pitch, step);
  }
};

/// products += left rows x right rows over 16 numbers.
template <class Shape>
__device__ void multiply_step(const PairChunk<Shape>& chunk, const PairLeft<Shape>& left, int step,
                              PairRegisters<Shape>& products) {
#pragma unroll
  for (int n = 0; n < Shape::kColumnTiles; n += 2) {
    std::uint32_t right[4];
    ptx::ldmatrix_x4(right, chunk.columns + n * 8 * chunk.pitch + 2 * step);
#pragma unroll
    for (int m = 0; m < Shape::kRowTiles; ++m) {
      ptx::mma_m16n8k16(products.values[m][n], left.values[m], {right[0], right[1]});
      ptx::mma_m16n8k16(products.values[m][n + 1], left.values[m], {right[2], right[3]});
    }
  }
}

/// ... over steps [first, last).
template <class Shape>
__device__ void multiply_rows(const PairChunk<Shape>& chunk, int first, int last, PairRegisters<Shape>& products) {
#pragma unroll 1
  for (int step = first; step < last; ++step) {
    PairLeft<Shape> left;
    left.load(chunk.left, chunk.pitch, step);
    multiply_step(chunk, left, step, products);
  }
}

/// ... over all steps of a row of a known number of them.
template <class Shape>
__device__ void multiply_rows(const PairChunk<Shape>& chunk, const PairStrip<Shape>& strip,
                              PairRegisters<Shape>& products) {
#pragma unroll
  for (int step = 0; step < Shape::kSteps; ++step) {
    PairLeft<Shape> left;
    if (!Shape::kHoldsStrip) left.load(chunk.left, chunk.pitch, step);
    multiply_step(chunk, Shape::kHoldsStrip ? strip.steps[Shape::kHoldsStrip ? step : 0] : left, step, products);
  }
}

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

  /// Into the split's planes: the block's first sums are written, later ones added; then starts anew.
  __device__ void flush(const PairParams& params, const PairBlock& block, float factor, bool is_first) {
#pragma unroll
    for (int m = 0; m < Shape::kRowTiles; ++m)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const std::int64_t row = row_of_lane<Shape>(block, m, half);
        if (row >= block.rows) continue;
        const auto row_stride = static_cast<std::uint32_t>(params.rows);
        float* const planes = slope_planes(params, block, row);
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

/// Powers of two: products of rows are (A - B) / unit, columns' weights are multiplied by `weight`, and sums of slopes
/// and losses by what takes both off.
struct PairFactors {
  float unit, weight, slope, loss;
};

template <class Phi>
__device__ PairFactors pair_factors(const PairParams& params, const PairBlock& block) {
  const PairBounds bounds = params.bounds[block.group];
  const float unit = power_of_two(-kPairExponent - residual_exponent(bounds));
  const Phi phi(params.sums.penalty_param, unit);
  const int exponent = slope_exponent(bounds, phi.largest_slope(difference_bound(bounds) / unit));
  // The slope of the penalty by d is u^(kDegree - 1) of that by x.
  float slope = params.sums.factor * power_of_two(-kPairExponent - exponent), loss = power_of_two(-exponent);
#pragma unroll
  for (int k = 0; k < Phi::kDegree; ++k) {
    slope *= unit;
    loss *= unit;
  }
  return {unit, power_of_two(exponent), slope / unit, loss};
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

/// Pairs of a row with itself have A = B, and neither loss nor gradient: a product that rounding leaves there would be
/// all the gradient that rows of ties and of ones have.
template <class Shape>
__device__ void clear_diagonal(int first_column, PairRegisters<Shape>& products) {
  const int row = static_cast<int>(threadIdx.x) / 32 * 16 * Shape::kRowTiles + product_row(0);
  const int offset = first_column + product_column(0) - row;
  products.for_each([&](float& product, int m, int n, int e) {
    if (offset + 8 * n + e % 2 == 16 * m + e / 2 * 8) product = 0;
  });
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
  PairStrip<Shape> strip;
  PairSlopes<Shape> slopes;
  PairLoss<2 * Shape::kRowTiles> loss;
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
  products.clear();
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
  if constexpr (Shape::kOctets > 0) visit.slopes.add(chunk, slopes, octets);
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
  if constexpr (Shape::kOctets > 0)
    if (visit.block.ends_sums(tile))
      visit.slopes.flush(visit.params, visit.block, visit.factors.slope, visit.block.begins_sums(tile));
}

/// pair_kernel.  Computes: sum_ij w_i w_j phi(A_ij - B_ij) of a strip of rows i, and sum_j w_j phi' s_j of each
/// (math.md, eq. 11, 27), all pairs, i = j included; the loss takes each unordered pair of tiles once. Owns:
/// loss[group][strip][split], and the strip's slopes of its split.  Reads: the strip's rows once, all columns'. Order:
/// shapes alone decide. Products and slopes of 512 columns by tensor cores, then float32; losses of a column tile in
/// float32, then two floats, the block's in float64. Cost: per 16 x 16 pairs 2 mma per 16 numbers of a row and 2 per 8
/// classes (exact: 6), besides the penalties.
template <class Phi, class Shape>
__global__ void __launch_bounds__(PairTile::kThreads, Shape::kResidentBlocks) pair_kernel(const PairParams params) {
  follow_earlier_kernels();
  extern __shared__ HalfPiece pair_shared[];
  __shared__ PairLossStorage loss_storage;
  const PairShared shared(pair_shared, Shape::kStripRows, static_cast<int>(pair_pitch(params.pieces)));
  const PairBlock block = pair_block(params, Shape::kStripRows);
  const PairFactors factors = pair_factors<Phi>(params, block);
  PairVisit<Phi, Shape> visit{params,
                              block,
                              shared,
                              Phi(params.sums.penalty_param, factors.unit),
                              factors,
                              {},
                              {},
                              PairLoss<2 * Shape::kRowTiles>(params, block, [&](int r) { return row_of_lane<Shape>(block, r / 2, r % 2); })};
  visit.slopes.clear();
  copy_strip<Shape>(params, block, shared);
  PairColumnCopy<Shape> columns(params, block);
  if (block.num_tiles > 0) columns.start(shared, 0);
  ptx::cp_async_commit();
  for (int tile = 0; tile < block.num_tiles; ++tile) {
    if (tile + 1 < block.num_tiles) columns.start(shared, (tile + 1) % 2);
    ptx::cp_async_commit();   // empty after the last tile, so that the wait below always leaves one group
    ptx::cp_async_wait<1>();  // this thread's copies of this tile
    __syncthreads();          // all threads' copies of this tile before its reads
    visit_tile(visit, tile, tile % 2);
    __syncthreads();  // reads of this stage before the copies that overwrite it
  }
  ptx::cp_async_wait<0>();
  if (params.sums.wants_loss) visit.loss.write(params, loss_storage);
}

}  // namespace arloss::kernels

#endif

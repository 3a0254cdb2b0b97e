#ifndef ARLOSS_KERNELS_DIFFERENCE_KERNELS_CUH
#define ARLOSS_KERNELS_DIFFERENCE_KERNELS_CUH

#include "kernels/pair/pair_blocks.cuh"
#include "kernels/pair/pair_penalties.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

/// A thread has kRows rows x kRows columns of pairs at a time.
struct DifferenceTile {
  static constexpr int kThreads = 128;
  static constexpr int kStripRows = 64;
  static constexpr int kColumns = 32;  // at a time; two of them are a column tile
  static constexpr int kClasses = 16;  // in shared memory at once
  static constexpr int kRows = 4;
  static constexpr int kRowThreads = kStripRows / kRows;  // that share four columns
  static_assert(kRowThreads * (kColumns / kRows) == kThreads, "every thread has 16 pairs");
};

/// Two rows' worth of planes, some classes of them: rows i and columns j.
struct DifferencePlanes {
  float rows[DifferenceTile::kClasses][DifferenceTile::kStripRows];
  float columns[DifferenceTile::kClasses][DifferenceTile::kColumns];
};
struct DifferenceSharedStorage {
  union {
    DifferencePlanes planes[2];  // s and E, or u
    PairLossReduce<DifferenceTile::kThreads>::TempStorage loss;
  };
  /// An odd pitch: threads write four columns of a row, and read a row of columns.
  float slopes[DifferenceTile::kColumns][DifferenceTile::kStripRows + 1];
  float weights[DifferenceTile::kColumns];
  /// B^1 of every thread's own pairs, which registers have no room for.
  float finest[DifferenceTile::kRows * DifferenceTile::kRows][2][DifferenceTile::kThreads];
};
static_assert(sizeof(DifferenceSharedStorage) <= 48 * 1024, "static shared memory of every device");

using PairNumbers = float[DifferenceTile::kRows][DifferenceTile::kRows];

/// body(row, column) of the thread's 16 pairs.
template <class Body>
__device__ void for_each_pair(const Body& body) {
#pragma unroll
  for (int i = 0; i < DifferenceTile::kRows; ++i)
#pragma unroll
    for (int j = 0; j < DifferenceTile::kRows; ++j) body(i, j);
}
__device__ inline int first_row_of_thread() {
  return static_cast<int>(threadIdx.x) % DifferenceTile::kRowThreads * DifferenceTile::kRows;
}
__device__ inline int first_column_of_thread() {
  return static_cast<int>(threadIdx.x) / DifferenceTile::kRowThreads * DifferenceTile::kRows;
}

/// Copies classes of kCount neighbouring rows of a group to shared memory: where the thread's one lies.
template <int kCount>
class DifferenceCopy {
 public:
  __device__ DifferenceCopy(const DifferenceParams& params, const PairBlock& block, std::int64_t first_row)
      : offset_(first_row + row() < block.rows ? plane_offset(params, block, first_row + row()) : kAbsent) {}

  /// Classes [first_class, ...) of a set of planes, zeros past the last row and class.
  __device__ void run(const DifferenceParams& params, const float* planes, std::int64_t first_class,
                      float (&to)[DifferenceTile::kClasses][kCount]) const {
    for (int c = static_cast<int>(threadIdx.x) / kCount; c < DifferenceTile::kClasses;
         c += DifferenceTile::kThreads / kCount) {
      const bool is_present = offset_ != kAbsent && first_class + c < params.classes;
      to[c][row()] = is_present ? planes[offset_ + (first_class + c) * params.rows] : 0;
    }
  }

 private:
  static constexpr std::int64_t kAbsent = -1;
  __device__ static int row() { return static_cast<int>(threadIdx.x) % kCount; }

  std::int64_t offset_;
};
using DifferenceStripCopy = DifferenceCopy<DifferenceTile::kStripRows>;
using DifferenceColumnCopy = DifferenceCopy<DifferenceTile::kColumns>;

/// One thread block's pairs with kColumns columns.
struct DifferenceChunk {
  std::int64_t first_column;
  bool is_first, wants_loss;
  DifferenceStripCopy strip;
  DifferenceColumnCopy columns;
};

/// Calls body(class in shared memory) for every class of a strip's rows and a chunk's columns, of kSets sets of planes.
template <int kSets, class Body>
__device__ void for_each_class(const DifferenceParams& params, const DifferenceChunk& chunk,
                               const float* const (&planes)[kSets], DifferenceSharedStorage& storage,
                               const Body& body) {
  for (std::int64_t first = 0; first < params.classes; first += DifferenceTile::kClasses) {
    __syncthreads();  // reads of the classes before these
#pragma unroll
    for (int set = 0; set < kSets; ++set) {
      chunk.strip.run(params, planes[set], first, storage.planes[set].rows);
      chunk.columns.run(params, planes[set], first, storage.planes[set].columns);
    }
    __syncthreads();  // all threads' numbers before their reads
    const auto count = static_cast<int>(min(params.classes - first, std::int64_t{DifferenceTile::kClasses}));
    for (int c = 0; c < count; ++c) body(c);
  }
}

/// The four numbers of a thread's rows, or columns.
struct Four {
  float values[DifferenceTile::kRows];

  __device__ explicit Four(const float* from) {
#pragma unroll
    for (int k = 0; k < DifferenceTile::kRows; ++k) values[k] = from[k];
  }
};

/// Sums over the classes of a thread's pairs: A - B^1 = sum e (e / 2 - t), 2 (1 - A) = |t|^2 and A (math.md, eq. 23).
struct DifferenceSums {
  PairNumbers d, distance, a;

  __device__ void run(const DifferenceParams& params, const DifferenceChunk& chunk, DifferenceSharedStorage& storage) {
    for_each_pair([&](int i, int j) { d[i][j] = distance[i][j] = a[i][j] = 0; });
    for_each_class(params, chunk, {params.s, params.residual}, storage, [&](int c) {
      const Four s_i(storage.planes[0].rows[c] + first_row_of_thread());
      const Four s_j(storage.planes[0].columns[c] + first_column_of_thread());
      const Four e_i(storage.planes[1].rows[c] + first_row_of_thread());
      const Four e_j(storage.planes[1].columns[c] + first_column_of_thread());
      for_each_pair([&](int i, int j) {
        const float e = e_i.values[i] - e_j.values[j], t = s_i.values[i] - s_j.values[j];
        d[i][j] = fmaf(e, fmaf(0.5f, e, -t), d[i][j]);
        distance[i][j] = fmaf(t, t, distance[i][j]);
        a[i][j] = fmaf(s_i.values[i], s_j.values[j], a[i][j]);
      });
    });
  }
  __device__ Affinity<FloatOps> affinity(int i, int j) const { return {a[i][j], 0.5f * distance[i][j]}; }
};

/// B^k of a thread's pairs, with its complement |u_i - u_j|^2 / 2.
struct LabelSums {
  PairNumbers b, complement;

  __device__ void run(const DifferenceParams& params, const DifferenceChunk& chunk, int scale,
                      DifferenceSharedStorage& storage) {
    for_each_pair([&](int i, int j) { b[i][j] = complement[i][j] = 0; });
    const float* const u = params.u + scale * params.batch * params.classes * params.rows;
    for_each_class(params, chunk, {u}, storage, [&](int c) {
      const Four u_i(storage.planes[0].rows[c] + first_row_of_thread());
      const Four u_j(storage.planes[0].columns[c] + first_column_of_thread());
      for_each_pair([&](int i, int j) {
        const float t = u_i.values[i] - u_j.values[j];
        b[i][j] = fmaf(u_i.values[i], u_j.values[j], b[i][j]);
        complement[i][j] = fmaf(0.5f * t, t, complement[i][j]);
      });
    });
  }
  __device__ Affinity<FloatOps> of(int i, int j) const { return {b[i][j], complement[i][j]}; }
};

/// What the pairs are compared with after scale k: their blend so far, or B^k itself where each has a penalty of its
/// own (SEPARATE). `d` follows by differences of label affinities (math.md, eq. 6, 7 and 24).
class DifferenceTarget {
 public:
  LabelSums b;
  PairNumbers d;

  __device__ explicit DifferenceTarget(DifferenceSharedStorage& storage) : storage_(storage) {}

  /// `b` is B^1.
  __device__ void start(const DifferenceSums& sums, float omega) {
    for_each_pair([&](int i, int j) {
      store_finest(i, j, b.of(i, j));
      d[i][j] = settled_residual<FloatOps>(sums.d[i][j], sums.affinity(i, j), b.of(i, j));
      b.b[i][j] *= omega;
      b.complement[i][j] *= omega;
    });
  }
  __device__ void blend(const LabelSums& labels, float omega) {
    for_each_pair([&](int i, int j) {
      d[i][j] = fmaf(omega, affinity_difference<FloatOps>(finest(i, j), labels.of(i, j)), d[i][j]);
      b.b[i][j] = fmaf(omega, labels.b[i][j], b.b[i][j]);
      b.complement[i][j] = fmaf(omega, labels.complement[i][j], b.complement[i][j]);
    });
  }
  __device__ void replace(const DifferenceSums& sums, const LabelSums& labels) {
    for_each_pair([&](int i, int j) {
      d[i][j] = settled_residual<FloatOps>(sums.d[i][j], sums.affinity(i, j), finest(i, j)) +
                affinity_difference<FloatOps>(finest(i, j), labels.of(i, j));
    });
    b = labels;
  }

 private:
  __device__ void store_finest(int i, int j, const Affinity<FloatOps>& affinity) {
    auto& mine = storage_.finest[i * DifferenceTile::kRows + j];
    mine[0][threadIdx.x] = affinity.value;
    mine[1][threadIdx.x] = affinity.complement;
  }
  __device__ Affinity<FloatOps> finest(int i, int j) const {
    const auto& mine = storage_.finest[i * DifferenceTile::kRows + j];
    return {mine[0][threadIdx.x], mine[1][threadIdx.x]};
  }

  DifferenceSharedStorage& storage_;
};

/// Penalties of a thread's pairs, times omega: losses, and slopes to shared memory.
template <class Phi>
__device__ void penalise(const DifferenceParams& params, const PairBlock& block, const DifferenceChunk& chunk,
                         const DifferenceSums& sums, const DifferenceTarget& target, float omega, bool is_first,
                         PairLoss<DifferenceTile::kRows>& loss, DifferenceSharedStorage& storage) {
  const Phi phi(params.sums.penalty_param);
  const int row = first_row_of_thread(), column = first_column_of_thread();
  for_each_pair([&](int i, int j) {
    const Pair<FloatOps> pair{target.d[i][j], sums.affinity(i, j), target.b.of(i, j)};
    const Penalty<FloatOps> penalty = phi(pair);
    const bool is_self = block.first_row + row + i == chunk.first_column + column + j;
    const float weight = is_self ? 0 : omega * storage.weights[column + j];
    if (chunk.wants_loss) loss.add(i, weight, penalty.value);
    float& slope = storage.slopes[column + j][row + i];
    slope = fmaf(weight, penalty.slope, is_first ? 0 : slope);
  });
}

/// Adds slopes x s of the chunk's columns to the strip's planes; the block's first chunk writes them.
__device__ inline void add_slopes(const DifferenceParams& params, const PairBlock& block, const DifferenceChunk& chunk,
                                  DifferenceSharedStorage& storage) {
  constexpr int kShares = DifferenceTile::kThreads / DifferenceTile::kStripRows;
  constexpr int kClasses = DifferenceTile::kClasses / kShares;
  const int lane = static_cast<int>(threadIdx.x) % DifferenceTile::kStripRows;
  const int first_class = static_cast<int>(threadIdx.x) / DifferenceTile::kStripRows * kClasses;
  const std::int64_t row = block.first_row + lane;
  float* const planes = slope_planes(params, block, row < block.rows ? row : 0);
  for (std::int64_t first = 0; first < params.classes; first += DifferenceTile::kClasses) {
    __syncthreads();  // slopes before their reads, and reads of the classes before these
    chunk.columns.run(params, params.s, first, storage.planes[0].columns);
    __syncthreads();  // all threads' numbers before their reads
    float sums[kClasses] = {};
    for (int j = 0; j < DifferenceTile::kColumns; ++j)
#pragma unroll
      for (int c = 0; c < kClasses; ++c)
        sums[c] = fmaf(storage.slopes[j][lane], storage.planes[0].columns[first_class + c][j], sums[c]);
#pragma unroll
    for (int c = 0; c < kClasses; ++c) {
      const std::int64_t index = first + first_class + c;
      if (row >= block.rows || index >= params.classes) continue;
      float& sum = planes[index * params.rows];
      const float mine = params.sums.factor * sums[c];
      sum = chunk.is_first ? mine : sum + mine;
    }
  }
}

/// All pairs of the strip with a chunk of columns.
template <class Phi>
__device__ void visit_chunk(const DifferenceParams& params, const PairBlock& block, const DifferenceChunk& chunk,
                            PairLoss<DifferenceTile::kRows>& loss, DifferenceSharedStorage& storage) {
  __syncthreads();  // reads of the chunk before this one
  if (threadIdx.x < DifferenceTile::kColumns) {
    const std::int64_t column = chunk.first_column + threadIdx.x;
    storage.weights[threadIdx.x] = column < block.rows ? params.weights[block.first_row_of_group + column] : 0;
  }
  DifferenceSums sums;
  sums.run(params, chunk, storage);  // its barriers put the weights before their reads
  DifferenceTarget target(storage);
  target.b.run(params, chunk, 0, storage);
  target.start(sums, params.is_separate ? 1 : params.omega[0]);
#pragma unroll 1
  for (int k = 0; k < params.num_scales; ++k) {
    if (k > 0) {
      LabelSums labels;
      labels.run(params, chunk, k, storage);
      params.is_separate ? target.replace(sums, labels) : target.blend(labels, params.omega[k]);
    }
    if (params.is_separate || k + 1 == params.num_scales)
      penalise<Phi>(params, block, chunk, sums, target, params.is_separate ? params.omega[k] : 1,
                    k == 0 || !params.is_separate, loss, storage);
  }
  if (params.sums.slopes != nullptr) add_slopes(params, block, chunk, storage);
}

/// difference_kernel.  Computes: what the pair kernel does (pair_kernels.cuh), in float32 from planes: for penalties
/// that are steep where A or 1 - A is small, and rows too long for shared memory.
/// Owns: loss[group][strip][split], and the strip's slopes of its split.
/// Reads: the strip's planes once per 32 columns.
/// Order: shapes alone decide. Losses of a column tile in float32, then two floats, the block's in float64; slopes of
/// 32 columns, then those sums, in float32.
/// Cost: per pair and class 6 instructions, 4 per scale of labels and 1 for the slopes.
template <class Phi>
__global__ void __launch_bounds__(DifferenceTile::kThreads, 2) difference_kernel(const DifferenceParams params) {
  follow_earlier_kernels();
  __shared__ DifferenceSharedStorage storage;
  const PairBlock block = pair_block(params, DifferenceTile::kStripRows);
  PairLoss<DifferenceTile::kRows> loss(params, block,
                                       [&](int r) { return block.first_row + first_row_of_thread() + r; });
  const DifferenceStripCopy strip(params, block, block.first_row);
  for (int tile = 0; tile < block.num_tiles; ++tile) {
    const int loss_factor = params.sums.wants_loss ? block.loss_factor(tile) : 0;
    for (int first = 0; first < PairTile::kColumns; first += DifferenceTile::kColumns) {
      const std::int64_t first_column = block.first_column(tile) + first;
      const DifferenceColumnCopy columns(params, block, first_column);
      visit_chunk<Phi>(params, block, {first_column, tile == 0 && first == 0, loss_factor > 0, strip, columns}, loss,
                       storage);
    }
    if (loss_factor > 0) loss.end_tile(static_cast<float>(loss_factor));
  }
  __syncthreads();  // reads of planes before the loss takes their place
  if (params.sums.wants_loss) loss.write<DifferenceTile::kThreads>(params.sums.losses, storage.loss);
}

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_WIDE_SUMS_KERNELS_CUH
#define ARLOSS_KERNELS_WIDE_SUMS_KERNELS_CUH

#include "kernels/fused/fused_labels.cuh"
#include "kernels/fused/wide_rows.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

/// The labels that occur in a tile, numbered in ascending order.
struct WideLabelSet {
  static constexpr int kWords = kMaxWideClasses / 32;
  std::uint32_t words[kWords];

  __device__ void add(std::int32_t label) { atomicOr(&words[label / 32], 1u << label % 32); }
  __device__ bool has(int label) const { return words[label / 32] >> label % 32 & 1; }
  __device__ int rank(std::int32_t label) const {
    int rank = __popc(words[label / 32] & ((1u << label % 32) - 1));
    for (int word = 0; word < label / 32; ++word) rank += __popc(words[word]);
    return rank;
  }
  __device__ int size() const {
    int size = 0;
#pragma unroll
    for (const std::uint32_t word : words) size += __popc(word);
    return size;
  }
};

template <int kSquares>
struct WideSumsStorage {
  static constexpr int kLabelRows = 16;  // of one pass: M of mma.m16n8k16
  union {
    WideRows<kSquares> rows;
    float staged[staged_floats(WideTile<kSquares>::kCells, WideTile<kSquares>::kClasses)];
  };
  HalfPiece labels[kLabelRows][WideTile<kSquares>::kPitch];
  WideExchange exchange;
  WideLabelSet sets[2];  // of this tile and of the one before, which some warps still read
  std::uint8_t label_of_rank[kMaxWideClasses];
};

/// A warp's share of P: every eighth of the squares of 32 x 32 classes on and above the diagonal. E went in times
/// 2^exponent, which only ever falls.
template <int kSquares>
struct WideProducts {
  static constexpr int kCount = kSquares * (kSquares + 1) / 2;
  static constexpr int kWarps = WideTile<kSquares>::kWarps;
  static constexpr int kOwned = (kCount - 1) / kWarps + 1;

  float p[kOwned][2][4][4];
  int exponent;

  /// Whose rows of squares hold kSquares, kSquares - 1, ... of them.
  struct Place {
    int row, column;
    bool is_present;
  };
  __device__ static Place place(int owned) {
    int index = owned * kWarps + static_cast<int>(threadIdx.x / 32), row = 0;
    const bool is_present = index < kCount;
    while (is_present && index >= kSquares - row) index -= kSquares - row++;
    return {row, row + index, is_present};
  }

  __device__ void clear() {
    for_each([](float& value) { value = 0; });
  }
  /// Tiles whose |E|^2 w is at most this come next.
  __device__ void admit(float square) {
    const int next = half_exponent(square);
    if (next >= exponent) return;
    const float factor = power_of_two(next - exponent);
    for_each([&](float& value) { value = value * factor * factor; });
    exponent = next;
  }

 private:
  template <class Body>
  __device__ void for_each(const Body& body) {
#pragma unroll
    for (int owned = 0; owned < kOwned; ++owned)
#pragma unroll
      for (int m = 0; m < 2; ++m)
#pragma unroll
        for (int n = 0; n < 4; ++n)
#pragma unroll
          for (int e = 0; e < 4; ++e) body(p[owned][m][n][e]);
  }
};

/// P += E'E of the tile, this warp's squares; the product of two remainders, 2^-22 of the whole, is left out.
template <int kSquares>
__device__ void multiply_squares(const WideRows<kSquares>& rows, WideProducts<kSquares>& products) {
  using Products = WideProducts<kSquares>;
#pragma unroll
  for (int owned = 0; owned < Products::kOwned; ++owned) {
    const typename Products::Place place = Products::place(owned);
    if (!place.is_present) break;
#pragma unroll 1
    for (int k = 0; k < WideTile<kSquares>::kSteps; ++k) {
      std::uint32_t leading[2][4], remainder[2][4];
#pragma unroll
      for (int m = 0; m < 2; ++m) {
        load_rows(rows.leading + 32 * place.row + 16 * m, 2 * k, leading[m]);
        load_rows(rows.remainder + 32 * place.row + 16 * m, 2 * k, remainder[m]);
      }
#pragma unroll
      for (int panel = 0; panel < 2; ++panel) {
        std::uint32_t leading_columns[2][2], remainder_columns[2][2];
        load_matrix_columns(rows.leading + 32 * place.column + 16 * panel, 2 * k, leading_columns);
        load_matrix_columns(rows.remainder + 32 * place.column + 16 * panel, 2 * k, remainder_columns);
#pragma unroll
        for (int m = 0; m < 2; ++m)
#pragma unroll
          for (int o = 0; o < 2; ++o) {
            float(&product)[4] = products.p[owned][m][2 * panel + o];
            ptx::mma_m16n8k16(product, remainder[m], leading_columns[o]);
            ptx::mma_m16n8k16(product, leading[m], remainder_columns[o]);
            ptx::mma_m16n8k16(product, leading[m], leading_columns[o]);
          }
      }
    }
  }
}

/// The warp's squares into the block's P, or onto it, and cleared.
template <int kSquares>
__device__ void flush_squares(const FusedSumsParams& params, bool is_first, WideProducts<kSquares>& products) {
  using Products = WideProducts<kSquares>;
  const std::int64_t classes = params.layout.classes;
  float* const p = params.p + std::int64_t{blockIdx.x} * params.stride;
  const float unscale = power_of_two(-products.exponent);
#pragma unroll
  for (int owned = 0; owned < Products::kOwned; ++owned) {
    const typename Products::Place place = Products::place(owned);
    if (!place.is_present) break;
#pragma unroll
    for (int m = 0; m < 2; ++m)
#pragma unroll
      for (int n = 0; n < 4; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const std::int64_t c = 32 * place.row + 16 * m + product_row(e);
          const std::int64_t d = 32 * place.column + 8 * n + product_column(e);
          if (c > d || d >= classes) continue;
          float& sum = p[c * classes + d];
          sum = (is_first ? 0 : sum) + products.p[owned][m][n][e] * unscale * unscale;
        }
  }
  products.clear();
}

/// Thread's cell: its label row, those ranked first_rank to first_rank + 15, into the label rows. Returns whether the
/// halves leave anything.
template <int kSquares>
__device__ bool store_labels(const FusedLabels& labels, const WideLabelSet& set, int cell, float factor, int first_rank,
                             bool is_remainder, WideSumsStorage<kSquares>& storage) {
  bool has_remainder = false;
  labels.for_each([&](std::int32_t label, float value) {
    const int row = set.rank(label) - first_rank;
    if (row < 0 || row >= WideSumsStorage<kSquares>::kLabelRows) return;
    value *= factor;
    has_remainder |= remainder_of(value) != 0;
    half_at(storage.labels, row, position_of_cell(cell)) = __float2half_rn(is_remainder ? remainder_of(value) : value);
  });
  return has_remainder;
}

template <int kSquares>
__device__ void clear_labels(WideSumsStorage<kSquares>& storage) {
  constexpr int kPitch = WideTile<kSquares>::kPitch;
  for (int piece = static_cast<int>(threadIdx.x); piece < WideSumsStorage<kSquares>::kLabelRows * kPitch;
       piece += WideTile<kSquares>::kThreads)
    storage.labels[piece / kPitch][piece % kPitch] = HalfPiece{};
}

/// Adds labels'E of one pass to the block's Q: a warp takes every eighth panel of 16 classes, and no other thread adds
/// to its elements.
template <int kSquares>
__device__ void add_label_products(const FusedSumsParams& params, const WideSumsStorage<kSquares>& storage,
                                   int first_rank, int num_ranks, bool is_remainder, float unscale) {
  using Tile = WideTile<kSquares>;
  const std::int64_t classes = params.layout.classes;
  float* const q = params.q + std::int64_t{blockIdx.x} * params.stride;
  for (int panel = static_cast<int>(threadIdx.x / 32); panel < 2 * kSquares; panel += Tile::kWarps) {
    float products[2][4] = {};
#pragma unroll
    for (int k = 0; k < Tile::kSteps; ++k) {
      std::uint32_t labels[4], leading[2][2], remainder[2][2];
      load_rows(storage.labels, 2 * k, labels);
      load_matrix_columns(storage.rows.leading + 16 * panel, 2 * k, leading);
      load_matrix_columns(storage.rows.remainder + 16 * panel, 2 * k, remainder);
#pragma unroll
      for (int o = 0; o < 2; ++o) {
        if (!is_remainder) ptx::mma_m16n8k16(products[o], labels, remainder[o]);
        ptx::mma_m16n8k16(products[o], labels, leading[o]);
      }
    }
#pragma unroll
    for (int o = 0; o < 2; ++o)
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int rank = first_rank + product_row(e);
        const std::int64_t d = 16 * panel + 8 * o + product_column(e);
        if (rank < num_ranks && d < classes) q[storage.label_of_rank[rank] * classes + d] += products[o][e] * unscale;
      }
  }
}

/// Q += labels'E of the tile, 16 of its labels at a time; their leading halves of the first 16 are already there.
template <int kSquares>
__device__ void multiply_labels(const FusedSumsParams& params, const FusedLabels& labels, const WideLabelSet& set,
                                int cell, float factor, bool has_remainder, float unscale,
                                WideSumsStorage<kSquares>& storage) {
  const int num_ranks = set.size();
  for (int first_rank = 0; first_rank < num_ranks; first_rank += WideSumsStorage<kSquares>::kLabelRows) {
    if (first_rank > 0) {
      __syncthreads();  // the labels before are read before they are cleared
      clear_labels(storage);
      __syncthreads();  // ... and cleared before others are written
      bool mine = false;
      if (factor != 0) mine = store_labels(labels, set, cell, factor, first_rank, false, storage);
      has_remainder = __syncthreads_or(mine);  // labels before they are read
    }
    add_label_products(params, storage, first_rank, num_ranks, false, unscale);
    if (!has_remainder) continue;
    __syncthreads();  // leading halves are read before remainders take their place
    if (factor != 0) store_labels(labels, set, cell, factor, first_rank, true, storage);
    __syncthreads();  // remainders before they are read
    add_label_products(params, storage, first_rank, num_ranks, true, unscale);
  }
}

/// Largest |E|^2 w of the tile, the same in every warp.
__device__ inline float largest_square(const WideTask& task, const WideExchange& exchange) {
  const int lane = lane_index();
  const float a = exchange.square[lane] * task.weight(lane), b = exchange.square[lane + 32] * task.weight(lane + 32);
  const std::uint32_t larger = __float_as_uint(a) > __float_as_uint(b) ? __float_as_uint(a) : __float_as_uint(b);
  return __uint_as_float(__reduce_max_sync(~0u, larger));
}

/// One tile of 64 cells: its rows into shared memory, their products onto P and Q.
template <class Logit, int kSquares>
__device__ void add_tile(const FusedSumsParams& params, const WideTask& task, int parity,
                         WideSumsStorage<kSquares>& storage, WideProducts<kSquares>& products) {
  const auto thread = static_cast<int>(threadIdx.x);
  const bool has_cell = thread < WideTile<kSquares>::kCells;
  const int cell = has_cell ? thread : 0;
  WideLabelSet& set = storage.sets[parity];
  WideLane<Logit, kSquares> lane;
  is_staged(task.layout) ? lane.load(task, storage.staged) : lane.load(task);
  task.prefetch_next<Logit>();
  lane.exponentiate(task, storage.exchange);
  __syncthreads();  // the warps' sums before they are joined; the tile before is done with

  WideCell<Logit> whole(task, cell);
  const FusedLabels labels(params, task.image, task.cell(cell));
  const float factor = has_cell ? root_of_weight(whole.weight()) * kLabelScale : 0;
  if (has_cell) whole.join(storage.exchange);
  if (factor != 0) labels.for_each([&](std::int32_t label, float) { set.add(label); });
  if (thread < WideLabelSet::kWords) storage.sets[parity ^ 1].words[thread] = 0;
  clear_labels(storage);
  const bool has_mixed = __syncthreads_or(has_cell && whole.is_mixed());  // norms and labels before they are read

  products.admit(largest_square(task, storage.exchange));
  const float scale = power_of_two(products.exponent);
  lane.normalise(storage.exchange);
  const int l = lane_index();
  lane.store(task, storage.exchange,
             {root_of_weight(task.weight(l)) * scale, root_of_weight(task.weight(l + 32)) * scale}, storage.rows);
  if (has_mixed) {
    __syncthreads();  // whole rows before their labelled classes
    if (has_cell && whole.is_mixed()) whole.store(root_of_weight(whole.weight()) * scale, storage.rows);
  }
  if (thread < kMaxWideClasses && set.has(thread))
    storage.label_of_rank[set.rank(thread)] = static_cast<std::uint8_t>(thread);
  bool mine = false;
  if (factor != 0) mine = store_labels(labels, set, cell, factor, 0, false, storage);
  const bool has_remainder = __syncthreads_or(mine);  // rows and labels before the products

  if (params.p != nullptr) multiply_squares(storage.rows, products);
  multiply_labels(params, labels, set, cell, factor, has_remainder, power_of_two(-products.exponent) / kLabelScale,
                  storage);
}

/// Has the tile a cell with labels? Differences of scales are 0 inside every region of one class.
template <int kSquares>
__device__ bool has_labels(const FusedSumsParams& params, const WideTask& task) {
  if (params.coarser.codes == nullptr) return true;
  const auto thread = static_cast<int>(threadIdx.x);
  return __syncthreads_or(thread < WideTile<kSquares>::kCells && task.weight(thread) != 0 &&
                          !FusedLabels(params, task.image, task.cell(thread)).is_zero());
}

__device__ inline void clear_matrix(float* matrix, std::int64_t classes) {
  for (std::int64_t index = threadIdx.x; index < classes * classes; index += blockDim.x) matrix[index] = 0;
}

/// wide_sums_kernel.  Computes: P and Q_1, or D_k, of one split's cells from their logits (math.md, eq. 13), products
/// on tensor cores, float32 accuracy.
/// Owns: the matrices of one split.  Reads: its logits once.
/// Order: 1024 cells in order in float32, then those sums; Q by tiles of 64 cells.
/// Cost: 3 mma for each 16 cells x 16 classes x 8 on half the classes, 2 for each 16 labels of a tile.
template <class Logit, int kSquares>
__global__ void __launch_bounds__(WideTile<kSquares>::kThreads, 1) wide_sums_kernel(const FusedSumsParams params) {
  follow_earlier_kernels();
  /// Cells in one chain of products: tensor cores truncate each addition; 1024 of one sign cost 5e-6.
  constexpr int kChain = 1024;
  using Tile = WideTile<kSquares>;
  extern __shared__ __align__(16) unsigned char memory[];
  auto& storage = *reinterpret_cast<WideSumsStorage<kSquares>*>(memory);
  WideTask task = wide_task(params.logits, params.layout, params.finest, params.weights);
  clear_matrix(params.q + std::int64_t{blockIdx.x} * params.stride, params.layout.classes);
  if (threadIdx.x < WideLabelSet::kWords) storage.sets[0].words[threadIdx.x] = 0;
  __syncthreads();  // Q and the first tile's label set before they are added to
  WideProducts<kSquares> products;
  products.clear();
  products.exponent = half_exponent(0);
  bool is_first = true;
  int parity = 0, pending = 0;
  for (; task.first < task.end; task.first += Tile::kCells) {
    if (!has_labels<kSquares>(params, task)) continue;
    add_tile<Logit>(params, task, parity, storage, products);
    parity ^= 1;
    pending += Tile::kCells;
    if (params.p == nullptr || (pending < kChain && task.first + Tile::kCells < task.end)) continue;
    flush_squares(params, is_first, products);
    is_first = false;
    pending = 0;
  }
}

}  // namespace arloss::kernels

#endif

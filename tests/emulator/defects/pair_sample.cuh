#ifndef ARLOSS_TESTS_EMULATOR_DEFECTS_PAIR_SAMPLE_CUH
#define ARLOSS_TESTS_EMULATOR_DEFECTS_PAIR_SAMPLE_CUH

#include <cuda_fp16.h>

#include <cstddef>
#include <cub/block/block_reduce.cuh>

#include "defects/sample_ptx.cuh"

/// Sample kernels: the sum over all pairs of pixels of |<s_i, s_j> - [y_i = y_j]|, in tiles of 64 x 64 on tensor cores
/// with double-buffered copies, and its total by the last block to finish.
namespace emulator::defects {

template <Defect kDefect>
struct PairShape {
  static constexpr int kThreads = 128, kWarps = kThreads / 32, kTile = 64, kDepth = 32, kTotalThreads = 256;
  /// Halves from row to row. 40 keep rows 16-byte aligned, as cp.async and ldmatrix need them.
  static constexpr int kStride = kDefect == Defect::kRowsNotAligned ? kDepth + 4 : kDepth + 8;
  static constexpr int kTileElements = kTile * kStride;
  static constexpr std::size_t kRowBytes = 3 * kTileElements * sizeof(__half), kLabelBytes = 3 * kTile * sizeof(int);
  static constexpr std::size_t kSharedBytes = kRowBytes + kLabelBytes;
};

/// Rows s = sqrt(softmax) of all pixels in float16: [num_pixels][32], zeros past the last class.
__global__ void embed_kernel(const float* logits, int num_classes, int num_pixels, __half* rows) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= num_pixels) return;
  float largest = -INFINITY, sum = 0;
  for (int c = 0; c < num_classes; ++c) largest = fmaxf(largest, logits[c * num_pixels + i]);
  for (int c = 0; c < num_classes; ++c) sum += __expf(logits[c * num_pixels + i] - largest);
  constexpr int kDepth = PairShape<Defect::kNone>::kDepth;
  for (int c = 0; c < kDepth; ++c) {
    const float root = c < num_classes ? sqrtf(__expf(logits[c * num_pixels + i] - largest) / sum) : 0;
    rows[i * kDepth + c] = __float2half_rn(root);
  }
}

/// One buffer of a tile: rows by cp.async, labels by plain stores; -1 past the last pixel.
template <Defect kDefect>
__device__ void load_tile(__half* to, int* labels_to, const __half* rows, const int* labels, int first,
                          int num_pixels) {
  using Shape = PairShape<kDefect>;
  constexpr int kPieces = Shape::kDepth / 8;  // of 16 bytes, in a row
  const int thread = static_cast<int>(threadIdx.x);
  for (int e = thread; e < Shape::kTile * kPieces; e += Shape::kThreads) {
    const int r = e / kPieces, column = e % kPieces * 8;
    const bool is_inside = first + r < num_pixels;
    copy_async(to + r * Shape::kStride + column, rows + (is_inside ? first + r : 0) * Shape::kDepth + column,
               is_inside);
  }
  if (thread < Shape::kTile) labels_to[thread] = first + thread < num_pixels ? labels[first + thread] : -1;
}

/// This lane's part of the sum over one 16 x 8 block of pairs.
template <Defect kDefect>
__device__ float sum_block(const float (&products)[4], const int* row_labels, const int* column_labels, int num_rows,
                           int num_columns) {
  const int group = static_cast<int>(threadIdx.x) % 32 / 4, t = static_cast<int>(threadIdx.x) % 4;
  float sum = 0;
  for (int e = 0; e < 4; ++e) {
    const int row = group + e / 2 * 8;
    const int column = kDefect == Defect::kWrongAccumulatorLayout ? t + e % 2 * 4 : t * 2 + e % 2;
    if (row >= num_rows || column >= num_columns) continue;
    sum += fabsf(products[e] - (row_labels[row] == column_labels[column] ? 1.0f : 0.0f));
  }
  return sum;
}

/// This lane's part of the sum over one tile. The warp owns 16 of its rows.
template <Defect kDefect>
__device__ float sum_tile(const __half* row_tile, const __half* column_tile, const int* row_labels,
                          const int* column_labels, int num_rows, int num_columns) {
  using Shape = PairShape<kDefect>;
  constexpr int kSteps = Shape::kDepth / 16;
  const int lane = static_cast<int>(threadIdx.x) % 32, first_row = static_cast<int>(threadIdx.x) / 32 * 16;
  std::uint32_t a[kSteps][4], b[2];
  for (int k = 0; k < kSteps; ++k)
    load_matrices(a[k], row_tile + (first_row + lane % 16) * Shape::kStride + k * 16 + lane / 16 * 8);
  float sum = 0;
  for (int n = 0; n < Shape::kTile; n += 8) {
    float products[4] = {};
    for (int k = 0; k < kSteps; ++k) {
      load_matrices<kDefect>(b, column_tile + (n + lane % 8) * Shape::kStride + k * 16 + lane / 8 % 2 * 8);
      multiply_tile<kDefect>(products, a[k], b);
    }
    sum +=
        sum_block<kDefect>(products, row_labels + first_row, column_labels + n, num_rows - first_row, num_columns - n);
  }
  return sum;
}

template <Defect kDefect>
__device__ float sum_warp(float sum) {
  if (kDefect == Defect::kShuffleInDivergentBranch && sum == 0) return sum;
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xFFFFFFFF, sum, step);
  return sum;
}

/// The sum of all warps' sums, in lane 0 of warp 0.
template <Defect kDefect>
__device__ float sum_block_of_warps(float (&sums)[PairShape<kDefect>::kWarps], float sum) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  if (lane == 0) sums[warp] = sum;
  if (kDefect != Defect::kNoBarrierBeforeWarpSums) __syncthreads();  // every warp's sum is written before warp 0 reads
  if (warp != 0) return 0;
  for (int step = PairShape<kDefect>::kWarps / 2; step > 0; step /= 2) {
    if (lane < step) sums[lane] += sums[lane + step];
    if (kDefect != Defect::kNoWarpBarrierInExchange) __syncwarp();  // this level is written before the next reads it
  }
  return sums[0];
}

/// grid: (row tiles, splits of the column tiles). partials: [gridDim.y][gridDim.x].
template <Defect kDefect>
__global__ void __launch_bounds__(PairShape<kDefect>::kThreads)
    pair_partial_kernel(const __half* rows, const int* labels, int num_pixels, float* partials) {
  using Shape = PairShape<kDefect>;
  extern __shared__ __align__(16) unsigned char dynamic[];
  __shared__ float warp_sums[Shape::kWarps];
  __half* const row_tile = reinterpret_cast<__half*>(dynamic);
  __half* const column_tiles = row_tile + Shape::kTileElements;  // two buffers
  int* const row_labels = reinterpret_cast<int*>(dynamic + Shape::kRowBytes);
  int* const column_labels = row_labels + Shape::kTile;  // two buffers

  const int first_row = static_cast<int>(blockIdx.x) * Shape::kTile;
  const int num_tiles = (num_pixels + Shape::kTile - 1) / Shape::kTile, stride = static_cast<int>(gridDim.y);
  const auto load_columns = [&](int tile, int buffer) {
    if (tile < num_tiles)
      load_tile<kDefect>(column_tiles + buffer * Shape::kTileElements, column_labels + buffer * Shape::kTile, rows,
                         labels, tile * Shape::kTile, num_pixels);
    commit_copies();
  };

  load_tile<kDefect>(row_tile, row_labels, rows, labels, first_row, num_pixels);
  load_columns(static_cast<int>(blockIdx.y), 0);
  float sum = 0;
  int buffer = 0;
  for (int tile = static_cast<int>(blockIdx.y); tile < num_tiles; tile += stride, buffer ^= 1) {
    load_columns(tile + stride, buffer ^ 1);
    wait_copies<kDefect == Defect::kWaitLeavesGroupInFlight ? 2 : 1>();
    __syncthreads();  // every thread's copies of this tile have landed before any warp reads them
    sum += sum_tile<kDefect>(row_tile, column_tiles + buffer * Shape::kTileElements, row_labels,
                             column_labels + buffer * Shape::kTile, num_pixels - first_row,
                             num_pixels - tile * Shape::kTile);
    // Every warp has read this buffer before the next prefetch overwrites it.
    if (kDefect != Defect::kBufferOverwrittenEarly) __syncthreads();
  }
  wait_copies<0>();  // a block without a column tile has loaded rows all the same
  sum = sum_block_of_warps<kDefect>(warp_sums, sum_warp<kDefect>(sum));
  if (threadIdx.x == 0) partials[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

/// The total in float64, in the order of the blocks, by whichever block draws the last ticket; which it hands back.
template <Defect kDefect>
__global__ void __launch_bounds__(PairShape<kDefect>::kTotalThreads)
    pair_total_kernel(const float* partials, int num_partials, double* block_sums, unsigned* ticket, double* total) {
  constexpr int kThreads = PairShape<kDefect>::kTotalThreads;
  using Reduce = cub::BlockReduce<double, kThreads>;
  __shared__ typename Reduce::TempStorage storage;
  double value = 0;
  for (int i = static_cast<int>(blockIdx.x * kThreads + threadIdx.x); i < num_partials;
       i += static_cast<int>(gridDim.x) * kThreads)
    value += partials[i];
  value = Reduce(storage).Sum(value);
  if (threadIdx.x != 0) return;
  block_sums[blockIdx.x] = value;
  if (kDefect != Defect::kNoFenceBeforeTicket) __threadfence();  // the sum is written before its ticket is drawn
  if (atomicAdd(ticket, 1u) != gridDim.x - 1) return;
  __threadfence();  // the last ticket is drawn before the other blocks' sums are read
  double sum = 0;
  for (unsigned b = 0; b < gridDim.x; ++b) sum += block_sums[b];
  *total = sum;
  *ticket = 0;
}

}  // namespace emulator::defects

#endif

#ifndef ARLOSS_TESTS_EMULATOR_DEFECTS_GRAM_SAMPLE_CUH
#define ARLOSS_TESTS_EMULATOR_DEFECTS_GRAM_SAMPLE_CUH

#include <cub/block/block_reduce.cuh>

#include "defects/defect.h"

/// Sample kernels: the Gram matrix of the roots of softmaxes, as partial sums per block and their totals. Every
/// statement that names a Defect is right without it.
namespace emulator::defects {

struct GramShape {
  static constexpr int kThreads = 256, kChunk = 64, kMaxClasses = 32;
  static constexpr int kThreadsPerPixel = kThreads / kChunk;
  static constexpr int kEntriesPerThread = kMaxClasses * kMaxClasses / kThreads;
  static constexpr int kTotalThreads = 128;
};

/// [class][pixel of the chunk]; the odd stride spreads a column over the banks.
using GramRows = float[GramShape::kMaxClasses][GramShape::kChunk + 1];

template <Defect kDefect>
__device__ void load_chunk(GramRows& rows, const float* logits, int num_classes, int num_pixels, int first) {
  for (int e = static_cast<int>(threadIdx.x); e < num_classes * GramShape::kChunk; e += GramShape::kThreads) {
    const int c = e / GramShape::kChunk, x = e % GramShape::kChunk;
    const int end = kDefect == Defect::kGlobalReadOffByOne ? num_pixels + 1 : num_pixels;
    if (first + x < end)
      rows[c][x] = logits[c * num_pixels + first + x];
    else if (kDefect != Defect::kTailNotWritten)
      rows[c][x] = 0;
  }
}

/// sqrt(softmax) in place; pixels past the end become zero. Four neighbouring lanes share a pixel.
template <Defect kDefect>
__device__ void softmax_chunk(GramRows& rows, int num_classes, bool is_pixel) {
  const int x = static_cast<int>(threadIdx.x) / GramShape::kThreadsPerPixel;
  const int part = static_cast<int>(threadIdx.x) % GramShape::kThreadsPerPixel;
  const int end = kDefect == Defect::kSharedRowOutOfRange ? num_classes + 1 : num_classes;
  float largest = -INFINITY, sum = 0;
  for (int c = part; c < end; c += GramShape::kThreadsPerPixel) largest = fmaxf(largest, rows[c][x]);
  for (int step = 1; step < GramShape::kThreadsPerPixel; step *= 2)
    largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFF, largest, step));
  for (int c = part; c < num_classes; c += GramShape::kThreadsPerPixel) sum += __expf(rows[c][x] - largest);
  for (int step = 1; step < GramShape::kThreadsPerPixel; step *= 2) sum += __shfl_xor_sync(0xFFFFFFFF, sum, step);

  if constexpr (kDefect == Defect::kBarrierInDivergentBranches) {
    if (is_pixel) {
      for (int c = part; c < num_classes; c += GramShape::kThreadsPerPixel)
        rows[c][x] = sqrtf(__expf(rows[c][x] - largest) / sum);
      __syncthreads();
    } else {
      for (int c = part; c < num_classes; c += GramShape::kThreadsPerPixel) rows[c][x] = 0;
      __syncthreads();
    }
  } else {
    for (int c = part; c < num_classes; c += GramShape::kThreadsPerPixel)
      rows[c][x] = is_pixel ? sqrtf(__expf(rows[c][x] - largest) / sum) : 0;
    __syncthreads();  // the roots are written before any entry of the Gram matrix reads them
  }
}

/// Adds the chunk's products to this thread's entries of the Gram matrix.
__device__ inline void add_products(float (&sums)[GramShape::kEntriesPerThread], const GramRows& rows,
                                    int num_classes) {
  for (int k = 0; k < GramShape::kEntriesPerThread; ++k) {
    const int entry = static_cast<int>(threadIdx.x) + k * GramShape::kThreads;
    if (entry >= num_classes * num_classes) continue;
    const float* const a = rows[entry / num_classes];
    const float* const b = rows[entry % num_classes];
    float sum = 0;
    for (int x = 0; x < GramShape::kChunk; ++x) sum = fmaf(a[x], b[x], sum);
    sums[k] += sum;
  }
}

/// partials: [gridDim.x][num_classes * num_classes].
template <Defect kDefect>
__device__ void store_partials(float* partials, const float (&sums)[GramShape::kEntriesPerThread], int num_entries) {
  const int block = kDefect == Defect::kOneSlotForAllBlocks ? 0 : static_cast<int>(blockIdx.x);
  for (int k = 0; k < GramShape::kEntriesPerThread; ++k) {
    const int entry = static_cast<int>(threadIdx.x) + k * GramShape::kThreads;
    if (entry >= num_entries) continue;
    if constexpr (kDefect == Defect::kFloatAtomicSum)
      atomicAdd(&partials[entry], sums[k]);
    else
      partials[block * num_entries + entry] = sums[k];
  }
}

/// logits: [num_classes][num_pixels].
template <Defect kDefect>
__global__ void __launch_bounds__(GramShape::kThreads)
    gram_partial_kernel(const float* logits, int num_classes, int num_pixels, float* partials) {
  __shared__ GramRows rows;
  float sums[GramShape::kEntriesPerThread] = {};
  if (kDefect == Defect::kReturnBeforeBarrier && static_cast<int>(threadIdx.x) >= num_classes * num_classes) return;
  const int stride = static_cast<int>(gridDim.x) * GramShape::kChunk;
  for (int first = static_cast<int>(blockIdx.x) * GramShape::kChunk; first < num_pixels; first += stride) {
    load_chunk<kDefect>(rows, logits, num_classes, num_pixels, first);
    if (kDefect != Defect::kNoBarrierAfterLoad) __syncthreads();  // the logits are written before a softmax reads them
    const int pixel = first + static_cast<int>(threadIdx.x) / GramShape::kThreadsPerPixel;
    softmax_chunk<kDefect>(rows, num_classes, pixel < num_pixels);
    add_products(sums, rows, num_classes);
    // The products have read the roots before the next chunk overwrites them.
    if (kDefect != Defect::kNoBarrierBeforeNextChunk) __syncthreads();
  }
  store_partials<kDefect>(partials, sums, num_classes * num_classes);
}

/// One block per entry: gram[entry], and the sum of the squares of its partials, a measure of how they scatter.
template <Defect kDefect>
__global__ void __launch_bounds__(GramShape::kTotalThreads)
    gram_total_kernel(const float* partials, int num_partials, float* gram, float* squares) {
  using Reduce = cub::BlockReduce<float, GramShape::kTotalThreads>;
  __shared__ typename Reduce::TempStorage storage;
  const int num_entries = static_cast<int>(gridDim.x), entry = static_cast<int>(blockIdx.x);
  float value = 0;
  for (int b = static_cast<int>(threadIdx.x); b < num_partials; b += GramShape::kTotalThreads)
    value += partials[b * num_entries + entry];
  const float sum = Reduce(storage).Sum(value);
  if (kDefect != Defect::kCubStorageReused) __syncthreads();  // the first sum is read before the second overwrites it
  const float sum_of_squares = Reduce(storage).Sum(value * value);
  if (kDefect == Defect::kReductionUsedByAllThreads || threadIdx.x == 0) {
    gram[entry] = sum;
    squares[entry] = sum_of_squares;
  }
}

}  // namespace emulator::defects

#endif

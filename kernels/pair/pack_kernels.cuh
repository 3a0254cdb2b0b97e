#ifndef ARLOSS_KERNELS_PACK_KERNELS_CUH
#define ARLOSS_KERNELS_PACK_KERNELS_CUH

#include <cuda_fp16.h>

#include "kernels/pair/pair_params.h"
#include "kernels/pool/label_rows.cuh"
#include "kernels/tile/kernel_order.cuh"

namespace arloss::kernels {

struct PackTile {
  static constexpr int kThreads = 128;
};

/// Thread blocks for the cells of one image and 16 classes.
ARLOSS_HOST_DEVICE constexpr std::int64_t pack_blocks(std::int64_t cells) {
  return (cells - 1) / PackTile::kThreads + 1;
}

/// kScale x value as a half, and `lift` x what that leaves as another.
struct SplitHalf {
  __half leading, remainder;
};
__device__ inline SplitHalf split(float value, float lift) {
  const float scaled = value * PairRow::kScale;
  const __half leading = __float2half_rn(scaled);
  return {leading, __float2half_rn((scaled - __half2float(leading)) * lift)};
}

__device__ inline std::uint32_t pack_halves(__half low, __half high) {
  return __half_as_ushort(low) | static_cast<std::uint32_t>(__half_as_ushort(high)) << 16;
}

/// Where one thread reads and writes: one cell, the classes [first_class, first_class + 16).
struct PackTask {
  std::int64_t image, cell, first_class;
  bool is_live;
  HalfPiece* pieces;  // [kPieces]
};

__device__ inline PackTask pack_task(const PackParams& params) {
  const auto cell_blocks = static_cast<std::uint32_t>(pack_blocks(params.cells));
  const auto steps = static_cast<std::uint32_t>(PairRow::steps(params.classes));
  const std::uint32_t plane = blockIdx.x / cell_blocks, step = plane % steps;
  PackTask task;
  task.image = plane / steps;
  // Neighbouring lanes on neighbouring cells, as the planes have them.
  task.cell = std::int64_t{blockIdx.x % cell_blocks} * PackTile::kThreads + threadIdx.x;
  task.first_class = std::int64_t{step} * PairTile::kClasses;
  const std::int64_t row = task.image * params.cells + task.cell;
  task.is_live = task.cell < params.cells && params.weights[row] != 0;
  task.pieces = params.rows + (row * steps + step) * PairRow::kPieces;
  return task;
}

/// 16 classes of a plane as four pieces: two of leading parts, two of remainders.
__device__ inline void pack_plane(const PackParams& params, const PackTask& task, const float* plane, float lift,
                                  HalfPiece* pieces) {
  plane += (task.image * params.classes + task.first_class) * params.cells + task.cell;
#pragma unroll
  for (int piece = 0; piece < 2; ++piece) {
    HalfPiece leading, remainder;
#pragma unroll
    for (int pair = 0; pair < 4; ++pair) {
      SplitHalf parts[2];
#pragma unroll
      for (int k = 0; k < 2; ++k) {
        const int c = 8 * piece + 2 * pair + k;
        const bool is_present = task.is_live && task.first_class + c < params.classes;
        parts[k] = split(is_present ? plane[c * params.cells] : 0, lift);
      }
      leading.pairs[pair] = pack_halves(parts[0].leading, parts[1].leading);
      remainder.pairs[pair] = pack_halves(parts[0].remainder, parts[1].remainder);
    }
    pieces[piece] = leading;
    pieces[2 + piece] = remainder;
  }
}

/// u = sqrt(t) of the classes the cell's labels have, zero elsewhere (math.md, eq. 5).
__device__ inline void pack_labels(const PackParams& params, const PackTask& task) {
  HalfPiece* const pieces = task.pieces + PairRow::kLabelPiece;
#pragma unroll
  for (int piece = 0; piece < 4; ++piece) pieces[piece] = HalfPiece{};
  if (!task.is_live) return;
  const LabelRow row = label_row_of_cell(params.labels, task.image * params.cells + task.cell);
  auto* const halves = reinterpret_cast<__half*>(pieces);
  // Not unrolled: most cells have one class, and side by side the slow paths of division and root spill registers.
#pragma unroll 1
  for (int k = 0; k < row.size(); ++k) {
    const std::int64_t c = row.label(k) - task.first_class;
    if (c < 0 || c >= PairTile::kClasses) continue;
    const SplitHalf u = split(static_cast<float>(row.u(k)), 1);
    halves[c] = u.leading;
    halves[PairTile::kClasses + c] = u.remainder;
  }
}

/// pack_kernel.  Computes: rows of s, E and u as pairs of halves, classes padded with zeros to a multiple of 16.
/// One thread per cell and step of 16 classes.
/// Owns: its 12 pieces of 16 bytes.  Reads: s and E once, the cell's class counts once per step.
/// Cost: per cell 8 C bytes in and 192 ceil(C / 16) out.
__global__ void __launch_bounds__(PackTile::kThreads) pack_kernel(const PackParams params) {
  follow_earlier_kernels();
  const PackTask task = pack_task(params);
  if (task.cell >= params.cells) return;
  pack_plane(params, task, params.s, 1, task.pieces + PairRow::kRowPiece);
  pack_plane(params, task, params.residual, PairRow::kLift, task.pieces + PairRow::kColumnPiece);
  pack_labels(params, task);
}

}  // namespace arloss::kernels

#endif

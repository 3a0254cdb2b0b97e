#ifndef ARLOSS_KERNELS_TILE_FRAGMENTS_CUH
#define ARLOSS_KERNELS_TILE_FRAGMENTS_CUH

#include <cuda_fp16.h>

#include <cstdint>

#include "kernels/ptx/ldmatrix.cuh"
#include "kernels/ptx/mma.cuh"
#include "kernels/tile/half_piece.h"

/// Operands and results of mma.m16n8k16 as a warp's lanes hold them.
namespace arloss::kernels {

__device__ inline int lane_index() { return static_cast<int>(threadIdx.x % 32); }

/// 16 rows x 16 halves from `rows`, the first of them, at piece `piece`: an A operand.
template <int kPitch>
__device__ void load_rows(const HalfPiece (*rows)[kPitch], int piece, std::uint32_t (&fragment)[4]) {
  ptx::ldmatrix_x4(fragment, &rows[lane_index() % 16][piece + lane_index() / 16]);
}

/// Row and column of element e of a lane's 16 x 8 product.
__device__ inline int product_row(int e) { return lane_index() / 4 + e / 2 * 8; }
__device__ inline int product_column(int e) { return lane_index() % 4 * 2 + e % 2; }

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_TILE_HALF_PIECE_H
#define ARLOSS_KERNELS_TILE_HALF_PIECE_H

#include <cstdint>

namespace arloss::kernels {

/// Eight halves: what ldmatrix takes as a row and cp.async copies at once.
struct alignas(16) HalfPiece {
  std::uint32_t pairs[4];
};

}  // namespace arloss::kernels

#endif

#ifndef ARLOSS_KERNELS_PYRAMID_KERNELS_CUH
#define ARLOSS_KERNELS_PYRAMID_KERNELS_CUH

#include "kernels/pool/label_rows.cuh"
#include "kernels/pyramid/pyramid_params.h"
#include "kernels/tile/cell_columns.cuh"
#include "kernels/tile/kernel_order.cuh"
#include "kernels/tile/softmax.cuh"

namespace arloss::kernels {

/// One class of a block: sums over its cells of w, w p, w t and w (p - t), the last as w E (s + u), so that it keeps
/// its digits near the optimum (math.md, eq. 19).
struct PooledSums {
  double weight = 0, p = 0, t = 0, difference = 0;

  __device__ void add(double w, double residual, double s, double u) {
    weight += w;
    p += w * s * s;
    t += w * u * u;
    difference += w * residual * (s + u);
  }
};

/// Calls body(cell) for the cells, counted within the image, of a block.
template <class Body>
__device__ void for_each_cell(const PyramidParams& params, std::int64_t block, const Body& body) {
  const GridSize &blocks = params.blocks, &grid = params.grid;
  const std::int64_t row = block / blocks.width, z = row / blocks.height, y = row - z * blocks.height;
  const std::int64_t x = block - row * blocks.width, edge = params.edge;
  for (std::int64_t cz = z * edge; cz < min((z + 1) * edge, grid.depth); ++cz)
    for (std::int64_t cy = y * edge; cy < min((y + 1) * edge, grid.height); ++cy)
      for (std::int64_t cx = x * edge; cx < min((x + 1) * edge, grid.width); ++cx)
        body((cz * grid.height + cy) * grid.width + cx);
}

/// pyramid_kernel.  Computes: E^k, s^k, u^k and W of 32 blocks of cells (math.md, eq. 12 and 19).
/// Owns: those rows.  Reads: the rows of E of the cells once, their label rows once per class.
/// Order: cells in order, float64.
/// Cost: 4 bytes in per cell and class, 12 out per block and class.
__global__ void __launch_bounds__(CellTile::kThreads, CellTile::kResidentBlocks)
    pyramid_kernel(const PyramidParams params) {
  follow_earlier_kernels();
  const std::int64_t blocks = params.blocks.depth * params.blocks.height * params.blocks.width;
  const CellColumn column = cell_column(blocks);
  if (!column.is_present) return;
  for (std::int64_t c = column.first_class; c < params.classes; c += CellTile::kWarps) {
    const float* const plane = params.cell_residual + (column.image * params.classes + c) * params.cells;
    PooledSums sums;
    for_each_cell(params, column.cell, [&](std::int64_t cell) {
      const std::int64_t row = column.image * params.cells + cell;
      const float weight = params.cell_weights[row];
      if (weight == 0) return;
      const double u = LabelRow(params.labels, row).u_of(static_cast<std::int32_t>(c));
      const auto residual = static_cast<double>(plane[cell]);
      sums.add(static_cast<double>(weight), residual, root_of(params.softmax, column.image, c, cell, residual, u), u);
    });
    const double inverse = sums.weight > 0 ? 1 / sums.weight : 0;
    const double s = sqrt(sums.p * inverse), u = sqrt(sums.t * inverse);
    const std::int64_t index = (column.image * params.classes + c) * blocks + column.cell;
    params.s[index] = static_cast<float>(s);
    params.u[index] = static_cast<float>(u);
    params.residual[index] = static_cast<float>(s + u == 0 ? 0 : sums.difference * inverse / (s + u));
    if (c == 0) params.weights[column.row] = static_cast<float>(sums.weight);
  }
}

}  // namespace arloss::kernels

#endif

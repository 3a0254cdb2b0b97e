#ifndef ARLOSS_KERNELS_PAIR_ROW_CUH
#define ARLOSS_KERNELS_PAIR_ROW_CUH

#include "kernels/pair/pair_params.h"
#include "kernels/pool/label_rows.cuh"
#include "kernels/tile/softmax.cuh"

namespace arloss::kernels {

/// Threads of a block on neighbouring rows of one image, as the planes have them.
struct PairRowTile {
  static constexpr int kThreads = 128;
  static constexpr int kResidentBlocks = 8;  // at least: ptxas, left to itself, aims at more and spills
  ARLOSS_HOST_DEVICE static constexpr std::int64_t blocks(std::int64_t rows) { return (rows - 1) / kThreads + 1; }
};

/// The thread's row, and which of the planes of thread blocks over all rows of an image it is in.
struct PairRowPlace {
  std::int64_t plane, row;

  __device__ explicit PairRowPlace(std::int64_t rows) {
    const auto blocks = static_cast<std::uint32_t>(PairRowTile::blocks(rows));
    plane = blockIdx.x / blocks;
    row = std::int64_t{blockIdx.x % blocks} * PairRowTile::kThreads + threadIdx.x;
  }
};

/// One row before it is packed, class by class.
class PairRow {
 public:
  /// `row` within the image, which has it.
  __device__ PairRow(const PairRows& rows, std::int64_t image, std::int64_t row)
      : rows_(rows), image_(image), row_(row), plane_(image * rows.classes * rows.rows + row) {}

  __device__ float weight() const { return rows_.weights[image_ * rows_.rows + row_]; }
  __device__ float residual(std::int64_t c) const { return rows_.residual[element(c)]; }
  __device__ float s(std::int64_t c) const {
    if (rows_.s != nullptr) return rows_.s[element(c)];
    return root_of(rows_.softmax, image_, c, row_, residual(c), u(0, c));
  }
  /// u^k_c.
  __device__ float u(int scale, std::int64_t c) const {
    if (rows_.u != nullptr) return rows_.u[element(c)];
    return static_cast<float>(label_row(scale).u_of(static_cast<std::int32_t>(c)));
  }
  /// u^k_c - u^from_c.
  __device__ float label_step(int scale, int from, std::int64_t c) const {
    const LabelRow to_row = label_row(scale), from_row = label_row(from);
    const auto label = static_cast<std::int32_t>(c);
    return difference_of_roots<float>(to_row.count_of(label), to_row.total(), from_row.count_of(label),
                                      from_row.total());
  }
  /// sum_k omega_k u^k_c - u^1_c.
  __device__ float blend_shift(std::int64_t c) const {
    float shift = 0;
    for (int k = 1; k < rows_.labels.count; ++k) shift += rows_.omega[k] * label_step(k, 0, c);
    return shift;
  }
  /// Does a coarser scale's label row differ from the finest one's?
  __device__ bool has_shift() const {
    if (rows_.u != nullptr || rows_.labels.count < 2) return false;
    const LabelRow finest = label_row(0);
    for (int k = 1; k < rows_.labels.count; ++k) {
      const LabelRow row = label_row(k);
      if (!row.is_pure() || !finest.is_pure() || row.code() != finest.code()) return true;
    }
    return false;
  }

 private:
  __device__ std::int64_t element(std::int64_t c) const { return plane_ + c * rows_.rows; }
  __device__ LabelRow label_row(int scale) const { return label_row_of_cell(rows_.labels.scales[scale], image_, row_); }

  const PairRows& rows_;
  std::int64_t image_, row_, plane_;
};

}  // namespace arloss::kernels

#endif

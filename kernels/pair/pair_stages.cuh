#ifndef ARLOSS_KERNELS_PAIR_STAGES_CUH
#define ARLOSS_KERNELS_PAIR_STAGES_CUH

#include "kernels/pair/pair_shape.cuh"
#include "kernels/ptx/cp_async.cuh"

/// The pair kernel's shared memory, and the copies that fill it.
namespace arloss::kernels {

/// A thread block's shared memory: two stages of a column tile's weights, the strip's rows, two stages of the tile's,
/// and of its look-up table.
class PairShared {
 public:
  __device__ PairShared(HalfPiece* base, int strip_rows, int pitch, int classes)
      : base_(base), strip_rows_(strip_rows), pitch_(pitch), classes_(classes) {}

  __device__ int pitch() const { return pitch_; }
  __device__ float* weights(int stage) const { return reinterpret_cast<float*>(base_) + stage * PairTile::kColumns; }
  __device__ HalfPiece* left() const {
    return base_ + 2 * PairTile::kColumns * static_cast<int>(sizeof(float)) / static_cast<int>(sizeof(HalfPiece));
  }
  __device__ HalfPiece* right(int stage) const { return left() + (strip_rows_ + stage * PairTile::kColumns) * pitch_; }
  __device__ HalfPiece* look_up(int stage) const { return right(2) + stage * classes_ * kLookUpPitch; }

 private:
  HalfPiece* base_;
  int strip_rows_, pitch_, classes_;
};

/// Starts copies of a column tile's number of rows at a time; zeros past the group's last row.
template <class Shape>
class PairCopy {
 public:
  __device__ PairCopy(const PairParams& params, const PairBlock& block, const HalfPiece* rows, std::int64_t first_row)
      : rows_(rows),
        from_(rows + (block.first_row_of_group + first_row + thread_row()) * params.pieces + thread_piece()),
        pieces_(static_cast<int>(params.pieces)) {}

  /// The next rows, from row `first` of the group on.
  __device__ void start(const PairBlock& block, std::int64_t first, HalfPiece* to, int pitch) {
    const bool is_valid = first + thread_row() < block.rows;
    const HalfPiece* const from = is_valid ? from_ : rows_;
    to += thread_row() * pitch + thread_piece();
    if constexpr (Shape::kSteps > 0) {
      static_assert(kRowThreads == 2, "two pieces to a step");
#pragma unroll
      for (int step = 0; step < Shape::kSteps; ++step) ptx::cp_async_16(to + 2 * step, from + 2 * step, is_valid);
    } else {
#pragma unroll 1
      for (int piece = 0; piece < pieces_ - thread_piece(); piece += kRowThreads)
        ptx::cp_async_16(to + piece, from + piece, is_valid);
    }
    from_ += PairTile::kColumns * pieces_;
  }

 private:
  static constexpr int kRowThreads = Shape::kThreads / PairTile::kColumns;
  __device__ static int thread_row() { return static_cast<int>(threadIdx.x) / kRowThreads; }
  __device__ static int thread_piece() { return static_cast<int>(threadIdx.x) % kRowThreads; }

  const HalfPiece *rows_, *from_;
  int pieces_;
};

template <class Shape>
__device__ void copy_strip(const PairParams& params, const PairBlock& block, const PairShared& shared) {
  PairCopy<Shape> copy(params, block, params.left, block.first_row);
  for (int first = 0; first < Shape::kStripRows; first += PairTile::kColumns)
    copy.start(block, block.first_row + first, shared.left() + first * shared.pitch(), shared.pitch());
}

/// The copies of a column tile's look-up table after that of another.
template <class Shape>
class PairLookUpCopy {
 public:
  __device__ PairLookUpCopy(const PairParams& params, const PairBlock& block)
      : pitch_(look_up_columns(block.rows) / 8),
        from_(Shape::kLooksUp ? params.look_up + (block.group * params.classes + first_class()) * pitch_ +
                                    block.first_column(0) / 8 + threadIdx.x % kLookUpPieces
                              : nullptr),
        classes_(static_cast<int>(params.classes)) {}

  __device__ void start(HalfPiece* to) {
    const HalfPiece* from = from_;
    to += threadIdx.x % kLookUpPieces;
    for (int c = first_class(); c < classes_; c += kStep, from += kStep * pitch_)
      ptx::cp_async_16(to + c * kLookUpPitch, from, true);
    from_ += kLookUpPieces;
  }

 private:
  static constexpr int kStep = Shape::kThreads / kLookUpPieces;
  __device__ static int first_class() { return static_cast<int>(threadIdx.x) / kLookUpPieces; }

  std::int64_t pitch_;
  const HalfPiece* from_;
  int classes_;
};

/// The copies of column tile after column tile, with their weights and look-up tables.
template <class Shape>
class PairColumnCopy {
 public:
  __device__ PairColumnCopy(const PairParams& params, const PairBlock& block)
      : params_(params),
        block_(block),
        rows_(params, block, params.right, block.first_column(0)),
        look_up_(params, block) {}

  /// Of the next tile, which is `tile`.
  __device__ void start(int tile, const PairShared& shared, int stage) {
    const std::int64_t first = block_.first_column(tile);
    rows_.start(block_, first, shared.right(stage), shared.pitch());
    if (Shape::kLooksUp) look_up_.start(shared.look_up(stage));
    if (threadIdx.x >= PairTile::kColumns) return;
    const bool is_valid = first + threadIdx.x < block_.rows;
    ptx::cp_async_4(shared.weights(stage) + threadIdx.x,
                    params_.weights + (is_valid ? block_.first_row_of_group + first + threadIdx.x : 0), is_valid);
  }

 private:
  const PairParams& params_;
  const PairBlock& block_;
  PairCopy<Shape> rows_;
  PairLookUpCopy<Shape> look_up_;
};

}  // namespace arloss::kernels

#endif

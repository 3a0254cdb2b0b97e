#ifndef ARLOSS_KERNELS_LABEL_ROWS_CUH
#define ARLOSS_KERNELS_LABEL_ROWS_CUH

#include "kernels/pool/label_scale.h"
#include "kernels/ptx/approximate.cuh"

namespace arloss::kernels {

/// In the type that asks: exact to float64, or in float32 by single instructions, which take no float64 unit and no
/// slow path along.
__device__ inline double quotient(double a, double b) { return a / b; }
__device__ inline float quotient(float a, float b) { return a * ptx::inverse(b); }
__device__ inline double root(double x) { return sqrt(x); }
__device__ inline float root(float x) { return ptx::sqrt(x); }

/// u^k of one block: the square roots of the class shares, classes ascending (math.md, eq. 5).
class LabelRow {
 public:
  __device__ LabelRow(const LabelScale& scale, std::int64_t block)
      : code_(scale.codes[block]), counts_(scale.counts + block * scale.count_stride) {
    size_ = code_ >= 0 ? 1 : code_ == kNoLabels ? 0 : -code_;
    if (size_ < 2) return;
    total_ = 0;
#pragma unroll 1
    for (int index = 0; index < size_; ++index) total_ += counts_[index].count;
  }

  __device__ int size() const { return size_; }
  __device__ bool is_pure() const { return code_ >= 0; }
  __device__ std::int32_t code() const { return code_; }
  __device__ std::int32_t label(int index) const { return code_ >= 0 ? code_ : counts_[index].label; }
  /// Of total(): label pixels, or 1 of 1 for a block of one class.
  __device__ std::uint32_t count(int index) const { return code_ >= 0 ? 1 : counts_[index].count; }
  __device__ std::uint32_t total() const { return total_; }
  /// 0 where the block has none of the class.
  __device__ std::uint32_t count_of(std::int32_t label) const {
    if (code_ >= 0) return code_ == label ? 1 : 0;
#pragma unroll 1
    for (int index = 0; index < size_; ++index)
      if (counts_[index].label == label) return counts_[index].count;
    return 0;
  }

  template <class Number = double>
  __device__ Number t(int index) const {
    return code_ >= 0 ? 1 : quotient(static_cast<Number>(count(index)), static_cast<Number>(total_));
  }
  template <class Number = double>
  __device__ Number u(int index) const {
    return code_ >= 0 ? 1 : root(t<Number>(index));
  }
  __device__ double t_of(std::int32_t label) const {
    return static_cast<double>(count_of(label)) / static_cast<double>(total_);
  }
  /// Most rows have one class: float64's division and root are for the others.
  __device__ double u_of(std::int32_t label) const {
    if (count_of(label) == 0) return 0;
    return code_ >= 0 ? 1 : sqrt(t_of(label));
  }

 private:
  std::int32_t code_;
  int size_;
  std::uint32_t total_ = 1;
  const LabelCount* counts_;
};

/// The block of a scale, counted over the batch, of a cell of an image.
__device__ inline std::int64_t block_of_cell(const LabelScale& scale, std::int64_t image, std::int64_t cell) {
  return image * scale.grid.blocks + scale.grid.block_of(static_cast<std::uint32_t>(cell));
}
/// ... of a cell counted over the batch.
__device__ inline std::int64_t block_of_cell(const LabelScale& scale, std::int64_t row) {
  if (scale.grid.edge == 1) return row;
  const std::int64_t image = row / scale.grid.cells;
  return block_of_cell(scale, image, row - image * scale.grid.cells);
}

__device__ inline LabelRow label_row_of_cell(const LabelScale& scale, std::int64_t cell) {
  return LabelRow(scale, block_of_cell(scale, cell));
}
__device__ inline LabelRow label_row_of_cell(const LabelScale& scale, std::int64_t image, std::int64_t cell) {
  return LabelRow(scale, block_of_cell(scale, image, cell));
}

/// sqrt(a / a_total) - sqrt(b / b_total), which is not of size 1: exactly 0 for equal shares, else to the type's
/// relative accuracy.
template <class Number>
__device__ Number difference_of_roots(std::uint32_t a, std::uint32_t a_total, std::uint32_t b, std::uint32_t b_total) {
  const std::int64_t numerator = std::int64_t{a} * b_total - std::int64_t{b} * a_total;
  if (numerator == 0) return 0;
  const auto share = [](std::uint32_t count, std::uint32_t total) {
    return quotient(static_cast<Number>(count), static_cast<Number>(total));
  };
  const Number totals = static_cast<Number>(a_total) * static_cast<Number>(b_total);
  return quotient(quotient(static_cast<Number>(numerator), totals), root(share(a, a_total)) + root(share(b, b_total)));
}

/// Calls body(class, u^k_c - u^1_c) for the classes of either row; nothing where both are the same class.
template <class Number = double, class Body>
__device__ void for_each_difference(const LabelRow& coarser, const LabelRow& finest, const Body& body) {
  if (coarser.is_pure() && coarser.code() == finest.code()) return;
#pragma unroll 1
  for (int index = 0; index < coarser.size(); ++index) {
    const std::int32_t label = coarser.label(index);
    body(label,
         difference_of_roots<Number>(coarser.count(index), coarser.total(), finest.count_of(label), finest.total()));
  }
  // Blocks need not nest (edges 2 and 3): the finest may hold classes that the coarser does not.
#pragma unroll 1
  for (int index = 0; index < finest.size(); ++index) {
    const std::int32_t label = finest.label(index);
    if (coarser.count_of(label) == 0) body(label, -finest.u<Number>(index));
  }
}

/// Walks the classes of a row beside a loop over ascending classes.
class LabelCursor {
 public:
  __device__ explicit LabelCursor(const LabelRow& row) : row_(row) {}
  /// u of class c; c never falls from one call to the next.
  __device__ double at(std::int32_t c) {
    while (index_ < row_.size() && row_.label(index_) < c) ++index_;
    return index_ < row_.size() && row_.label(index_) == c ? row_.u(index_) : 0.0;
  }
  __device__ bool has(std::int32_t c) {
    while (index_ < row_.size() && row_.label(index_) < c) ++index_;
    return index_ < row_.size() && row_.label(index_) == c;
  }

 private:
  const LabelRow& row_;
  int index_ = 0;
};

}  // namespace arloss::kernels

#endif

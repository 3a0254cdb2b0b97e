#ifndef ARLOSS_KERNELS_MIXED_CELLS_CUH
#define ARLOSS_KERNELS_MIXED_CELLS_CUH

#include "kernels/gram/class_places.cuh"
#include "kernels/gram/gram_params.h"
#include "kernels/gram/gram_tile.h"
#include "kernels/pool/label_rows.cuh"
#include "math/residual_form.h"

namespace arloss::kernels {

/// Label of a cell of several classes at some scale, or of different ones: as codes of several are, below kNoLabels.
inline constexpr std::int32_t kSeveralClasses = -2;

/// The part of a slot that labels alone fill: the matrices DR_k and R_kl, which follow one another, or n_c.
struct LabelMatrices {
  double* first;
  int classes, columns, scales, count;

  __device__ LabelMatrices(const LabelSumsParams& params, double* sums)
      : first(sums), classes(static_cast<int>(params.classes)), columns(1), scales(params.labels.count), count(1) {
    if (params.sums != LabelSumsParams::Sums::kMatrices) return;
    const math::ResidualSums matrices(sums, classes, scales);
    first = scales > 1 ? matrices.dr(1) : matrices.r(0, 0);
    columns = classes;
    count = first_r() + scales * (scales + 1) / 2;
  }

  __device__ bool has_columns() const { return columns > 1; }
  __device__ int first_r() const { return scales - 1; }  // R_11; those before are DR_k
  __device__ double* row(int matrix, int c) const { return first + (std::int64_t{matrix} * classes + c) * columns; }
  __device__ double& diagonal(int matrix, int c) const { return row(matrix, c)[has_columns() ? c : 0]; }

  /// Which rows of a cell a matrix is the product of: u^k is row k, u^k - u^1 row scales - 1 + k.
  struct Factors {
    int left, right;
  };
  __device__ Factors factors(int matrix) const {
    if (matrix < first_r()) return {scales + matrix, 0};
    int k = 0;
    for (matrix -= first_r(); matrix >= scales - k; ++k) matrix -= scales - k;
    return {k, k + matrix};
  }
};

struct MixedCellsStorage {
  double values[LabelSumsTile::kBatchValues];  // [cells][rows of a cell][classes of the batch]
  double weights[LabelSumsTile::kBatchCells];
  std::uint32_t queue[LabelSumsTile::kQueue];  // cells of the image
  ClassPlaces classes;
};

/// Sums of cells that are not of one class: a batch of them at a time becomes rows over the few classes it has, and
/// each thread adds up elements of the matrices that are the products of those rows.
class MixedCells {
 public:
  __device__ MixedCells(const LabelSumsParams& params, std::uint32_t image, std::uint32_t part,
                        const LabelMatrices& matrices, MixedCellsStorage& storage)
      : params_(params), image_(image), part_(part), matrices_(matrices), storage_(storage) {}

  /// All of the queue. By all threads of the block.
  __device__ void add_queue(int queued) {
    const int most = min(LabelSumsTile::kBatchCells, LabelSumsTile::kBatchRows / rows_of_cell());
    int count = most;
    for (int first = 0; first < queued;) {
      count = min(count, queued - first);
      const bool is_fitting = gather_classes(first, count);
      if (!is_fitting && count > 1) {
        count /= 2;
        continue;
      }
      if (is_fitting) {
        fill_rows(first, count);
        add_products(count);
      } else {
        add_large_cell(storage_.queue[first]);
      }
      first += count;
      count = most;
    }
  }

 private:
  __device__ int rows_of_cell() const { return 2 * matrices_.scales - 1; }
  __device__ LabelRow label_row(int scale, std::uint32_t cell) const {
    return label_row_of_cell(params_.labels.scales[scale], image_, cell);
  }
  __device__ double weight(std::uint32_t cell) const {
    return static_cast<double>(params_.weights[image_ * params_.rows + cell]);
  }
  /// Rows of the matrices are dealt to the blocks of a slot.
  __device__ bool is_row(std::int32_t label) const {
    return static_cast<std::uint32_t>(label) % params_.parts == part_;
  }

  /// Calls body(position in the batch, scale): a thread each.
  template <class Body>
  __device__ void for_each_label_row(int count, const Body& body) const {
    for (int index = static_cast<int>(threadIdx.x); index < count * matrices_.scales; index += LabelSumsTile::kThreads)
      body(index / matrices_.scales, index % matrices_.scales);
  }

  /// The classes of a batch, and whether its rows fit.
  __device__ bool gather_classes(int first, int count) {
    ClassPlaces& classes = storage_.classes;
    __syncthreads();  // whoever is at the batch before
    classes.clear(LabelSumsTile::kThreads);
    __syncthreads();  // empty before it is filled
    for_each_label_row(count, [&](int position, int scale) {
      if (!params_.decides(scale)) return;  // a coarser scale has its classes
      const LabelRow row = label_row(scale, storage_.queue[first + position]);
#pragma unroll 1
      for (int index = 0; index < row.size(); ++index) classes.add(row.label(index), is_row(row.label(index)));
    });
    __syncthreads();  // all classes before they are counted
    return classes.count <= ClassPlaces::kMost && classes.count * count * rows_of_cell() <= LabelSumsTile::kBatchValues;
  }

  __device__ void fill_rows(int first, int count) {
    const ClassPlaces& classes = storage_.classes;
    for (int index = static_cast<int>(threadIdx.x); index < classes.count * count * rows_of_cell();
         index += LabelSumsTile::kThreads)
      storage_.values[index] = 0;
    __syncthreads();  // zeros before values
    for_each_label_row(count, [&](int position, int scale) {
      const std::uint32_t cell = storage_.queue[first + position];
      const LabelRow row = label_row(scale, cell);
      double* const values = storage_.values + (position * rows_of_cell() + scale) * classes.count;
#pragma unroll 1
      for (int index = 0; index < row.size(); ++index) values[classes.place_of(row.label(index))] = row.u(index);
      if (scale == 0) {
        storage_.weights[position] = weight(cell);
        return;
      }
      double* const differences = values + (matrices_.scales - 1) * classes.count;
      for_each_difference(row, label_row(0, cell), [&](std::int32_t label, double difference) {
        differences[classes.place_of(label)] = difference;
      });
    });
    __syncthreads();  // rows before they are multiplied
  }

  /// An element of a matrix is one thread's, or that of up to eight neighbours where elements are few. Which threads
  /// they are changes from batch to batch: a barrier comes first.
  __device__ void add_products(int count) {
    const int num_columns = matrices_.has_columns() ? storage_.classes.count : 1;
    const int size = storage_.classes.num_rows * num_columns, total = matrices_.count * size;
    int shares = 1;
    while (shares < 8 && 2 * shares * total <= LabelSumsTile::kThreads) shares *= 2;
    const int share = static_cast<int>(threadIdx.x) % shares, neighbour = static_cast<int>(threadIdx.x) / shares;
#pragma unroll 1
    for (int first = 0; first < total; first += LabelSumsTile::kThreads / shares) {
      const int index = first + neighbour, matrix = index / size, row = index % size / num_columns;
      double sum = index < total ? product(matrix, row, index % num_columns, count, share, shares) : 0;
      for (int step = shares / 2; step > 0; step /= 2) sum += __shfl_xor_sync(~0u, sum, step);
      if (share == 0 && sum != 0) element(matrix, row, index % num_columns) += sum;
    }
  }

  /// One share of the sum over a batch of w left_c right_d.
  __device__ double product(int matrix, int row, int column, int count, int share, int shares) const {
    const ClassPlaces& classes = storage_.classes;
    const int c = classes.rows[row], d = matrices_.has_columns() ? column : c;
    const LabelMatrices::Factors factors = matrices_.factors(matrix);
    const double* const left = storage_.values + factors.left * classes.count + c;
    const double* const right = storage_.values + factors.right * classes.count + d;
    const int pitch = rows_of_cell() * classes.count;
    double sum = 0;
#pragma unroll 4  // loads in flight at once
    for (int position = share; position < count; position += shares)
      sum += storage_.weights[position] * left[position * pitch] * right[position * pitch];
    return sum;
  }

  __device__ double& element(int matrix, int row, int column) const {
    const ClassPlaces& classes = storage_.classes;
    return matrices_.row(matrix,
                         classes.classes[classes.rows[row]])[matrices_.has_columns() ? classes.classes[column] : 0];
  }

  /// A cell of more classes than there is room for: rows of the matrices are dealt to the warps.
  __device__ void add_large_cell(std::uint32_t cell) {
    for (int matrix = 0; matrix < matrices_.count; ++matrix) {
      const LabelMatrices::Factors factors = matrices_.factors(matrix);
      const LabelRow right = label_row(factors.right, cell);
      const auto add = [&](std::int32_t label, double value) {
        add_to_row(matrix, label, weight(cell) * value, right);
      };
      if (matrix < matrices_.first_r()) {
        for_each_difference(label_row(matrix + 1, cell), right, add);
        continue;
      }
      const LabelRow left = label_row(factors.left, cell);
#pragma unroll 1
      for (int index = 0; index < left.size(); ++index) add(left.label(index), left.u(index));
    }
  }

  __device__ void add_to_row(int matrix, std::int32_t label, double factor, const LabelRow& right) {
    if (!is_row(label) || label / params_.parts % LabelSumsTile::kWarps != threadIdx.x / 32) return;
    double* const row = matrices_.row(matrix, label);
#pragma unroll 1
    for (int index = static_cast<int>(threadIdx.x % 32); index < right.size(); index += 32)
      row[right.label(index)] += factor * right.u(index);
    __syncwarp();  // before another lane adds to the same element
  }

  const LabelSumsParams& params_;
  const std::uint32_t image_, part_;
  const LabelMatrices& matrices_;
  MixedCellsStorage& storage_;
};

}  // namespace arloss::kernels

#endif

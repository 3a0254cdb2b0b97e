#ifndef ARLOSS_CPU_SIMD_SIMD_KERNELS_H
#define ARLOSS_CPU_SIMD_SIMD_KERNELS_H

#include <cstdint>

#include "arloss/arloss.h"

namespace arloss::cpu {

/// Cells per chunk of the linear form: a float32 sum is never longer before it joins a float64 one (numerics.md), and a
/// chunk's tiles at C = 19 (19 KiB each) stay in the first two cache levels.
inline constexpr int kChunk = 256;
/// Its tiles' rows: 1,024 bytes apart those of one cell would share four sets of a cache (150 classes: 1.2 times the
/// time).
inline constexpr int kChunkStride = kChunk + 16;
/// Rows per panel of the pairwise form: a 64 x 64 tile of slopes is 16 KiB.
inline constexpr int kPanel = 64;

/// A tile holds one row of `stride` floats per class, cells fastest: element (class c, cell i) at [c * stride + i].
/// Strides are multiples of 16, which every vector length divides; rows are zero past the last cell, to the next
/// multiple of kPanel.

/// Consecutive cells of one image in the caller's tensor (logits or their gradient).
struct CellSpan {
  const void* data;  // element (class 0, first cell)
  arloss_dtype_t dtype;
  std::int64_t class_stride, cell_stride;  // elements
  int count;                               // cells, <= the tile's stride
  std::int64_t classes;
};

/// s = sqrt(softmax(z)) and the residual s - onehot(anchor), cell by cell, both exact to float32 rounding.
struct EmbedJob {
  CellSpan logits;
  int stride;
  const float* weight;         // [stride]; a cell of weight 0 becomes a zero column, whatever its logits
  const std::int32_t* anchor;  // [stride]; class whose residual is -delta / (1 + s), or -1: residual = s
  float* s;                    // tile
  float* residual;             // tile
  float* max_logit;            // [stride] the softmax's shift
  float* sum;                  // [stride] sum of exp(z - max)
};

/// Cells of a chunk by sixteens: bit b is set for cells [16 b, 16 b + 16).
using CellParts = std::uint32_t;
inline constexpr int kPart = 16;

/// The parts that cells [first, last) lie in.
inline CellParts parts_of(int first, int last) {
  return (CellParts{2} << (last - 1) / kPart) - (CellParts{1} << first / kPart);
}

/// A tile's rows of some classes, or of all.
struct ClassRows {
  const float* tile;
  std::int64_t count;
  const std::int32_t* classes;  // [count]; NULL: row r is class r
  CellParts parts;              // that are looked at: elsewhere rows are zero, or not of interest

  std::int64_t class_of(std::int64_t row) const { return classes != nullptr ? classes[row] : row; }
};

/// out[c][d] += sum over cells of left_c * right_d, the float32 sum of one chunk joined in float64.
struct GramJob {
  ClassRows left, right;
  int stride;
  std::int64_t classes;
  bool is_symmetric;  // left and right are all classes and give a symmetric product: only d >= c is written
  double* out;        // [classes][classes]
};

/// What becomes of the numbers that a product finds.
enum class Join { kReplace, kAdd, kSubtract };

/// out_d =, += or -= sum_c rows_c * matrix[c][d] + table[anchor][d], for every cell of the rows' parts.
struct ProductJob {
  ClassRows rows;
  const float* matrix;         // [classes][classes]
  const float* table;          // [classes][classes], or NULL
  const std::int32_t* anchor;  // [stride]; -1: no row of the table
  Join join;
  int stride;
  std::int64_t classes;
  float* out;  // tile, not one of the inputs
};

/// Through s = sqrt(softmax(z)): dz_c = v_c - p_c sum_d v_d with v_c = s_c h_c, the zero-sum form where one class holds
/// more than half (math.md, eq. 20), times weight and scale, stored as or added into the caller's gradient.
struct ChainJob {
  const float* s;       // tile
  float* v;             // tile; overwritten
  const float* weight;  // [stride]; cells of weight 0 get 0, or are left alone where `adds`
  float scale;
  bool adds;
  int stride;
  CellSpan gradient;  // data is written
};

/// One class of a mixed label row: u_c, or u_c - 1 (exact) for the row's anchor.
struct LabelEntry {
  std::int32_t label;
  float residual;
};

/// The label rows of one scale, u = onehot(anchor) + residual: of the strip's cells as dense tiles, of the partner's as
/// lists.
struct PairLabels {
  float omega;
  const float* strip_u;              // tile [classes][kPanel]
  const float* strip_residual;       // tile [classes][kPanel]
  const std::int32_t* strip_anchor;  // [kPanel]
  const LabelEntry* partner_entries[kPanel];
  std::int32_t partner_counts[kPanel];  // entries; 0 for a pure row
  std::int32_t partner_anchor[kPanel];
};

/// kPanel rows of the affinity, tiles [classes][kPanel].
struct PairPanel {
  const float* s;
  const float* residual;  // s - u of the finest label scale
  const float* weight;    // [kPanel]; 0: absent
};

/// The tile of pairs of a strip's rows with a partner panel's.
struct PairJob {
  std::int64_t classes;
  PairPanel strip, partner;
  const PairLabels* labels;  // [num_scales], finest first
  int num_scales;
  bool is_blend;  // one target B, else one penalty per scale
  arloss_penalty_t penalty;
  float penalty_param;
  bool is_diagonal;  // strip and partner are the same panel
  bool wants_loss, wants_slope;
  float* slope;  // scratch [kPanel partners][kPanel strip rows]
  double* loss;  // += sum_ij w_i w_j phi
  double* h;     // tile of float64: += sum_j w_j phi' s_j
};

/// The backend's vector code for one instruction set.
struct SimdKernels {
  const char* target_name;
  float (*load_logit)(const void* logit, arloss_dtype_t dtype);
  void (*embed)(const EmbedJob&);
  void (*gram)(const GramJob&);
  void (*product)(const ProductJob&);
  /// out_r = a_r * b_r for `rows` tile rows; b_stride 0 multiplies every row by the one row b. out may be a.
  void (*multiply)(const float* a, const float* b, int b_stride, int stride, int length, std::int64_t rows, float* out);
  void (*chain)(const ChainJob&);
  /// flags[i] |= flag where bytes a[i] and b[i] differ, i < count.
  void (*mark_changes)(const std::uint8_t* a, const std::uint8_t* b, std::int64_t count, std::uint8_t flag,
                       std::uint8_t* flags);
};

/// The best this machine runs of the instruction sets compiled in.
const SimdKernels& simd_kernels();

/// Its kernel of the pairwise form, which takes as long to compile as the others together.
using PairTileKernel = void (*)(const PairJob&);
PairTileKernel pair_tile_kernel();

}  // namespace arloss::cpu

#endif

#ifndef ARLOSS_TESTS_EMULATOR_SEMANTICS_MATRIX_H
#define ARLOSS_TESTS_EMULATOR_SEMANTICS_MATRIX_H

#include <cstddef>
#include <cstdint>

#include "memory/lanes.h"
#include "semantics/types.h"

/// Matrix instructions of a whole warp. A register is given as its row: 32 values, one per lane, of 32 bits (f64: of
/// 64). Element maps are those of the PTX ISA, "Matrix Fragments for mma".
namespace emulator::semantics {

// ---- mma.sync.aligned.<shape>.row.col.<d>.<a>.<b>.<c>

enum class MmaShape : std::uint8_t { kM8n8k4, kM8n8k16, kM16n8k4, kM16n8k8, kM16n8k16, kM16n8k32 };

struct MmaKind {
  MmaShape shape;
  Type a, b;                   // kF16, kBf16, kTf32, kF64, kS8 or kU8; only the integers may differ
  Type accumulator;            // of C and D: kF32, kF16, kF64 or kS32
  bool is_saturating = false;  // .satfinite of the integer shapes: clamps instead of wrapping
};

/// D = A B + C. Each argument is an array of as many rows as Mma says; rows of D may be rows of A, B or C.
///
/// How sums are rounded: hardware adds blocks of products with truncation, in ways that differ between devices and are
/// not documented. Here a f32 sum starts with C and adds one product after another in the order of k, rounding to
/// nearest each time; the products themselves are exact (of two 11-bit significands), save for those of bf16 and tf32
/// beyond the range of f32. The error is of the order of the hardware's, so a tolerance that holds here is no
/// tighter than one can ask of a device; a sum in double would be. f16 accumulators are summed like f32 ones and
/// rounded once at the end. f64: fma after fma. Integers are exact.
using MmaFunction = void (*)(const void* const* a, const void* const* b, const void* const* c, void* const* d);

struct Mma {
  MmaFunction run = nullptr;                              // null: the combination is not known
  int a_registers = 0, b_registers = 0, c_registers = 0;  // per lane; D has as many as C
};

/// Which function executes the instruction; to be asked once, when the instruction is decoded.
/// m16n8k16: f16 with f32 or f16 accumulators, bf16, s8/u8. m16n8k8: f16 with both accumulators, bf16, tf32.
/// m16n8k4: tf32. m16n8k32 and m8n8k16: s8/u8. m8n8k4: f64.
Mma find_mma(const MmaKind& kind);

// ---- ldmatrix, stmatrix, movmatrix: 8 x 8 matrices of 16-bit elements

constexpr int kMatrixRows = 8;
constexpr int kMatrixRowBytes = 16;

/// The lane whose address is that of `row` (0 to 7) of the matrix that register number `matrix` (0 to 3) receives.
constexpr int address_lane(int matrix, int row) { return kMatrixRows * matrix + row; }

/// ldmatrix of one register: `rows` point to eight rows of 16 bytes, `destination` is a row of 32 registers. A lane l
/// receives elements 2 (l % 4) and the next of row l / 4; with `is_transposed` of column l / 4.
void load_matrix(const std::byte* const* rows, bool is_transposed, std::uint32_t* destination);

/// stmatrix of one register, the inverse.
void store_matrix(const std::uint32_t* source, bool is_transposed, std::byte* const* rows);

/// movmatrix.trans: `destination` may be `source`.
void transpose_matrix(const std::uint32_t* source, std::uint32_t* destination);

}  // namespace emulator::semantics

#endif

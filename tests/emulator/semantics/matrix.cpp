#include "semantics/matrix.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "semantics/half_formats.h"

namespace emulator::semantics {
namespace {

/// Every fragment is made of blocks. A register of A holds eight rows of A and, of each, what its group of four lanes
/// has, so that the 32 lanes in order are that block row after row; one of B holds eight columns of B in the same way,
/// column after column. The accumulator's even and odd columns are in two registers.
constexpr int kBlock = 8;
constexpr int kGroupLanes = 4;

// ---- elements, widened to what sums are computed in: one line (a row of A, a column of B) of a block at a time

struct F16 {
  using Stored = std::uint16_t;
  using Value = float;
  static constexpr int kPerLane = 2;
  static void widen(const Stored* line, float* values) { f16_to_float8(line, values); }
};

struct Bf16 {
  using Stored = std::uint16_t;
  using Value = float;
  static constexpr int kPerLane = 2;
  static void widen(const Stored* line, float* values) {
    for (int index = 0; index < kGroupLanes * kPerLane; ++index) values[index] = bf16_to_float(line[index]);
  }
};

struct Tf32 {
  using Stored = std::uint32_t;
  using Value = float;
  static constexpr int kPerLane = 1;
  static void widen(const Stored* line, float* values) {
    for (int index = 0; index < kGroupLanes; ++index) values[index] = tf32_operand(line[index]);
  }
};

struct F64 {
  using Stored = double;
  using Value = double;
  static constexpr int kPerLane = 1;
  static void widen(const Stored* line, double* values) { std::memcpy(values, line, kGroupLanes * sizeof *line); }
};

/// As floats: no sum of 32 products of bytes exceeds 2^21, so they are exact.
template <class Byte>
struct Integer8 {
  using Stored = Byte;
  using Value = float;
  static constexpr int kPerLane = 4;
  static void widen(const Stored* line, float* values) {
    for (int index = 0; index < kGroupLanes * kPerLane; ++index) values[index] = static_cast<float>(line[index]);
  }
};

// ---- fragments

/// A fragment of kLines lines, each kK long. The number of a register is that of its eight lines, plus that of its part
/// of k times how many eights of lines there are.
template <class Element, int kLines, int kK>
void read_operand(const void* const* rows, typename Element::Value (&operand)[kLines][kK]) {
  constexpr int kWide = Element::kPerLane * kGroupLanes, kLineBlocks = kLines / kBlock;
  for (int number = 0; number < kLineBlocks * (kK / kWide); ++number) {
    typename Element::Stored stored[kBlock][kWide];
    std::memcpy(stored, rows[number], sizeof stored);
    const int first_line = number % kLineBlocks * kBlock, first_k = number / kLineBlocks * kWide;
    for (int line = 0; line < kBlock; ++line) Element::widen(stored[line], operand[first_line + line] + first_k);
  }
}

/// f32, s32 and f64 accumulators: two registers for eight rows, the even columns in the first.
template <class Value, int kM>
struct WideAccumulator {
  static constexpr int kRegisters = 2 * (kM / kBlock);

  static void read(const void* const* rows, Value (&sums)[kM][kBlock]) {
    for (int number = 0; number < kRegisters; ++number)
      for (int lane = 0; lane < kWarpSize; ++lane)
        std::memcpy(&sums[number / 2 * kBlock + lane / kGroupLanes][lane % kGroupLanes * 2 + number % 2],
                    static_cast<const Value*>(rows[number]) + lane, sizeof(Value));
  }

  static void write(const Value (&sums)[kM][kBlock], void* const* rows) {
    for (int number = 0; number < kRegisters; ++number)
      for (int lane = 0; lane < kWarpSize; ++lane)
        std::memcpy(static_cast<Value*>(rows[number]) + lane,
                    &sums[number / 2 * kBlock + lane / kGroupLanes][lane % kGroupLanes * 2 + number % 2],
                    sizeof(Value));
  }
};

/// f16 accumulators: one register for eight rows, two columns in it.
template <int kM>
struct HalfAccumulator {
  static constexpr int kRegisters = kM / kBlock;

  static void read(const void* const* rows, float (&sums)[kM][kBlock]) { read_operand<F16, kM, kBlock>(rows, sums); }

  static void write(const float (&sums)[kM][kBlock], void* const* rows) {
    for (int number = 0; number < kRegisters; ++number)
      for (int lane = 0; lane < kWarpSize; ++lane) {
        const float* const pair = &sums[number * kBlock + lane / kGroupLanes][lane % kGroupLanes * 2];
        static_cast<std::uint32_t*>(rows[number])[lane] =
            static_cast<std::uint32_t>(float_to_f16_rn(pair[1])) << 16 | float_to_f16_rn(pair[0]);
      }
  }
};

// ---- sums

/// The eight sums of one row, in registers. Compilers keep them there only where the type says so: with arrays the f16
/// product of m16n8k16 took 1.0 us instead of 0.27.
template <class Value>
struct EightSums {
  using Vector [[gnu::vector_size(kBlock * sizeof(Value))]] = Value;
  Vector sums;
};

inline void add_products(float a, const float* b, EightSums<float>& row) {
  EightSums<float>::Vector factors;
  std::memcpy(&factors, b, sizeof factors);
  row.sums += a * factors;
}

inline void add_products(double a, const double* b, EightSums<double>& row) {
  for (int n = 0; n < kBlock; ++n) row.sums[n] = std::fma(a, b[n], row.sums[n]);
}

template <class Value, int kM, int kK>
void multiply(const Value (&a)[kM][kK], const Value (&b)[kBlock][kK], Value (&sums)[kM][kBlock]) {
  Value transposed[kK][kBlock];
  for (int k = 0; k < kK; ++k)
    for (int n = 0; n < kBlock; ++n) transposed[k][n] = b[n][k];
  for (int m = 0; m < kM; ++m) {
    EightSums<Value> row;
    std::memcpy(&row, sums[m], sizeof row);
    for (int k = 0; k < kK; ++k) add_products(a[m][k], transposed[k], row);
    std::memcpy(sums[m], &row, sizeof row);
    for (Value& sum : sums[m]) sum = canonical(sum);
  }
}

template <class ElementA, class ElementB, class Accumulator, int kM, int kK>
void run_float(const void* const* a, const void* const* b, const void* const* c, void* const* d) {
  using Value = typename ElementA::Value;
  Value left[kM][kK], right[kBlock][kK], sums[kM][kBlock];
  read_operand<ElementA>(a, left);
  read_operand<ElementB>(b, right);
  Accumulator::read(c, sums);
  multiply(left, right, sums);
  Accumulator::write(sums, d);
}

template <class ElementA, class ElementB, int kM, int kK, bool kIsSaturating>
void run_integer(const void* const* a, const void* const* b, const void* const* c, void* const* d) {
  using Limits = std::numeric_limits<std::int32_t>;
  float left[kM][kK], right[kBlock][kK], products[kM][kBlock] = {};
  std::int32_t sums[kM][kBlock];
  read_operand<ElementA>(a, left);
  read_operand<ElementB>(b, right);
  WideAccumulator<std::int32_t, kM>::read(c, sums);
  multiply(left, right, products);
  for (int m = 0; m < kM; ++m)
    for (int n = 0; n < kBlock; ++n) {
      std::int64_t sum = std::int64_t{sums[m][n]} + static_cast<std::int32_t>(products[m][n]);
      if (kIsSaturating) sum = sum < Limits::min() ? Limits::min() : sum > Limits::max() ? Limits::max() : sum;
      sums[m][n] = static_cast<std::int32_t>(sum);
    }
  WideAccumulator<std::int32_t, kM>::write(sums, d);
}

// ---- which one

template <class ElementA, class ElementB, int kM, int kK>
constexpr Mma with_counts(MmaFunction run, int c_registers) {
  constexpr int kPerRow = ElementA::kPerLane * kGroupLanes;
  return {run, kM / kBlock * (kK / kPerRow), kK / (ElementB::kPerLane * kGroupLanes), c_registers};
}

template <class Element, class Accumulator, int kM, int kK>
Mma float_mma() {
  return with_counts<Element, Element, kM, kK>(run_float<Element, Element, Accumulator, kM, kK>,
                                               Accumulator::kRegisters);
}

template <class A, class B, int kM, int kK>
Mma integer_mma(bool is_saturating) {
  using ElementA = Integer8<A>;
  using ElementB = Integer8<B>;
  return with_counts<ElementA, ElementB, kM, kK>(
      is_saturating ? run_integer<ElementA, ElementB, kM, kK, true> : run_integer<ElementA, ElementB, kM, kK, false>,
      WideAccumulator<std::int32_t, kM>::kRegisters);
}

template <int kM, int kK>
Mma integer_mma(const MmaKind& kind) {
  const bool is_a_signed = kind.a == Type::kS8, is_b_signed = kind.b == Type::kS8;
  if (is_a_signed)
    return is_b_signed ? integer_mma<std::int8_t, std::int8_t, kM, kK>(kind.is_saturating)
                       : integer_mma<std::int8_t, std::uint8_t, kM, kK>(kind.is_saturating);
  return is_b_signed ? integer_mma<std::uint8_t, std::int8_t, kM, kK>(kind.is_saturating)
                     : integer_mma<std::uint8_t, std::uint8_t, kM, kK>(kind.is_saturating);
}

Mma find_integer(const MmaKind& kind) {
  switch (kind.shape) {
    case MmaShape::kM8n8k16: return integer_mma<8, 16>(kind);
    case MmaShape::kM16n8k16: return integer_mma<16, 16>(kind);
    case MmaShape::kM16n8k32: return integer_mma<16, 32>(kind);
    default: return {};
  }
}

Mma find_f16(const MmaKind& kind) {
  const bool is_wide = kind.accumulator == Type::kF32;
  if (!is_wide && kind.accumulator != Type::kF16) return {};
  switch (kind.shape) {
    case MmaShape::kM16n8k8:
      return is_wide ? float_mma<F16, WideAccumulator<float, 16>, 16, 8>()
                     : float_mma<F16, HalfAccumulator<16>, 16, 8>();
    case MmaShape::kM16n8k16:
      return is_wide ? float_mma<F16, WideAccumulator<float, 16>, 16, 16>()
                     : float_mma<F16, HalfAccumulator<16>, 16, 16>();
    default: return {};
  }
}

Mma find_wide(const MmaKind& kind) {
  using Sums = WideAccumulator<float, 16>;
  const bool is_bf16 = kind.a == Type::kBf16;
  switch (kind.shape) {
    case MmaShape::kM16n8k4: return is_bf16 ? Mma{} : float_mma<Tf32, Sums, 16, 4>();
    case MmaShape::kM16n8k8: return is_bf16 ? float_mma<Bf16, Sums, 16, 8>() : float_mma<Tf32, Sums, 16, 8>();
    case MmaShape::kM16n8k16: return is_bf16 ? float_mma<Bf16, Sums, 16, 16>() : Mma{};
    default: return {};
  }
}

bool is_byte(Type type) { return type == Type::kS8 || type == Type::kU8; }

}  // namespace

Mma find_mma(const MmaKind& kind) {
  if (is_byte(kind.a) && is_byte(kind.b) && kind.accumulator == Type::kS32) return find_integer(kind);
  if (kind.a != kind.b || kind.is_saturating) return {};
  if (kind.a == Type::kF16) return find_f16(kind);
  if ((kind.a == Type::kBf16 || kind.a == Type::kTf32) && kind.accumulator == Type::kF32) return find_wide(kind);
  if (kind.a == Type::kF64 && kind.accumulator == Type::kF64 && kind.shape == MmaShape::kM8n8k4)
    return float_mma<F64, WideAccumulator<double, 8>, 8, 4>();
  return {};
}

// A register's 32 lanes in order are the matrix row by row: lane l has elements 2 (l % 4) and the next of row l / 4.
static_assert(kMatrixRows * kMatrixRowBytes == kWarpSize * static_cast<int>(sizeof(std::uint32_t)));

namespace {

void transpose_elements(std::uint16_t (&elements)[kMatrixRows][kMatrixRows]) {
  for (int row = 0; row < kMatrixRows; ++row)
    for (int column = 0; column < row; ++column) {
      const std::uint16_t element = elements[row][column];
      elements[row][column] = elements[column][row];
      elements[column][row] = element;
    }
}

}  // namespace

void load_matrix(const std::byte* const* rows, bool is_transposed, std::uint32_t* destination) {
  std::uint16_t elements[kMatrixRows][kMatrixRows];
  for (int row = 0; row < kMatrixRows; ++row) std::memcpy(elements[row], rows[row], kMatrixRowBytes);
  if (is_transposed) transpose_elements(elements);
  std::memcpy(destination, elements, sizeof elements);
}

void store_matrix(const std::uint32_t* source, bool is_transposed, std::byte* const* rows) {
  std::uint16_t elements[kMatrixRows][kMatrixRows];
  std::memcpy(elements, source, sizeof elements);
  if (is_transposed) transpose_elements(elements);
  for (int row = 0; row < kMatrixRows; ++row) std::memcpy(rows[row], elements[row], kMatrixRowBytes);
}

void transpose_matrix(const std::uint32_t* source, std::uint32_t* destination) {
  std::uint16_t elements[kMatrixRows][kMatrixRows];
  std::memcpy(elements, source, sizeof elements);
  transpose_elements(elements);
  std::memcpy(destination, elements, sizeof elements);
}

}  // namespace emulator::semantics

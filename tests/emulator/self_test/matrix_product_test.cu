#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <gtest/gtest.h>

#include "self_test/checks.h"
#include "self_test/device_array.h"

/// mma.sync: which lane holds which element, probed one element at a time, and sums of products.
namespace emulator::self_test {
namespace {

enum class Element { kHalf, kBfloat, kTf32, kDouble };

/// A product D = A B + C of a warp. A: [kRows][kDepth], B: [kDepth][8], C and D: [kRows][8].
/// Lane l is t = l % 4 in group g = l / 4. What it holds is said by (row, column) of the i-th element of each operand.
template <Element kElement, int kDepthOfProduct, bool kHasHalfSums = false>
struct Product {
  static constexpr int kRows = kElement == Element::kDouble ? 8 : 16, kColumns = 8, kDepth = kDepthOfProduct;
  static constexpr int kElementsOfA = kRows * kDepth / 32, kElementsOfB = kDepth * kColumns / 32;
  static constexpr int kElementsOfC = kRows * kColumns / 32;
  static constexpr bool kIsPacked = kElement == Element::kHalf || kElement == Element::kBfloat;  // two in a register

  struct Place {
    int row, column;
  };
  static __device__ Place place_in_a(int g, int t, int i) {
    if (kIsPacked) return {g + i / 2 % 2 * 8, t * 2 + i % 2 + i / 4 * 8};
    return {g + i % 2 * 8, t + i / 2 * 4};
  }
  static __device__ Place place_in_b(int g, int t, int i) {
    if (kIsPacked) return {t * 2 + i % 2 + i / 2 * 8, g};
    return {t + i * 4, g};
  }
  static __device__ Place place_in_c(int g, int t, int i) { return {g + i / 2 * 8, t * 2 + i % 2}; }
};

// ---- one function per instruction; operands as the lane's registers

using HalfDeep = Product<Element::kHalf, 16>;
using HalfShort = Product<Element::kHalf, 8>;
using HalfDeepHalfSums = Product<Element::kHalf, 16, true>;
using HalfShortHalfSums = Product<Element::kHalf, 8, true>;
using BfloatDeep = Product<Element::kBfloat, 16>;
using BfloatShort = Product<Element::kBfloat, 8>;
using Tf32Deep = Product<Element::kTf32, 8>;
using Tf32Short = Product<Element::kTf32, 4>;
using DoubleProduct = Product<Element::kDouble, 4>;

__device__ void multiply(HalfDeep, float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], const float (&c)[4]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
}
__device__ void multiply(BfloatDeep, float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], const float (&c)[4]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
}
__device__ void multiply(Tf32Deep, float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], const float (&c)[4]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
}
__device__ void multiply(HalfShort, float (&d)[4], const u32 (&a)[2], const u32 (&b)[1], const float (&c)[4]) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%8,%9,%10};"
               : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(b[0]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
}
__device__ void multiply(BfloatShort, float (&d)[4], const u32 (&a)[2], const u32 (&b)[1], const float (&c)[4]) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%8,%9,%10};"
               : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(b[0]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
}
__device__ void multiply(Tf32Short, float (&d)[4], const u32 (&a)[2], const u32 (&b)[1], const float (&c)[4]) {
  asm volatile("mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%8,%9,%10};"
               : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(b[0]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
}
__device__ void multiply(HalfDeepHalfSums, u32 (&d)[2], const u32 (&a)[4], const u32 (&b)[2], const u32 (&c)[2]) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0,%1}, {%2,%3,%4,%5}, {%6,%7}, {%8,%9};"
               : "=r"(d[0]), "=r"(d[1])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(c[0]), "r"(c[1]));
}
__device__ void multiply(HalfShortHalfSums, u32 (&d)[2], const u32 (&a)[2], const u32 (&b)[1], const u32 (&c)[2]) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {%0,%1}, {%2,%3}, {%4}, {%5,%6};"
               : "=r"(d[0]), "=r"(d[1])
               : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(c[0]), "r"(c[1]));
}
__device__ void multiply(DoubleProduct, double (&d)[2], const double (&a)[1], const double (&b)[1],
                         const double (&c)[2]) {
  asm volatile("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1}, {%2}, {%3}, {%4,%5};"
               : "=d"(d[0]), "=d"(d[1])
               : "d"(a[0]), "d"(b[0]), "d"(c[0]), "d"(c[1]));
}

// ---- elements into registers

template <Element kElement>
__device__ u32 encode(float value) {
  if constexpr (kElement == Element::kHalf)
    return __half_as_ushort(__float2half_rn(value));
  else if constexpr (kElement == Element::kBfloat)
    return __bfloat16_as_ushort(__float2bfloat16_rn(value));
  else
    return __float_as_uint(value);  // small integers are tf32 values as they are
}

/// Element i of a lane into its registers: halves of 32 bits, words, or doubles.
template <Element kElement, int kRegisters>
__device__ void put(u32 (&registers)[kRegisters], int i, float value) {
  if constexpr (kElement == Element::kHalf || kElement == Element::kBfloat) {
    const u32 bits = encode<kElement>(value);
    registers[i / 2] = i % 2 == 0 ? bits : registers[i / 2] | bits << 16;
  } else {
    registers[i] = encode<kElement>(value);
  }
}
template <Element, int kRegisters>
__device__ void put(float (&registers)[kRegisters], int i, float value) {
  registers[i] = value;
}
template <Element, int kRegisters>
__device__ void put(double (&registers)[kRegisters], int i, float value) {
  registers[i] = value;
}
template <int kRegisters>
__device__ float get(const u32 (&registers)[kRegisters], int i) {
  return __half2float(__ushort_as_half(static_cast<u16>(registers[i / 2] >> i % 2 * 16)));
}
template <class T, int kRegisters>
__device__ float get(const T (&registers)[kRegisters], int i) {
  return static_cast<float>(registers[i]);
}

template <Element kElement, int kElements>
struct Registers {
  using Type = u32[kElement == Element::kTf32 ? kElements : kElements / 2];
};
template <int kElements>
struct Registers<Element::kDouble, kElements> {
  using Type = double[kElements];
};

template <Element kElement, int kDepth, bool kHasHalfSums>
__global__ void product_kernel(Product<kElement, kDepth, kHasHalfSums> product, const float* a, const float* b,
                               const float* c, float* d) {
  using P = Product<kElement, kDepth, kHasHalfSums>;
  const int lane = static_cast<int>(threadIdx.x), g = lane / 4, t = lane % 4;
  a += blockIdx.x * P::kRows * kDepth;
  b += blockIdx.x * kDepth * P::kColumns;
  c += blockIdx.x * P::kRows * P::kColumns;
  d += blockIdx.x * P::kRows * P::kColumns;

  typename Registers<kElement, P::kElementsOfA>::Type of_a;
  typename Registers<kElement, P::kElementsOfB>::Type of_b;
  using Sum = std::conditional_t<kHasHalfSums, u32, std::conditional_t<kElement == Element::kDouble, double, float>>;
  Sum of_c[P::kElementsOfC / (kHasHalfSums ? 2 : 1)], of_d[P::kElementsOfC / (kHasHalfSums ? 2 : 1)];
  for (int i = 0; i < P::kElementsOfA; ++i) {
    const auto place = P::place_in_a(g, t, i);
    put<kElement>(of_a, i, a[place.row * kDepth + place.column]);
  }
  for (int i = 0; i < P::kElementsOfB; ++i) {
    const auto place = P::place_in_b(g, t, i);
    put<kElement>(of_b, i, b[place.row * P::kColumns + place.column]);
  }
  for (int i = 0; i < P::kElementsOfC; ++i) {
    const auto place = P::place_in_c(g, t, i);
    put<Element::kHalf>(of_c, i, c[place.row * P::kColumns + place.column]);
  }
  multiply(product, of_d, of_a, of_b, of_c);
  for (int i = 0; i < P::kElementsOfC; ++i) {
    const auto place = P::place_in_c(g, t, i);
    d[place.row * P::kColumns + place.column] = get(of_d, i);
  }
}

// ---- operands and expectations

/// Operands of many products, one after another. All values are integers every element type holds.
struct Operands {
  std::vector<float> a, b, c;
};

void append_counting(std::vector<float>& matrix, int elements) {
  for (int i = 0; i < elements; ++i) matrix.push_back(static_cast<float>(i + 1));
}

void append_one_hot(std::vector<float>& matrix, int elements, int hot) {
  for (int i = 0; i < elements; ++i) matrix.push_back(i == hot ? 1.0f : 0.0f);
}

void append_small(std::vector<float>& matrix, int elements, int step) {
  for (int i = 0; i < elements; ++i) matrix.push_back(static_cast<float>((i * step + i / 7) % 7 - 3));
}

/// A single one in every place of A, then in every place of B, the other operand all different: any permutation of
/// lanes or registers shows. Last, a product in which every term counts.
template <class P>
Operands probes() {
  constexpr int kA = P::kRows * P::kDepth, kB = P::kDepth * P::kColumns, kC = P::kRows * P::kColumns;
  Operands operands;
  for (int hot = 0; hot < kA; ++hot) {
    append_one_hot(operands.a, kA, hot);
    append_counting(operands.b, kB);
    append_counting(operands.c, kC);
  }
  for (int hot = 0; hot < kB; ++hot) {
    append_counting(operands.a, kA);
    append_one_hot(operands.b, kB, hot);
    append_counting(operands.c, kC);
  }
  append_small(operands.a, kA, 3);
  append_small(operands.b, kB, 5);
  append_counting(operands.c, kC);
  return operands;
}

template <class P>
float expected_element(const Operands& operands, int product, int row, int column) {
  const float* const a = operands.a.data() + product * P::kRows * P::kDepth;
  const float* const b = operands.b.data() + product * P::kDepth * P::kColumns;
  float sum = operands.c[static_cast<std::size_t>((product * P::kRows + row) * P::kColumns + column)];
  for (int k = 0; k < P::kDepth; ++k) sum += a[row * P::kDepth + k] * b[k * P::kColumns + column];
  return sum;
}

template <Element kElement, int kDepth, bool kHasHalfSums>
void check_product(const char* name, Product<kElement, kDepth, kHasHalfSums> product) {
  using P = Product<kElement, kDepth, kHasHalfSums>;
  const Operands operands = probes<P>();
  const int products = static_cast<int>(operands.c.size()) / (P::kRows * P::kColumns);
  const DeviceArray<float> a(operands.a), b(operands.b), c(operands.c), d(operands.c.size());
  run_kernel(product_kernel<kElement, kDepth, kHasHalfSums>, static_cast<unsigned>(products), 32, product, a.data(),
             b.data(), c.data(), d.data());
  const std::vector<float> got = d.read();
  Checks checks(name);
  std::size_t position = 0;
  for (int i = 0; i < products; ++i)
    for (int row = 0; row < P::kRows; ++row)
      for (int column = 0; column < P::kColumns; ++column)
        checks.same(got[position++], expected_element<P>(operands, i, row, column), [&] {
          return "probe " + std::to_string(i) + ", d[" + std::to_string(row) + "][" + std::to_string(column) + "]";
        });
}

TEST(MatrixProducts, Half) {
  check_product("mma.m16n8k16.f32.f16.f16.f32", HalfDeep{});
  check_product("mma.m16n8k8.f32.f16.f16.f32", HalfShort{});
  check_product("mma.m16n8k16.f16.f16.f16.f16", HalfDeepHalfSums{});
  check_product("mma.m16n8k8.f16.f16.f16.f16", HalfShortHalfSums{});
}

TEST(MatrixProducts, Bfloat) {
  check_product("mma.m16n8k16.f32.bf16.bf16.f32", BfloatDeep{});
  check_product("mma.m16n8k8.f32.bf16.bf16.f32", BfloatShort{});
}

TEST(MatrixProducts, Tf32) {
  check_product("mma.m16n8k8.f32.tf32.tf32.f32", Tf32Deep{});
  check_product("mma.m16n8k4.f32.tf32.tf32.f32", Tf32Short{});
}

TEST(MatrixProducts, Double) { check_product("mma.m8n8k4.f64.f64.f64.f64", DoubleProduct{}); }

}  // namespace
}  // namespace emulator::self_test

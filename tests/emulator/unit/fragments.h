#ifndef ARLOSS_TESTS_EMULATOR_UNIT_FRAGMENTS_H
#define ARLOSS_TESTS_EMULATOR_UNIT_FRAGMENTS_H

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "semantics/matrix.h"

/// Where each element of a fragment lies, stated twice: by the formulas of the PTX ISA, and by strides.
namespace emulator::semantics {

struct Place {
  int row, column;
};

/// Where element i of a lane's fragment lies, as the ISA writes it: g = lane / 4, t = lane % 4.
using Formula = std::function<Place(int g, int t, int i)>;

/// The same by strides: the position in the matrix, rows counted fastest, is t * per_member + g * per_group plus, for
/// each bit of i from the lowest, its stride. For B rows are n and columns k, so that its places come out transposed.
struct Strides {
  int per_member, per_group;
  std::vector<int> bits;

  int position(int lane, int i) const {
    int sum = lane % 4 * per_member + lane / 4 * per_group;
    for (std::size_t b = 0; b < bits.size(); ++b) sum += (i >> b & 1) * bits[b];
    return sum;
  }
};

struct Shape {
  std::string name;
  MmaShape shape;
  int m, k;
  int element_bits;  // of A and B
  Formula a, b;
  Strides a_strides, b_strides;

  int a_elements() const { return m * k / 32; }
  int b_elements() const { return 8 * k / 32; }
};

inline Place c_place(int g, int t, int i) { return {i < 2 ? g : g + 8, t * 2 + (i & 1)}; }
inline const Strides kStridesC16{32, 1, {16, 8}}, kStridesC8{16, 1, {8}};

inline const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {
      {"m16n8k16, 16 bits",
       MmaShape::kM16n8k16,
       16,
       16,
       16,
       [](int g, int t, int i) {
         return Place{(0 <= i && i < 2) || (4 <= i && i < 6) ? g : g + 8, t * 2 + (i & 1) + (i < 4 ? 0 : 8)};
       },
       [](int g, int t, int i) {
         return Place{t * 2 + (i & 1) + (i < 2 ? 0 : 8), g};
       },
       {32, 1, {16, 8, 128}},
       {16, 1, {8, 64}}},
      {"m16n8k8, 16 bits",
       MmaShape::kM16n8k8,
       16,
       8,
       16,
       [](int g, int t, int i) {
         return Place{i < 2 ? g : g + 8, t * 2 + (i & 1)};
       },
       [](int g, int t, int i) {
         return Place{t * 2 + i, g};
       },
       {32, 1, {16, 8}},
       {16, 1, {8}}},
      {"m16n8k8, tf32",
       MmaShape::kM16n8k8,
       16,
       8,
       32,
       [](int g, int t, int i) {
         return Place{i == 0 || i == 2 ? g : g + 8, i < 2 ? t : t + 4};
       },
       [](int g, int t, int i) {
         return Place{i == 0 ? t : t + 4, g};
       },
       {16, 1, {8, 64}},
       {8, 1, {32}}},
      {"m16n8k4, tf32",
       MmaShape::kM16n8k4,
       16,
       4,
       32,
       [](int g, int t, int i) {
         return Place{i == 0 ? g : g + 8, t};
       },
       [](int g, int t, int) {
         return Place{t, g};
       },
       {16, 1, {8}},
       {8, 1, {}}},
      {"m8n8k4, f64",
       MmaShape::kM8n8k4,
       8,
       4,
       64,
       [](int g, int t, int) {
         return Place{g, t};
       },
       [](int g, int t, int) {
         return Place{t, g};
       },
       {8, 1, {}},
       {8, 1, {}}},
      {"m16n8k32, 8 bits",
       MmaShape::kM16n8k32,
       16,
       32,
       8,
       [](int g, int t, int i) {
         return Place{(0 <= i && i < 4) || (8 <= i && i < 12) ? g : g + 8, t * 4 + (i & 3) + (i < 8 ? 0 : 16)};
       },
       [](int g, int t, int i) {
         return Place{t * 4 + (i & 3) + (i < 4 ? 0 : 16), g};
       },
       {64, 1, {16, 32, 8, 256}},
       {32, 1, {8, 16, 128}}},
      {"m16n8k16, 8 bits",
       MmaShape::kM16n8k16,
       16,
       16,
       8,
       [](int g, int t, int i) {
         return Place{i < 4 ? g : g + 8, t * 4 + (i & 3)};
       },
       [](int g, int t, int i) {
         return Place{t * 4 + i, g};
       },
       {64, 1, {16, 32, 8}},
       {32, 1, {8, 16}}},
      {"m8n8k16, 8 bits",
       MmaShape::kM8n8k16,
       8,
       16,
       8,
       [](int g, int t, int i) {
         return Place{g, t * 4 + i};
       },
       [](int g, int t, int i) {
         return Place{t * 4 + i, g};
       },
       {32, 1, {8, 16}},
       {32, 1, {8, 16}}},
  };
  return all;
}

inline const Shape& shape_of(MmaShape shape, int element_bits) {
  for (const Shape& candidate : shapes())
    if (candidate.shape == shape && candidate.element_bits == element_bits) return candidate;
  throw std::out_of_range("no such shape");
}

}  // namespace emulator::semantics

#endif

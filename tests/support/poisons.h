#ifndef ARLOSS_TESTS_POISONS_H
#define ARLOSS_TESTS_POISONS_H

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <vector>

#include "support/case.h"
#include "support/runner.h"

namespace support {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What is planted in one cell of image 1.
struct Poison {
  const char* name;
  double value;
  bool fills_cell;  // every class of the cell, not one
};
void PrintTo(const Poison& poison, std::ostream* out);

inline constexpr Poison kPoisons[] = {
    {"nan", kNaN, false}, {"inf", kInfinity, false}, {"all_minus_inf", -kInfinity, true}};

/// The problems they are planted in: three images of kPoisonCells cells, some of weight 0.
inline constexpr std::int64_t kPoisonClasses = 5, kPoisonCells = 6 * 7;

struct PoisonKind {
  oracle::Penalty penalty;
  oracle::ScaleMode mode;
  oracle::Span span;
  oracle::Reduction reduction;
  arloss_dtype_t dtype;
  bool is_hard;
};

std::vector<PoisonKind> poison_kinds();
CaseSpec poison_spec(const PoisonKind& kind, std::uint64_t seed);

/// Where the value (b, c, cell) lies among the logits of their inputs, or in an outcome's gradient.
std::size_t value_index(std::int64_t b, std::int64_t c, std::int64_t cell);

/// The cells of an image whose weight is above 0, or the others.
std::vector<std::int64_t> cells_of_image(const oracle::Result& result, std::int64_t image, bool is_live);

void plant(oracle::Inputs& inputs, const Poison& poison, std::int64_t image, std::int64_t cell, std::int64_t c);
/// In every cell of weight 0, and in no other.
void plant_in_dead_cells(oracle::Inputs& inputs, const Poison& poison, const CaseSpec& spec);
/// -inf in some classes of every cell, never in all. Where they are.
std::vector<std::size_t> mask_classes(oracle::Inputs& inputs, const CaseSpec& spec);

/// The outcome where image 1 was poisoned: NaN where it must be; elsewhere the answer of the clean problem.
void expect_poisoned(const Case& clean, const Outcome& outcome);

}  // namespace support

#endif

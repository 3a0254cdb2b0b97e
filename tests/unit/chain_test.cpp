/// From v = s h to the caller's gradient: the chain through sqrt(softmax), weights, and where it is stored.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "embed_job.h"
#include "guarded_pages.h"
#include "support/random.h"

namespace arloss::cpu {
namespace {

constexpr float kScale = 0.37f;
constexpr arloss_dtype_t kDtypes[] = {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16};

/// Rows s of softmaxes (every third cell nearly one-hot), v = s h, and weights, some of them 0.
struct ChainInputs {
  ChainInputs(std::int64_t num_classes, int num_cells, std::uint64_t seed)
      : classes(num_classes), count(num_cells), s(num_classes, kChunk), v(num_classes, kChunk), weight(1, kChunk) {
    support::Random random(seed);
    for (int i = 0; i < count; ++i) {
      const std::int64_t largest = random.below(classes);
      const double spread = i % 3 == 0 ? random.uniform(8, 20) : 0;
      Real sum = 0;
      std::vector<Real> p;
      for (std::int64_t c = 0; c < classes; ++c)
        sum += p.emplace_back(std::exp(Real{random.normal()} - (c == largest ? 0 : spread)));
      for (std::int64_t c = 0; c < classes; ++c) {
        s.at(c, i) = static_cast<float>(std::sqrt(p[static_cast<std::size_t>(c)] / sum));
        v.at(c, i) = s.at(c, i) * static_cast<float>(random.normal());
      }
      weight.at(0, i) = i % 7 == 5 ? 0.0f : static_cast<float>(random.uniform(0.25, 4));
    }
  }

  bool is_live(int i) const { return weight.at(0, i) != 0; }

  std::int64_t classes;
  int count;
  Tile s, v, weight;
};

/// The exact gradient of one cell from the stored s and v, and the error allowed to each class: a few roundings of its
/// own terms. A class above 1/2 is minus the others, so its error is theirs, however large v is.
struct ExactGradient {
  ExactGradient(const ChainInputs& in, int i) {
    Real dot = 0, size = 0, others = 0, others_tolerance = 0;
    for (std::int64_t c = 0; c < in.classes; ++c) {
      dot += in.v.at(c, i);
      size += std::fabs(in.v.at(c, i));
    }
    for (std::int64_t c = 0; c < in.classes; ++c) {
      const Real p = Real{in.s.at(c, i)} * in.s.at(c, i);
      value.push_back(in.v.at(c, i) - p * dot);
      tolerance.push_back(5e-7L * (std::fabs(in.v.at(c, i)) + p * size));
      if (in.s.at(c, i) * in.s.at(c, i) > 0.5f) continue;
      others += value.back();
      others_tolerance += tolerance.back();
    }
    for (std::int64_t c = 0; c < in.classes; ++c) {
      const auto at = static_cast<std::size_t>(c);
      if (in.s.at(c, i) * in.s.at(c, i) > 0.5f) {
        value[at] = -others;
        tolerance[at] = others_tolerance;
      }
      value[at] *= Real{kScale} * in.weight.at(0, i);
      tolerance[at] *= Real{kScale} * in.weight.at(0, i);
    }
  }

  std::vector<Real> value, tolerance;
};

/// The caller's gradient of a dtype and layout, first filled with a pattern.
struct Gradient {
  Gradient(const SpanLayout& span_layout, arloss_dtype_t stored_dtype, const ChainInputs& in)
      : layout(span_layout),
        dtype(stored_dtype),
        classes(in.classes),
        count(in.count),
        elements(static_cast<std::size_t>(layout.extent(in.classes, in.count))),
        pages(elements * support::element_bytes(dtype)),
        data(pages.at_end()) {
    for (std::size_t index = 0; index < elements; ++index)
      support::store_real(dtype, 0.01 * static_cast<double>(index % 97) - 0.5, data, index);
    before.assign(data, data + elements * support::element_bytes(dtype));
  }

  double now(std::int64_t c, int i) const { return support::load_real(dtype, data, index(c, i)); }
  double was(std::int64_t c, int i) const { return support::load_real(dtype, before.data(), index(c, i)); }
  std::size_t index(std::int64_t c, int i) const {
    return static_cast<std::size_t>(layout.index(classes, count, c, i));
  }
  CellSpan span() const { return layout.span(data, dtype, classes, count); }

  /// Puts the elements of the span back, so that whatever still differs was outside it.
  bool is_untouched_between() {
    const std::size_t bytes = support::element_bytes(dtype);
    for (std::int64_t c = 0; c < classes; ++c)
      for (int i = 0; i < count; ++i)
        std::memcpy(data + index(c, i) * bytes, before.data() + index(c, i) * bytes, bytes);
    return std::memcmp(data, before.data(), before.size()) == 0;
  }

  SpanLayout layout;
  arloss_dtype_t dtype;
  std::int64_t classes;
  int count;
  std::size_t elements;
  support::GuardedPages pages;
  unsigned char* data;
  std::vector<unsigned char> before;
};

/// Half a step of a half type around the value; nothing for float32.
Real store_tolerance(arloss_dtype_t dtype, Real value) {
  if (dtype == ARLOSS_DTYPE_FLOAT32) return 0;
  return dtype == ARLOSS_DTYPE_FLOAT16 ? std::fabs(value) * 0x1p-11L + 0x1p-25L : std::fabs(value) * 0x1p-8L;
}

class ChainTest : public SimdTest {
 protected:
  void run(const ChainInputs& in, bool adds, const CellSpan& gradient) {
    Tile v = in.v;  // overwritten by the call
    kernels().chain({in.s.data(), v.data(), in.weight.data(), kScale, adds, kChunk, gradient});
  }

  void expect_gradient(const SpanLayout& layout, arloss_dtype_t dtype, const ChainInputs& in, bool adds) {
    SCOPED_TRACE(std::string(layout.name) + ", dtype " + std::to_string(static_cast<int>(dtype)) + ", " +
                 std::to_string(in.classes) + " classes, " + std::to_string(in.count) +
                 (adds ? " cells, added" : " cells"));
    Gradient gradient(layout, dtype, in);
    run(in, adds, gradient.span());
    for (int i = 0; i < in.count; ++i) {
      const ExactGradient exact(in, i);
      for (std::int64_t c = 0; c < in.classes; ++c) {
        const auto at = static_cast<std::size_t>(c);
        if (!in.is_live(i)) {
          EXPECT_EQ(gradient.now(c, i), adds ? gradient.was(c, i) : 0) << "class " << c << ", cell " << i;
          continue;
        }
        const Real expected = exact.value[at] + (adds ? gradient.was(c, i) : 0);
        const Real tolerance =
            exact.tolerance[at] + store_tolerance(dtype, expected) * 1.001L + (adds ? 1e-7L * std::fabs(expected) : 0);
        EXPECT_TRUE(is_near(gradient.now(c, i), expected, tolerance)) << "class " << c << ", cell " << i;
      }
    }
    EXPECT_TRUE(gradient.is_untouched_between());
  }
};
ARLOSS_ON_EVERY_TARGET(ChainTest);

TEST_P(ChainTest, GradientsOfEveryDtypeAndLayout) {
  for (const SpanLayout& layout : kLayouts)
    for (const arloss_dtype_t dtype : kDtypes)
      for (const bool adds : {false, true})
        for (const std::int64_t classes : {1, 2, 5, 19})
          expect_gradient(layout, dtype, ChainInputs(classes, 61, static_cast<std::uint64_t>(classes)), adds);
}

TEST_P(ChainTest, EveryCountIsStoredToItsLastCellAndNoFurther) {
  // The gradient ends with its page: what is past it cannot be touched.
  for (int count = 1; count <= kChunk; count += count < 35 ? 1 : 55)
    for (const arloss_dtype_t dtype : kDtypes)
      for (const SpanLayout& layout : kLayouts)
        expect_gradient(layout, dtype, ChainInputs(3, count, 8), count % 2 == 0);
}

TEST_P(ChainTest, TheLargestClassIsMinusTheOthersExactly) {
  const ChainInputs in(4, 61, 12);
  Gradient gradient(kLayouts[0], ARLOSS_DTYPE_FLOAT32, in);
  run(in, false, gradient.span());
  for (int i = 0; i < in.count; ++i) {
    double sum = 0, others = 0;
    bool has_largest = false;
    for (std::int64_t c = 0; c < 4; ++c) {
      const bool is_largest = in.s.at(c, i) * in.s.at(c, i) > 0.5f;
      has_largest |= is_largest;
      sum += gradient.now(c, i);
      if (!is_largest) others += std::fabs(gradient.now(c, i));
    }
    if (has_largest) {
      EXPECT_LE(std::fabs(sum), 4e-7 * others) << i;
    }
  }
}

TEST_P(ChainTest, CellsOfWeightZeroTakeNothingFromNan) {
  for (const arloss_dtype_t dtype : kDtypes) {
    ChainInputs in(3, 40, 4);
    for (int i = 0; i < 40; ++i)
      for (std::int64_t c = 0; c < 3; ++c)
        if (!in.is_live(i)) in.v.at(c, i) = std::numeric_limits<float>::quiet_NaN();
    for (const SpanLayout& layout : kLayouts) {
      Gradient written(layout, dtype, in);
      run(in, false, written.span());
      for (int i = 0; i < 40; ++i)
        for (std::int64_t c = 0; c < 3; ++c) EXPECT_EQ(written.now(c, i) == 0, !in.is_live(i)) << c << ", " << i;
    }
  }
}

TEST_P(ChainTest, AddingLeavesTheBitsOfCellsOfWeightZero) {
  for (const arloss_dtype_t dtype : kDtypes)
    for (const SpanLayout& layout : kLayouts) {
      const ChainInputs in(3, 40, 6);
      Gradient added(layout, dtype, in);
      const std::size_t bytes = support::element_bytes(dtype);
      // NaNs of a payload that no arithmetic or conversion would give back.
      for (int i = 0; i < 40; ++i) {
        if (in.is_live(i)) continue;
        unsigned char* element = added.before.data() + added.index(1, i) * bytes;
        std::memset(element, 0x7f, bytes);
        element[bytes - 2] = 0x81;
      }
      std::memcpy(added.data, added.before.data(), added.before.size());
      run(in, true, added.span());
      for (int i = 0; i < 40; ++i)
        for (std::int64_t c = 0; c < 3; ++c) {
          const std::size_t at = added.index(c, i) * bytes;
          EXPECT_TRUE(in.is_live(i) || std::memcmp(added.data + at, added.before.data() + at, bytes) == 0)
              << c << ", " << i;
        }
    }
}

TEST_P(ChainTest, ANanOfALiveCellStaysInItsCell) {
  ChainInputs in(3, 40, 5);
  for (const int i : {0, 17, 39}) in.v.at(i % 3, i) = std::numeric_limits<float>::quiet_NaN();
  Gradient gradient(kLayouts[1], ARLOSS_DTYPE_FLOAT32, in);
  run(in, false, gradient.span());
  for (int i = 0; i < 40; ++i)
    for (std::int64_t c = 0; c < 3; ++c)
      EXPECT_EQ(std::isnan(gradient.now(c, i)), i == 0 || i == 17 || i == 39) << c << ", " << i;
}

}  // namespace
}  // namespace arloss::cpu

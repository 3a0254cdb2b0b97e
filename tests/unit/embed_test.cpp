/// s = sqrt(softmax(z)) and its residuals against long double, in every regime of the logits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "embed_job.h"
#include "support/random.h"

namespace arloss::cpu {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
/// Exponentials below exp(-87) are written as 0, and so are their squares below float32's range.
constexpr Real kUnderflow = 1e-37L;

/// Logits of `count` cells as stored in a dtype: planes, cells fastest.
struct StoredLogits {
  StoredLogits(arloss_dtype_t stored_dtype, std::int64_t num_classes, int num_cells)
      : dtype(stored_dtype),
        classes(num_classes),
        count(num_cells),
        bytes(static_cast<std::size_t>(num_classes * num_cells) * support::element_bytes(stored_dtype)) {}

  void set(std::int64_t c, int i, double value) { support::store_real(dtype, value, bytes.data(), index(c, i)); }
  double get(std::int64_t c, int i) const { return support::load_real(dtype, bytes.data(), index(c, i)); }
  std::size_t index(std::int64_t c, int i) const { return static_cast<std::size_t>(c * count + i); }
  CellSpan span() const { return kLayouts[0].span(bytes.data(), dtype, classes, count); }

  arloss_dtype_t dtype;
  std::int64_t classes;
  int count;
  std::vector<unsigned char> bytes;
};

/// One cell's softmax by definition, and how far its logits lie below the largest.
struct ExactCell {
  ExactCell(const StoredLogits& logits, int i) {
    for (std::int64_t c = 0; c < logits.classes; ++c) largest = std::max(largest, logits.get(c, i));
    for (std::int64_t c = 0; c < logits.classes; ++c) {
      gap.push_back(largest - logits.get(c, i));
      sum += p.emplace_back(std::exp(-Real{gap.back()}));
    }
    for (Real& value : p) value /= sum;
  }

  /// Relative error allowed to p_c: that of the exponential, and of rounding z - max to float32.
  Real tolerance(std::size_t c) const { return 4e-7L + Real{gap[c]} * 0x1p-24L; }
  /// The same for the sum over all classes but `skipped`, as an absolute error. A float32 sum of many terms adds its
  /// own, which may not grow with them for ever: 4e-6 leaves room in the 1e-5 of math.md, section 11.
  Real sum_tolerance(std::int64_t skipped) const {
    Real total = 0;
    for (std::size_t c = 0; c < p.size(); ++c)
      if (static_cast<std::int64_t>(c) != skipped && p[c] > 0) total += p[c] * tolerance(c);
    return total + others(skipped) * std::min(4e-6L, static_cast<Real>(p.size()) * 0x1p-24L);
  }
  Real others(std::int64_t anchor) const {
    Real total = 0;
    for (std::size_t c = 0; c < p.size(); ++c)
      if (static_cast<std::int64_t>(c) != anchor) total += p[c];
    return total;
  }

  double largest = -kInfinity;
  Real sum = 0;
  std::vector<Real> p;
  std::vector<double> gap;
};

/// Cell i of what embed wrote, against the definition with residuals to class `anchor`.
void expect_cell(const StoredLogits& logits, const EmbedBuffers& out, int i, std::int64_t anchor) {
  const ExactCell exact(logits, i);
  const auto at = static_cast<std::size_t>(i);
  EXPECT_EQ(double{out.max_logit[at]}, exact.largest);
  const Real norm_tolerance = exact.sum_tolerance(-1);
  EXPECT_TRUE(is_near(out.sum[at], exact.sum, exact.sum * norm_tolerance));
  for (std::int64_t c = 0; c < logits.classes; ++c) {
    const auto class_at = static_cast<std::size_t>(c);
    const Real s = std::sqrt(exact.p[class_at]);
    const Real s_tolerance = s > 0 ? s * (exact.tolerance(class_at) + norm_tolerance) / 2 + kUnderflow : 0;
    EXPECT_TRUE(is_near(out.s.at(c, i), s, s_tolerance)) << "s, class " << c << ", cell " << i;
    if (c != anchor) {
      EXPECT_EQ(out.residual.at(c, i), out.s.at(c, i)) << "class " << c << ", cell " << i;
      continue;
    }
    const Real delta = exact.others(anchor);
    const Real delta_tolerance = exact.sum_tolerance(anchor) + delta * (norm_tolerance + 2e-7L);
    EXPECT_TRUE(is_near(out.residual.at(c, i), -delta / (1 + s), delta_tolerance / (1 + s) + kUnderflow))
        << "residual of the anchor, cell " << i << ", delta " << delta;
  }
}

void expect_zero_past_the_last_cell(const StoredLogits& logits, const EmbedBuffers& out) {
  for (std::int64_t c = 0; c < logits.classes; ++c)
    for (int i = logits.count; i < (logits.count + kPanel - 1) / kPanel * kPanel; ++i) {
      EXPECT_EQ(out.s.at(c, i), 0);
      EXPECT_EQ(out.residual.at(c, i), 0);
    }
}

/// Runs embed with every class as anchor, and none.
void expect_embedded(const SimdKernels& kernels, const StoredLogits& logits, int stride) {
  EmbedBuffers out(logits.classes, logits.count, stride);
  for (int i = 0; i < logits.count; ++i)
    out.anchor[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(i % (logits.classes + 1)) - 1;
  kernels.embed(out.job(logits.span()));
  for (int i = 0; i < logits.count; ++i) expect_cell(logits, out, i, out.anchor[static_cast<std::size_t>(i)]);
  expect_zero_past_the_last_cell(logits, out);
}

/// A regime draws the logits of one cell; the class of the largest is drawn by the caller.
struct LogitRegime {
  const char* name;
  std::function<double(support::Random&, bool is_largest)> draw;
};

const LogitRegime kRegimes[] = {
    {"Random", [](support::Random& random, bool) { return 3 * random.normal(); }},
    {"Huge", [](support::Random& random, bool) { return 1e4 * random.normal(); }},
    {"HugeAndNear", [](support::Random& random, bool) { return 1e4 + 2 * random.normal(); }},
    // 1 - p from about 1e-2 to 1e-8.
    {"NearPerfect", [](support::Random& random, bool is_largest) { return is_largest ? 0 : -random.uniform(5, 22); }},
    {"Saturated", [](support::Random& random, bool is_largest) { return is_largest ? 0 : -random.uniform(60, 400); }},
    {"Constant", [](support::Random&, bool) { return -2.5; }},
    // Equal terms round alike: the sum's errors add up.
    {"OneAmongEquals", [](support::Random&, bool is_largest) { return is_largest ? 0 : -7.3; }},
};

class EmbedTest : public SimdTest {};
ARLOSS_ON_EVERY_TARGET(EmbedTest);

TEST_P(EmbedTest, EveryRegimeIsExactToFloat32Rounding) {
  support::Random random(1);
  for (const LogitRegime& regime : kRegimes)
    for (const std::int64_t classes : {1, 2, 3, 8, 19, 150, 1000})
      for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16}) {
        SCOPED_TRACE(std::string(regime.name) + ", " + std::to_string(classes) + " classes, dtype " +
                     std::to_string(static_cast<int>(dtype)));
        const int count = classes % 2 == 0 ? 64 : 53;
        StoredLogits logits(dtype, classes, count);
        for (int i = 0; i < count; ++i) {
          const std::int64_t largest = random.below(classes);
          for (std::int64_t c = 0; c < classes; ++c) logits.set(c, i, regime.draw(random, c == largest));
        }
        expect_embedded(kernels(), logits, kPanel);
      }
}

TEST_P(EmbedTest, AWholeChunkAndItsRemainders) {
  support::Random random(2);
  for (const int count : {1, 2, 15, 16, 17, 31, 63, 65, 240, 255, 256}) {
    SCOPED_TRACE(count);
    StoredLogits logits(ARLOSS_DTYPE_FLOAT32, 5, count);
    for (int i = 0; i < count; ++i)
      for (std::int64_t c = 0; c < 5; ++c) logits.set(c, i, 4 * random.normal());
    expect_embedded(kernels(), logits, kChunk);
  }
}

TEST_P(EmbedTest, TheResidualKeepsItsDigitsDownToTheSmallestDelta) {
  // 1 - p at 2 exp(-gap), far below float32's spacing near 1.
  StoredLogits logits(ARLOSS_DTYPE_FLOAT32, 3, 64);
  EmbedBuffers out(3, 64, kPanel);
  for (int i = 0; i < 64; ++i) {
    logits.set(0, i, -i * 1.25);
    logits.set(1, i, 0);
    logits.set(2, i, -i * 1.25);
    out.anchor[static_cast<std::size_t>(i)] = 1;
  }
  kernels().embed(out.job(logits.span()));
  for (int i = 0; i < 64; ++i) {
    const Real q = std::exp(Real{-1.25L} * i), delta = 2 * q / (1 + 2 * q), s = std::sqrt(1 - delta);
    EXPECT_TRUE(is_near(out.residual.at(1, i) * (1 + s) / delta, -1, 1e-6L)) << "gap " << i * 1.25;
  }
}

TEST_P(EmbedTest, AMaskedClassIsExactlyZero) {
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16}) {
    StoredLogits logits(dtype, 4, 20);
    EmbedBuffers out(4, 20, kPanel);
    for (int i = 0; i < 20; ++i) {
      for (std::int64_t c = 0; c < 4; ++c) logits.set(c, i, c == i % 4 || (i > 9 && c == 2) ? -kInfinity : 0.5 * i);
      out.anchor[static_cast<std::size_t>(i)] = i % 4;
    }
    kernels().embed(out.job(logits.span()));
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(out.s.at(i % 4, i), 0);
      EXPECT_EQ(out.residual.at(i % 4, i), -1) << "the anchor is impossible: delta is 1";
      if (i > 9) {
        EXPECT_EQ(out.s.at(2, i), 0);
      }
      expect_cell(logits, out, i, i % 4);
    }
  }
}

/// Cells that are not numbers: a NaN, an infinity or nothing but -inf, in cell i by i % 4; the rest are plain.
StoredLogits broken_logits(arloss_dtype_t dtype, std::int64_t classes) {
  StoredLogits logits(dtype, classes, 48);
  for (int i = 0; i < 48; ++i)
    for (std::int64_t c = 0; c < classes; ++c) {
      const bool is_hit = c == i / 4 % classes;
      if (i % 4 == 0)
        logits.set(c, i, static_cast<double>(c) / 4);
      else if (i % 4 == 3)
        logits.set(c, i, -kInfinity);
      else
        logits.set(c, i, !is_hit ? static_cast<double>(c) : i % 4 == 1 ? kNan : kInfinity);
    }
  return logits;
}

TEST_P(EmbedTest, WhatIsNoNumberMakesItsWholeCellNan) {
  for (const std::int64_t classes : {1, 2, 5})
    for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT32, ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16}) {
      SCOPED_TRACE(std::to_string(classes) + " classes");
      const StoredLogits logits = broken_logits(dtype, classes);
      EmbedBuffers out(classes, 48, kPanel);
      for (int i = 0; i < 48; ++i) out.anchor[static_cast<std::size_t>(i)] = i % 3 == 0 ? -1 : 0;
      kernels().embed(out.job(logits.span()));
      for (int i = 0; i < 48; ++i) {
        if (i % 4 == 0) expect_cell(logits, out, i, out.anchor[static_cast<std::size_t>(i)]);
        for (std::int64_t c = 0; c < classes; ++c) {
          EXPECT_EQ(std::isnan(out.s.at(c, i)), i % 4 != 0) << "s, class " << c << ", cell " << i;
          EXPECT_EQ(std::isnan(out.residual.at(c, i)), i % 4 != 0) << "residual, class " << c << ", cell " << i;
        }
      }
    }
}

TEST_P(EmbedTest, ACellOfWeightZeroIsAZeroColumnWhateverItHolds) {
  const StoredLogits logits = broken_logits(ARLOSS_DTYPE_FLOAT32, 5);
  EmbedBuffers out(5, 48, kPanel);
  for (int i = 0; i < 48; ++i) {
    out.anchor[static_cast<std::size_t>(i)] = i % 6 - 1;
    if (i % 8 != 4) out.weight[static_cast<std::size_t>(i)] = 0;
  }
  kernels().embed(out.job(logits.span()));
  for (int i = 0; i < 48; ++i) {
    if (i % 8 == 4) expect_cell(logits, out, i, out.anchor[static_cast<std::size_t>(i)]);
    for (std::int64_t c = 0; i % 8 != 4 && c < 5; ++c) {
      EXPECT_EQ(out.s.at(c, i), 0) << "class " << c << ", cell " << i;
      EXPECT_EQ(out.residual.at(c, i), 0) << "class " << c << ", cell " << i;
    }
  }
}

}  // namespace
}  // namespace arloss::cpu

/// float16 and bfloat16 at the kernels' edges: every value in, every rounding out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "simd_fixture.h"
#include "support/half.h"

namespace arloss::cpu {
namespace {

std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float value_of(arloss_dtype_t dtype, std::uint16_t bits) {
  return static_cast<float>(support::load_real(dtype, &bits, 0));
}

class HalfTypesTest : public SimdTest {};
ARLOSS_ON_EVERY_TARGET(HalfTypesTest);

TEST_P(HalfTypesTest, EveryLogitIsWidenedExactly) {
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16})
    for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
      const auto stored = static_cast<std::uint16_t>(bits);
      const float expected = value_of(dtype, stored), actual = kernels().load_logit(&stored, dtype);
      if (std::isnan(expected) ? !std::isnan(actual) : bits_of(actual) != bits_of(expected))
        ADD_FAILURE() << "dtype " << dtype << ", bits " << bits << ": " << actual << ", not " << expected;
    }
}

TEST_P(HalfTypesTest, Float32LogitsAreThemselves) {
  for (const float value : {0.0f, -0.0f, 1.5f, -3e38f, 1e-45f, std::numeric_limits<float>::infinity()})
    EXPECT_EQ(bits_of(kernels().load_logit(&value, ARLOSS_DTYPE_FLOAT32)), bits_of(value));
  const float nan = std::nanf("");
  EXPECT_TRUE(std::isnan(kernels().load_logit(&nan, ARLOSS_DTYPE_FLOAT32)));
}

/// Floats and what each is to be stored as.
struct Roundings {
  std::vector<float> values;
  std::vector<std::uint16_t> stored;

  void add(float value, std::uint16_t bits) {
    for (const bool is_negative : {false, true}) {
      values.push_back(is_negative ? -value : value);
      stored.push_back(static_cast<std::uint16_t>(is_negative ? bits | 0x8000 : bits));
    }
  }
};

/// Around every neighbouring pair of the format: the lower one, the float below the midpoint, the midpoint (to even)
/// and the float above it. Infinity stands for the first number the exponent has no room for, so overflow is included.
Roundings all_roundings(arloss_dtype_t dtype) {
  const bool is_float16 = dtype == ARLOSS_DTYPE_FLOAT16;
  const std::uint16_t infinity = is_float16 ? 0x7c00 : 0x7f80;
  const double past_last = is_float16 ? 0x1p16 : 0x1p128;
  Roundings roundings;
  for (std::uint16_t bits = 0; bits < infinity; ++bits) {
    const auto next = static_cast<std::uint16_t>(bits + 1);
    const double low = support::load_real(dtype, &bits, 0);
    const double high = next == infinity ? past_last : support::load_real(dtype, &next, 0);
    const auto middle = static_cast<float>((low + high) / 2);
    if (bits != 0) roundings.add(static_cast<float>(low), bits);
    roundings.add(std::nextafter(middle, 0.0f), bits);
    roundings.add(middle, bits % 2 == 0 ? bits : next);
    roundings.add(std::nextafter(middle, std::numeric_limits<float>::infinity()), next);
  }
  roundings.add(std::numeric_limits<float>::max(), infinity);
  roundings.add(std::numeric_limits<float>::infinity(), infinity);
  return roundings;
}

/// Stores up to kChunk values through chain. With one class of s = 0 the gradient is v * weight: +-1 times the value's
/// size, so that infinities can be sent too (0 cannot: a weight of 0 is no cell), or a NaN times 1.
void store_by_chain(const SimdKernels& kernels, arloss_dtype_t dtype, const float* values, int count, int cell_stride,
                    std::uint16_t* out) {
  const Tile s(1, kChunk);
  Tile v(1, kChunk), weight(1, kChunk);
  for (int i = 0; i < count; ++i) {
    const bool is_nan = std::isnan(values[i]);
    v.at(0, i) = is_nan ? values[i] : std::signbit(values[i]) ? -1.0f : 1.0f;
    weight.at(0, i) = is_nan ? 1.0f : std::fabs(values[i]);
  }
  kernels.chain({s.data(), v.data(), weight.data(), 1, false, kChunk, {out, dtype, kChunk, cell_stride, count, 1}});
}

TEST_P(HalfTypesTest, EveryGradientIsRoundedToNearestEven) {
  // 61 cells: whole vectors of every target, then single cells.
  constexpr int kCount = 61;
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16}) {
    const Roundings roundings = all_roundings(dtype);
    int failures = 0;
    for (std::size_t first = 0; first < roundings.values.size() && failures < 5; first += kCount) {
      const auto count = static_cast<int>(std::min<std::size_t>(kCount, roundings.values.size() - first));
      std::uint16_t stored[kCount];
      store_by_chain(kernels(), dtype, roundings.values.data() + first, count, 1, stored);
      for (int i = 0; i < count; ++i) {
        const std::size_t at = first + static_cast<std::size_t>(i);
        if (stored[i] == roundings.stored[at]) continue;
        ADD_FAILURE() << "dtype " << dtype << ", " << std::hexfloat << roundings.values[at] << ": bits " << stored[i]
                      << ", not " << roundings.stored[at];
        ++failures;
      }
    }
  }
}

TEST_P(HalfTypesTest, ANanGradientStaysNanWhateverItsPayload) {
  // All ones, which memory filled with 0xff holds: rounded as a number it would carry past the sign.
  std::vector<float> values;
  for (const std::uint32_t bits : {0x7fc00000u, 0xffc00000u, 0x7fffffffu, 0xffffffffu, 0x7fc00001u, 0x3f800000u}) {
    values.emplace_back();
    std::memcpy(&values.back(), &bits, sizeof bits);
  }
  const auto count = static_cast<int>(values.size());
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16})
    for (const int copies : {1, 8})  // cell by cell, then vectors
      for (const int cell_stride : {1, 3}) {
        std::vector<float> all;
        for (int copy = 0; copy < copies; ++copy) all.insert(all.end(), values.begin(), values.end());
        std::vector<std::uint16_t> stored(all.size() * 3);
        store_by_chain(kernels(), dtype, all.data(), count * copies, cell_stride, stored.data());
        for (std::size_t i = 0; i < all.size(); ++i)
          EXPECT_EQ(std::isnan(value_of(dtype, stored[i * static_cast<std::size_t>(cell_stride)])), std::isnan(all[i]))
              << "dtype " << dtype << ", NaN of bits " << std::hex << bits_of(all[i]);
      }
}

TEST_P(HalfTypesTest, AddingRoundsTheSumOnce) {
  constexpr int kCount = 37;
  for (const arloss_dtype_t dtype : {ARLOSS_DTYPE_FLOAT16, ARLOSS_DTYPE_BFLOAT16})
    for (const int cell_stride : {1, 2}) {
      Tile s(1, kPanel), v(1, kPanel, 1), weight(1, kPanel);
      std::uint16_t gradient[2 * kCount], before[2 * kCount];
      for (int i = 0; i < kCount; ++i) weight.at(0, i) = 0.37f * static_cast<float>(i + 1);
      for (int i = 0; i < 2 * kCount; ++i)
        support::store_real(dtype, 1000.0 / (i + 3), before, static_cast<std::size_t>(i));
      std::memcpy(gradient, before, sizeof before);
      constexpr std::int64_t kClassStride = std::int64_t{2} * kCount;
      kernels().chain({s.data(),
                       v.data(),
                       weight.data(),
                       1,
                       true,
                       kPanel,
                       {gradient, dtype, kClassStride, cell_stride, kCount, 1}});
      for (int i = 0; i < kCount; ++i) {
        const std::ptrdiff_t at = std::ptrdiff_t{i} * cell_stride;
        const float sum = value_of(dtype, before[at]) + weight.at(0, i);
        EXPECT_EQ(value_of(dtype, gradient[at]), support::round_to(dtype, static_cast<double>(sum))) << i;
      }
    }
}

}  // namespace
}  // namespace arloss::cpu

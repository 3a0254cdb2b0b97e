/// Sums of rows against float64, and the bits they promise.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/reduce/reduce_launch.h"
#include "support/device_memory.h"
#include "support/random.h"

namespace kernel_tests {
namespace {

using support::check;
using support::DeviceInput;
using support::DeviceOutput;

using namespace arloss::kernels;

/// Rows of values with everything that their sums need.
class Sums {
 public:
  Sums(std::int64_t rows, const std::vector<float>& values)
      : rows_(static_cast<std::size_t>(rows)),
        values_(values),
        slots_(rows_ * static_cast<std::size_t>(reduce_blocks(length(values)))),
        tickets_(rows_),
        totals_(rows_),
        row_length_(length(values)) {
    tickets_.fill(0);
  }

  std::vector<double> run() {
    totals_.fill(DeviceOutput<double>::kPoison);
    const ReduceParams params{values_.data(),
                              static_cast<std::int64_t>(rows_),
                              row_length_,
                              {slots_.data(), tickets_.data(), totals_.data()}};
    LaunchStream stream(nullptr);
    check(launch_reduce(params, stream));
    EXPECT_TRUE(slots_.guards_are_intact() && tickets_.guards_are_intact() && totals_.guards_are_intact());
    EXPECT_EQ(tickets_.read(), std::vector<std::uint32_t>(rows_, 0)) << "ready for the next launch";
    return totals_.read();
  }

 private:
  std::int64_t length(const std::vector<float>& values) const {
    return static_cast<std::int64_t>(values.size() / rows_);
  }

  std::size_t rows_;
  DeviceInput<float> values_;
  DeviceOutput<float> slots_;
  DeviceOutput<std::uint32_t> tickets_;
  DeviceOutput<double> totals_;
  std::int64_t row_length_;
};

constexpr std::int64_t kLengths[] = {1, 2, 31, 32, 33, 255, 256, 257, 1023, 1024, 1025, 3072, 5000};

TEST(ReduceKernel, SumsAgreeWithFloat64) {
  // A chain of 4 values and 8 levels of the block's tree are rounded to float32, each by half a unit in the last place.
  constexpr double kShare = (4 + 8) * 0x1p-24;
  for (const std::int64_t rows : {1, 3})
    for (const std::int64_t length : kLengths) {
      support::Random random(static_cast<std::uint64_t>(length));
      std::vector<float> values(static_cast<std::size_t>(rows * length));
      for (float& value : values) value = static_cast<float>(random.normal() * random.log_uniform(1e-3, 1e3));
      const std::vector<double> sums = Sums(rows, values).run();
      for (std::int64_t row = 0; row < rows; ++row) {
        double sum = 0, size = 0;
        for (std::int64_t i = row * length; i < (row + 1) * length; ++i) {
          sum += static_cast<double>(values[static_cast<std::size_t>(i)]);
          size += std::fabs(static_cast<double>(values[static_cast<std::size_t>(i)]));
        }
        EXPECT_NEAR(sums[static_cast<std::size_t>(row)], sum, kShare * size) << "row " << row << " of " << length;
      }
    }
}

TEST(ReduceKernel, EveryValueCountsOnce) {
  for (const std::int64_t length : kLengths) {
    // Distinct powers of two at a few places: any one lost or taken twice shows, and no rounding hides it.
    std::vector<float> values(static_cast<std::size_t>(length), 0);
    double sum = 0;
    for (int k = 0; k < 20; ++k) {
      const auto place = static_cast<std::size_t>((k * length) / 20);
      if (values[place] != 0) continue;
      values[place] = std::ldexp(1.0f, k);
      sum += static_cast<double>(values[place]);
    }
    values.back() = 0x1p20f;
    sum = 0;
    for (const float value : values) sum += static_cast<double>(value);
    EXPECT_EQ(Sums(1, values).run()[0], sum) << length;
  }
}

TEST(ReduceKernel, SlotsJoinInFloat64) {
  // One large block and small ones that float32 would lose beside it.
  constexpr std::int64_t kBlocks = 40;
  std::vector<float> values(kBlocks * ReduceTile::kValues, 0);
  values[0] = 0x1p30f;
  for (std::int64_t block = 1; block < kBlocks; ++block)
    values[static_cast<std::size_t>(block * ReduceTile::kValues)] = 0.25f;
  EXPECT_EQ(Sums(1, values).run()[0], 0x1p30 + 0.25 * (kBlocks - 1));
}

TEST(ReduceKernel, LaunchesRepeatBitForBit) {
  support::Random random(3);
  std::vector<float> values(3 * 4321);
  for (float& value : values) value = static_cast<float>(random.normal());
  Sums sums(3, values);
  const std::vector<double> first = sums.run();
  for (int launch = 0; launch < 3; ++launch) EXPECT_EQ(sums.run(), first);
  EXPECT_EQ(Sums(3, values).run(), first) << "in other memory";
}

TEST(ReduceKernel, NonFiniteValuesStayInTheirRow) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const float value : {inf, -inf, std::nanf("")}) {
    std::vector<float> values(3 * 1500, 1);
    values[1500 + 1499] = value;
    const std::vector<double> sums = Sums(3, values).run();
    EXPECT_EQ(sums[0], 1500);
    EXPECT_EQ(sums[2], 1500);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(sums[1]));
    } else {
      EXPECT_EQ(sums[1], static_cast<double>(value));
    }
  }
}

TEST(ReduceKernel, NoRowsAreRefused) {
  LaunchStream stream(nullptr);
  EXPECT_EQ(launch_reduce({nullptr, 0, 5, {nullptr, nullptr, nullptr}}, stream), cudaErrorInvalidConfiguration);
}

}  // namespace
}  // namespace kernel_tests

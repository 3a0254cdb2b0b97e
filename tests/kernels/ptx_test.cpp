/// The verbs of kernels/ptx, each by a product or copy that only the right lane order gives.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "ptx_probe.h"
#include "support/device_memory.h"
#include "support/half.h"
#include "support/random.h"

namespace kernel_tests {
namespace {

using support::check;
using support::DeviceInput;
using support::DeviceOutput;

/// Small integers, whose products and sums are exact.
std::vector<double> draw(std::size_t count, std::uint64_t seed) {
  support::Random random(seed);
  std::vector<double> values(count);
  for (double& value : values) value = static_cast<double>(random.below(65) - 32);
  return values;
}

std::vector<std::uint16_t> as_halves(const std::vector<double>& values) {
  std::vector<std::uint16_t> halves(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    support::store_real(ARLOSS_DTYPE_FLOAT16, values[i], halves.data(), i);
  return halves;
}

TEST(PtxVerbs, AProductIsTheOneOfItsMatrices) {
  const std::vector<double> rows = draw(16 * 16, 1), columns = draw(8 * 16, 2);
  for (const ColumnLoad load : {ColumnLoad::kX4, ColumnLoad::kX2, ColumnLoad::kX2Trans})
    for (const int valid_rows : {16, 11, 0}) {
      const DeviceInput<std::uint16_t> device_rows(as_halves(rows)), device_columns(as_halves(columns));
      const DeviceOutput<float> products(16 * 8);
      check(launch_product(load, device_rows.data(), valid_rows, device_columns.data(), products.data()));
      const std::vector<float> got = products.read();
      for (int i = 0; i < 16; ++i)
        for (int j = 0; j < 8; ++j) {
          double sum = 0;
          for (int k = 0; k < 16; ++k) {
            const int column = load == ColumnLoad::kX2Trans ? k * 8 + j : j * 16 + k;
            if (i < valid_rows)
              sum += rows[static_cast<std::size_t>(i * 16 + k)] * columns[static_cast<std::size_t>(column)];
          }
          EXPECT_EQ(static_cast<double>(got[static_cast<std::size_t>(i * 8 + j)]), sum)
              << "load " << static_cast<int>(load) << " row " << i << " column " << j;
        }
      EXPECT_TRUE(products.guards_are_intact());
    }
}

TEST(PtxVerbs, ACopyOfFourBytesFillsWithZeros) {
  std::vector<float> values(32);
  for (std::size_t i = 0; i < 32; ++i) values[i] = static_cast<float>(i) + 0.5f;
  for (const int valid : {32, 7, 0}) {
    const DeviceInput<float> device_values(values);
    const DeviceOutput<float> copies(32);
    check(launch_copy(device_values.data(), valid, copies.data()));
    const std::vector<float> got = copies.read();
    for (std::size_t i = 0; i < 32; ++i)
      EXPECT_EQ(got[31 - i], static_cast<int>(i) < valid ? values[i] : 0) << "element " << i;
  }
}

}  // namespace
}  // namespace kernel_tests

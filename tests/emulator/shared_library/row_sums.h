#ifndef ARLOSS_TESTS_EMULATOR_ROW_SUMS_H
#define ARLOSS_TESTS_EMULATOR_ROW_SUMS_H

#include <cstdint>

/// totals[r] = sum of values[r][...], computed on the device. All pointers in host memory. Returns a cudaError_t.
extern "C" int row_sums(const float* values, std::int64_t rows, std::int64_t row_length, double* totals);

#endif

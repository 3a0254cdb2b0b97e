#ifndef ARLOSS_TESTS_HALF_H
#define ARLOSS_TESTS_HALF_H

#include <cstddef>
#include <cstdint>

#include "arloss/arloss.h"

namespace support {

/// Bytes of one element of a logits or labels dtype.
std::size_t element_bytes(arloss_dtype_t dtype);

/// The value a tensor of `dtype` (FLOAT32, FLOAT16 or BFLOAT16) holds after `value` is stored in it: round to nearest
/// even in one step from float64, overflow to infinity, NaN stays NaN.
double round_to(arloss_dtype_t dtype, double value);

/// Store `value` as element `index` of a dense tensor of `dtype`, and read it back. No alignment is assumed.
void store_real(arloss_dtype_t dtype, double value, void* tensor, std::size_t index);
double load_real(arloss_dtype_t dtype, const void* tensor, std::size_t index);

/// Store a label as element `index` of a dense map of `dtype` (UINT8, INT32 or INT64); it must fit.
void store_label(arloss_dtype_t dtype, std::int64_t value, void* map, std::size_t index);

/// The largest label a map of `dtype` can hold.
std::int64_t largest_label(arloss_dtype_t dtype);

}  // namespace support

#endif

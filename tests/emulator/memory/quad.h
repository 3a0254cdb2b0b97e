#ifndef ARLOSS_TESTS_EMULATOR_MEMORY_QUAD_H
#define ARLOSS_TESTS_EMULATOR_MEMORY_QUAD_H

#include <cstdint>
#include <cstring>

namespace emulator {

/// Four numbers that are handled at once; comparisons give all ones or zero in each.
using Int4 = std::int32_t __attribute__((vector_size(16)));

inline Int4 load(const std::int32_t* from) {
  Int4 value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store(std::int32_t* to, Int4 value) { std::memcpy(to, &value, sizeof value); }

inline Int4 spread(std::int32_t value) { return Int4{value, value, value, value}; }

inline Int4 select(Int4 mask, Int4 where_set, Int4 elsewhere) { return (mask & where_set) | (~mask & elsewhere); }

inline bool is_zero(Int4 value) {
  std::uint64_t halves[2];
  std::memcpy(halves, &value, sizeof halves);
  return (halves[0] | halves[1]) == 0;
}

}  // namespace emulator

#endif

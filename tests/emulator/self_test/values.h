#ifndef ARLOSS_TESTS_EMULATOR_SELF_TEST_VALUES_H
#define ARLOSS_TESTS_EMULATOR_SELF_TEST_VALUES_H

#include <vector>

#include "self_test/checks.h"

/// Arguments that are hard on purpose: ends of ranges, ties, subnormals, infinities, NaNs, and some from a generator.
namespace emulator::self_test {

/// Pseudo-random words, the same in every run.
std::vector<u32> random_words(std::size_t count, u32 seed);

std::vector<u32> words();         // about 40
std::vector<u32> few_words();     // about 12, for triples
std::vector<u64> long_words();    // about 40
std::vector<float> floats();      // about 60
std::vector<float> few_floats();  // about 16, for triples
std::vector<double> doubles();    // about 60
std::vector<double> few_doubles();
/// Around every place where rounding to the format, or to an integer, turns.
std::vector<float> floats_near(const Format& format);
/// Every 16-bit pattern is cheap for one argument; these are for pairs and triples.
std::vector<u16> half_patterns();
std::vector<u16> bfloat_patterns();

/// The same bits as another type.
template <class To, class From>
std::vector<To> as(const std::vector<From>& values) {
  static_assert(sizeof(To) == sizeof(From));
  std::vector<To> result(values.size());
  std::memcpy(static_cast<void*>(result.data()), values.data(), values.size() * sizeof(To));
  return result;
}

}  // namespace emulator::self_test

#endif

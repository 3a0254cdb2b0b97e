#ifndef ARLOSS_TESTS_THINNING_H
#define ARLOSS_TESTS_THINNING_H

#include <cstddef>
#include <vector>

namespace support {

/// Builds with a sanitizer run 5 to 15 times slower. They run fewer cases of the long lists, and each on one SIMD
/// target, but every kind of test.
#ifdef ARLOSS_TESTS_THINNED
inline constexpr bool kIsThinned = true;
#else
inline constexpr bool kIsThinned = false;
#endif

/// Every `step`-th of a list in a thinned build, else all. The step should share no factor with the periods of the
/// list.
template <class T>
std::vector<T> thinned(const std::vector<T>& list, std::size_t step) {
  if (!kIsThinned) return list;
  std::vector<T> kept;
  for (std::size_t i = 0; i < list.size(); i += step) kept.push_back(list[i]);
  return kept;
}

}  // namespace support

#endif

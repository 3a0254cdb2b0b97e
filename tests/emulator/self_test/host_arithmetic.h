#ifndef ARLOSS_TESTS_EMULATOR_SELF_TEST_HOST_ARITHMETIC_H
#define ARLOSS_TESTS_EMULATOR_SELF_TEST_HOST_ARITHMETIC_H

#include "self_test/formats.h"

/// IEEE 754 arithmetic in every rounding mode but kNearestAway, as the host's processor does it; for float and double.
namespace emulator::self_test::host {

template <class T>
T add(T a, T b, Rounding rounding);
template <class T>
T multiply(T a, T b, Rounding rounding);
template <class T>
T divide(T a, T b, Rounding rounding);
template <class T>
T square_root(T a, Rounding rounding);
template <class T>
T multiply_add(T a, T b, T c, Rounding rounding);

}  // namespace emulator::self_test::host

#endif

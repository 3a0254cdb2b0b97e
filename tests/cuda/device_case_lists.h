#ifndef ARLOSS_TESTS_DEVICE_CASE_LISTS_H
#define ARLOSS_TESTS_DEVICE_CASE_LISTS_H

#include <cstdint>
#include <iosfwd>
#include <vector>

#include "support/case.h"

namespace support {

/// One of these lists, as the parameter of a test.
struct DeviceList {
  const char* name;
  std::vector<CaseSpec> (*make)();
};
void PrintTo(const DeviceList& list, std::ostream* out);

/// The lists of support/case_lists.h as far as there is a linear form, and thinned to what the emulator runs in
/// minutes: every value of an axis and every pair of two options is still there.
std::vector<CaseSpec> mixed_device_list();
std::vector<CaseSpec> regime_device_list();
std::vector<CaseSpec> size_device_list();
std::vector<CaseSpec> class_device_list();

/// The same lists by all pairs, whether or not there is a linear form: by half products, and exactly.
std::vector<CaseSpec> mixed_pair_list();
std::vector<CaseSpec> regime_pair_list();
std::vector<CaseSpec> size_pair_list();
std::vector<CaseSpec> class_pair_list();

/// Rows and classes at, below and above the edges of the pair kernels' strips and tiles: a short list.
std::vector<CaseSpec> pair_shape_list();

/// Cells and classes at, below and above the edges of the kernels' tiles: a short list, for every schedule.
std::vector<CaseSpec> shape_list();

/// Several tiles to a thread block of the fused kernels. float32.
std::vector<CaseSpec> deep_list();

/// More cells than the oracle is asked for: many tiles each, and parts of images that end anywhere. float32.
std::vector<CaseSpec> large_device_list();

/// Kinds of problems with a linear form on two images of `height` x 31 cells: every pair of penalty, labels hard or
/// not, scale mode, span, dtype and layout that there is.
std::vector<CaseSpec> device_kinds(std::int64_t height);
/// The same by all pairs, every penalty and exact or not.
std::vector<CaseSpec> pair_kinds(std::int64_t height);
/// A list's kinds of problems, of other sizes.
std::vector<CaseSpec> resized(std::vector<CaseSpec> list, std::int64_t batch, std::int64_t classes, std::int64_t height,
                              std::int64_t width);

}  // namespace support

#endif
